// Step `quantize`: observe once, then for each wished target choose its integer operators, decide scales and write the QDQ graph.
import type { Graph, Model, ValueName } from '../../ir/model.ts'
import type { Observation, QuantSpec } from '../../ir/quant.ts'
import type { Target } from '../../ir/target.ts'
import { infer } from '../../ops/infer.ts'
import { formFor } from '../../stages/calibrate/forms.ts'
import { checkGiven, givenRange } from '../../stages/calibrate/given.ts'
import { findMethod } from '../../stages/calibrate/index.ts'
import type { Sweep } from '../../stages/observe/index.ts'
import { upgradeOpset } from '../../stages/passes/upgrade-opset.ts'
import { type Choice, choose } from '../../stages/quantize/choose.ts'
import { decide } from '../../stages/quantize/decide.ts'
import { quantizeModel } from '../../stages/quantize/qdq.ts'
import type { RawInput } from '../../stages/quantize/raw-input.ts'
import { graphRepairs, weightRepairs } from '../../stages/quantize/repairs/index.ts'
import type { Learning } from '../../stages/quantize/repairs/types.ts'
import { isRuntimeForm, withRuntimeKernels } from '../../stages/quantize/runtime-kernels.ts'
import { separateRoles } from '../../stages/quantize/separate.ts'
import { toFloat16 } from '../../stages/quantize/to-float16.ts'
import { training } from '../../stages/train/index.ts'
import { emptyVariant, type State, type StepEnv, step, type Variant, type Wanted } from '../state.ts'
import { gather, inputsSeen } from './observed.ts'
import { float16Variants } from './quantize-float16.ts'
import {
  checkFormats,
  formatsIn,
  methodFor,
  needsSamples,
  opsetOf,
  options,
  type PerNode,
  precisionOf,
  type QuantizeOptions,
  resolveLayers,
  wholeHalf,
} from './quantize-options.ts'
import { takingPixels } from './raw-pixels.ts'

export const quantize = step({
  id: 'quantize',
  label: 'Quantise',
  options,
  needs: o => (needsSamples(o) ? ['calibration'] : []),
  run: (state, o, env) => quantizeWith(state, o, env),
})

/** `look` gathers observations; a search lends one that looks once for all its candidates. */
export async function quantizeWith(
  state: State,
  o: QuantizeOptions,
  env: StepEnv,
  look: typeof gather = gather,
): Promise<State> {
  const current = infer(upgradeOpset(infer(state.model), opsetOf(o)))
  for (const wanted of env.wanted) checkFormats(o, wanted.target)
  const asItIs = formatsIn(o).every(f => f.weights === 'float32' && f.activations === 'float32')
  if (wholeHalf(o) || asItIs) return float16Variants(state, current, resolveLayers(current, o), o, env)

  const { model, raws, notes } = o.rawInput
    ? await takingPixels(separateRoles(current), env)
    : { model: separateRoles(current), raws: [], notes: [] as string[] }
  checkGiven(o.ranges, [...valueNames(state.original.graph), ...valueNames(model.graph)])
  const perNode = resolveLayers(model, o)

  const chooseIn = (float: Model, target: Target): Choice => choose(float, target, perNode.formats)
  const groups = byProfile(env.wanted, target => chooseIn(model, target))
  const samples = env.calibration && { data: env.calibration, count: env.samples, batch: o.batch }
  for (const group of groups) {
    for (const repair of graphRepairs(o.repairs)) {
      const repaired = await repair.run(group.reference ?? model, group.choice, samples, env.ctx)
      notes.push(...repaired.notes)
      if (repaired.model === (group.reference ?? model)) continue
      // What was rewritten may read other values than before.
      group.reference = infer(repaired.model)
      group.choice = chooseIn(group.reference, group.wanted[0].target)
    }
  }
  const sweeps = await observeAll(model, groups, o, env, look)
  const seen = sweeps.get(groups[0]?.reference ?? model) ?? nothing

  const start = env.ctx.clock()
  const variants: Variant[] = []
  for (const { choice: chosen, wanted, reference } of groups) {
    const float = reference ?? model
    const { target } = wanted[0]
    const rangeOf = rangesBy(sweeps.get(float)!.observations, chosen, perNode, o, target, raws)
    let plan = await decide(float, target, chosen, { of: rangeOf }, env.ctx)
    let rounded = float
    for (const repair of weightRepairs(o.repairs)) {
      const repaired = await repair.run(
        { float, model: rounded, plan, choice: chosen },
        samples,
        env.ctx,
        learningOf(o),
      )
      notes.push(...repaired.notes)
      plan = repaired.plan
      rounded = repaired.model
    }
    const quantized = await quantizeModel(rounded, plan, env.ctx.bytes)
    for (const w of wanted) {
      const half = w.form === 'float16' ? await toFloat16(current, env.ctx.bytes, () => false) : null
      const written = isRuntimeForm(w.form) ? await withRuntimeKernels(quantized, w.form, env.ctx.bytes) : quantized
      const variant = half
        ? emptyVariant(w, 'float16', half.model, null, half.float, ['float16', 'float16'])
        : emptyVariant(w, w.form ?? w.target.forms[0], written, plan, plan.float, precisionOf(o, w.target))
      variants.push({ ...variant, reference, raw: half ? [] : raws })
    }
  }
  return {
    ...state,
    model,
    variants,
    notes: [...state.notes, ...new Set(notes)],
    observed:
      seen === nothing
        ? state.observed
        : { samples: seen.samples, inputs: await inputsSeen(model, env.calibration!, seen.observations, env) },
    timing: {
      ...state.timing,
      inferenceMs: seen.inferenceMs,
      calibrateMs: seen.calibrateMs,
      quantizeMs: env.ctx.clock() - start,
    },
  }
}

const learningOf = ({ iterations, learningBatch, blockLoss }: QuantizeOptions): Learning => ({
  training,
  iterations,
  batch: learningBatch,
  loss: blockLoss,
})

/** Bundles whose targets have the same rules share one choice of operators, one plan and one quantised model. */
interface Group {
  choice: Choice
  wanted: Wanted[]
  /** The float model that was made easier to quantise; null where it is the one that went in. */
  reference: Model | null
}

function byProfile(wanted: readonly Wanted[], chooseFor: (target: Target) => Choice): Group[] {
  const groups = new Map<string, Group>()
  for (const w of wanted) {
    const profile = JSON.stringify(w.target.quant)
    const known = groups.get(profile)
    if (known) known.wanted.push(w)
    else groups.set(profile, { choice: chooseFor(w.target), wanted: [w], reference: null })
  }
  return [...groups.values()]
}

/** One sweep over each float model that there is, for all groups that go out from it. */
async function observeAll(
  model: Model,
  groups: readonly Group[],
  o: QuantizeOptions,
  env: StepEnv,
  look: typeof gather,
): Promise<Map<Model, Sweep>> {
  const wanted = new Map<Model, Set<ValueName>>()
  for (const { choice: chosen, reference } of groups) {
    const float = reference ?? model
    wanted.set(float, new Set([...(wanted.get(float) ?? []), ...chosen.values]))
  }
  const sweeps = new Map<Model, Sweep>()
  for (const [index, [float, values]] of [...wanted].entries()) {
    // All that repairs go by besides the samples.
    const { repairs, weights, activations, granularity, layers } = o
    const repaired = float === model ? null : { index, repairs, weights, activations, granularity, layers }
    const sweep =
      values.size > 0 ? await look(float, [...values], env.calibration!, env.samples, o, env, repaired) : nothing
    sweeps.set(float, sweep)
  }
  return sweeps
}

const nothing: Sweep = { observations: new Map(), samples: 0, calibrateMs: 0, inferenceMs: 0 }

/** Ranges under the calibration method of the node that makes a value. */
export function rangesBy(
  observations: ReadonlyMap<ValueName, Observation>,
  chosen: Choice,
  perNode: PerNode,
  o: QuantizeOptions,
  target: Target,
  raws: readonly RawInput[],
) {
  // Whatever was seen, a pixel has 8 bits.
  const pixels = new Map(raws.map(r => [r.centred, { min: -r.zero, max: 255 - r.zero }]))
  const maker = new Map([...chosen.chosen.values()].map(c => [c.output, c.node.id]))
  return (name: ValueName, spec: QuantSpec, clip: boolean) => {
    const given = pixels.get(name) ?? givenRange(o.ranges, name)
    if (given) return given
    const made = maker.get(name)
    const method = clip ? methodFor(made ? perNode.range(made) : o.range, spec.format.bits) : findMethod('minmax')
    const form = formFor(method, o.form, target.quant.klForm)
    return method.range(observations.get(name)!, spec, { percentile: o.percentile, form })
  }
}

const valueNames = (graph: Graph): ValueName[] =>
  [...graph.values.keys(), ...graph.nodes.flatMap(n => n.outputs)].filter(name => name !== null)
