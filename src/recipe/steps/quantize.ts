// Step `quantize`: observe once, then for each wished target choose its integer operators, decide scales and write the QDQ graph.
import type { Bytes, Dataset, Memo } from '../../ir/context.ts'
import type { Graph, Model, ValueName } from '../../ir/model.ts'
import type { Observation, QuantSpec } from '../../ir/quant.ts'
import type { Form, Target } from '../../ir/target.ts'
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
import { withTabledReciprocals } from '../../stages/quantize/reciprocals.ts'
import { graphRepairs, weightRepairs } from '../../stages/quantize/repairs/index.ts'
import type { Learning, Normals } from '../../stages/quantize/repairs/types.ts'
import { isRuntimeForm, withRuntimeKernels } from '../../stages/quantize/runtime-kernels.ts'
import { separateRoles } from '../../stages/quantize/separate.ts'
import { toFloat16 } from '../../stages/quantize/to-float16.ts'
import { training } from '../../stages/train/index.ts'
import { emptyVariant, floatVariants, type State, type StepEnv, step, type Variant, type Wanted } from '../state.ts'
import { formOf, inForm } from './forms.ts'
import { legalise } from './legalise.ts'
import { gather, inputsSeen } from './observed.ts'
import { float16Variants } from './quantize-float16.ts'
import {
  checkFormats,
  methodFor,
  needsHistogram,
  needsSamples,
  opsetOf,
  options,
  type PerNode,
  precisionOf,
  type QuantizeOptions,
  resolveLayers,
} from './quantize-options.ts'
import { takingPixels } from './raw-pixels.ts'
import { asObservations, estimateWords, normalRange, normalsOf, refuseWithout, samplesOr } from './without-samples.ts'

export const quantize = step({
  id: 'quantize',
  label: 'Quantise',
  rounds: true,
  options,
  // Without samples what they would say is estimated, and called that.
  needs: () => [],
  run: (state, o, env) => quantizeWith(state, o, env),
})

/** `look` gathers observations; a search lends one that looks once for all its candidates. */
export async function quantizeWith(
  state: State,
  o: QuantizeOptions,
  env: StepEnv,
  look: typeof gather = gather,
): Promise<State> {
  const formed = env.wanted.map(wanted => inFormOf(wanted, o))
  for (const { wanted, form, options } of formed) if (form.holds === 'quantised') checkFormats(options, wanted.target)
  const current = infer(upgradeOpset(infer(state.model), 13))
  if (!formed.some(({ form }) => form.holds === 'quantised')) {
    const halves = formed.filter(({ form }) => form.holds === 'float16').map(({ wanted }) => wanted)
    return float16Variants(state, current, resolveLayers(current, o), o, new Set(halves), env)
  }

  const { model, raws, notes } = o.rawInput
    ? await takingPixels(separateRoles(current), env)
    : { model: separateRoles(current), raws: [], notes: [] as string[] }
  checkGiven(o.ranges, [...valueNames(state.original.graph), ...valueNames(model.graph)])
  const groups = await byProfile(formed, model, env)
  // A form of a target may ask for more than the recipe does.
  const looks = needsSamples(o) || groups.some(g => needsSamples(g.options))
  const { data, why } = looks ? await samplesOr(state, env) : { data: null, why: null }
  const samples = data && { data, count: env.samples, batch: o.batch }
  const byStatistics = o.estimate !== 'synthesised' && (why !== null || o.repairs.includes('correct-bias-analytic'))
  if (byStatistics) for (const g of groups) g.normals = await normalsOf(state, g.reference ?? model, env)
  for (const group of groups) {
    for (const repair of graphRepairs(o.repairs)) {
      const repaired = await repair.run(group.reference ?? model, group.choice, samples, env.ctx, group.normals)
      notes.push(...repaired.notes)
      if (repaired.model === (group.reference ?? model)) continue
      group.normals = repaired.normals ?? null
      // What was rewritten may read other values than before.
      group.reference = infer(repaired.model)
      group.choice = choose(group.reference, group.target, group.perNode.formats)
    }
  }
  const estimating = why !== null && canEstimate(groups, raws, o)
  const sweeps = estimating
    ? new Map(groups.map(g => [g.reference ?? model, estimated(g)] as const))
    : await observeAll(model, groups, data, env, look)
  const seen = sweeps.get(groups[0]?.reference ?? model) ?? nothing

  const repairs = estimating ? o.repairs.map(analytically) : o.repairs
  if (why !== null) notes.push(...repairWords(repairs, env.samples))
  const start = env.ctx.clock()
  const ranged = groups.some(g => g.choice.values.length > 0)
  const words = why !== null && ranged ? estimateWords(why, estimating, env.samples) : null
  const variants: Variant[] = []
  for (const { choice: chosen, wanted, target, reference, perNode, options, normals } of groups) {
    const before = reference ?? model
    const observed = sweeps.get(before)!.observations
    // No newer than its own formats want: what else the recipe asks for is not this target's concern.
    const upgraded = upgradeOpset(before, opsetOf(options))
    const float = upgraded === before ? before : infer(upgraded)
    const known = estimating ? normals : null
    const rangeOf = rangesBy(observed, chosen, perNode, options, target, raws, known)
    let plan = await decide(float, target, chosen, { of: rangeOf }, env.ctx)
    let rounded = float
    for (const repair of weightRepairs(repairs)) {
      // Of the state that goes in and these the rest follows.
      const rules = [target.quant, target.lower ?? []]
      const memo: Memo = (key, compute) =>
        env.memo({ stage: 'repair', repair: repair.id, rules, options, repairs, key }, compute)
      const repaired = await repair.run(
        { float, model: rounded, plan, choice: chosen, normals },
        samples,
        env.ctx,
        learningOf(o),
        memo,
      )
      notes.push(...repaired.notes)
      plan = repaired.plan
      rounded = repaired.model
    }
    plan = withTabledReciprocals(plan, rounded.graph, target)
    const quantized = await quantizeModel(rounded, plan, env.ctx.bytes)
    for (const { wanted: w, form } of wanted) {
      const written = await writtenFor(target, form.id, quantized, env.ctx.bytes)
      const variant = emptyVariant(w, form.id, written, plan, plan.float, precisionOf(options, target))
      variants.push({ ...variant, reference: float === model ? null : float, rounded, raw: raws })
    }
  }
  for (const { wanted: w, form } of formed) {
    if (form.holds === 'float') variants.push(...floatVariants(current, [w]))
    if (form.holds !== 'float16') continue
    const half = await toFloat16(current, env.ctx.bytes, () => false)
    variants.push(emptyVariant(w, form.id, half.model, null, half.float, ['float16', 'float16']))
  }
  const order = (variant: Variant): number =>
    env.wanted.findIndex(w => w.target.id === variant.target && w.form === variant.asked && w.io === variant.io)
  variants.sort((a, b) => order(a) - order(b))
  return {
    ...state,
    model,
    variants,
    notes: [...state.notes, ...new Set(notes)],
    observed:
      seen === nothing
        ? state.observed
        : { samples: why === null ? seen.samples : 0, inputs: await inputsSeen(model, data!, seen.observations, env) },
    estimated: words ?? state.estimated,
    timing: {
      ...state.timing,
      inferenceMs: seen.inferenceMs,
      calibrateMs: seen.calibrateMs,
      quantizeMs: env.ctx.clock() - start,
    },
  }
}

/** The QDQ model in the operators that a form of a target is written in. */
export const writtenFor = async (target: Target, form: string, model: Model, bytes: Bytes): Promise<Model> =>
  target.exporter === 'onnx' && isRuntimeForm(form) ? withRuntimeKernels(model, form, bytes) : model

interface Formed {
  wanted: Wanted
  form: Form
  /** The recipe's, as the form has them. */
  options: QuantizeOptions
}

function inFormOf(wanted: Wanted, o: QuantizeOptions): Formed {
  const form = formOf(wanted, o)
  return { wanted, form, options: inForm(o, form) }
}
const learningOf = ({ iterations, learningBatch, blockLoss }: QuantizeOptions): Learning => ({
  training,
  iterations,
  batch: learningBatch,
  loss: blockLoss,
})

/** Bundles whose targets have the same rules share one choice of operators, one plan and one quantised model. */
interface Group {
  target: Target
  options: QuantizeOptions
  perNode: PerNode
  choice: Choice
  wanted: Formed[]
  /** The float model that was made easier to quantise; null where it is the one that went in. */
  reference: Model | null
  /** What BatchNorm statistics say of its values, where they are gone by. */
  normals: Normals | null
}

async function byProfile(formed: readonly Formed[], model: Model, { ctx }: StepEnv): Promise<Group[]> {
  const groups = new Map<string, Group>()
  for (const each of formed.filter(({ form }) => form.holds === 'quantised')) {
    const { wanted, options } = each
    const { target } = wanted
    const profile = JSON.stringify([target.quant, target.lower ?? [], options])
    const known = groups.get(profile)
    if (known) {
      known.wanted.push(each)
      continue
    }
    const legal = await legalise(model, target, ctx)
    const perNode = resolveLayers(legal, options)
    const choice = choose(legal, target, perNode.formats)
    const reference = legal === model ? null : legal
    groups.set(profile, { target, options, perNode, choice, wanted: [each], reference, normals: null })
  }
  return [...groups.values()]
}

/** One sweep over each float model that there is, for all groups that go out from it. */
async function observeAll(
  model: Model,
  groups: readonly Group[],
  data: Dataset | null,
  env: StepEnv,
  look: typeof gather,
): Promise<Map<Model, Sweep>> {
  const wanted = new Map<Model, { values: Set<ValueName>; by: Group }>()
  for (const group of groups) {
    const float = group.reference ?? model
    const known = wanted.get(float)
    // The most that any of them has to see is seen for all.
    const by = known && needsHistogram(known.by.options) ? known.by : group
    wanted.set(float, { values: new Set([...(known?.values ?? []), ...group.choice.values]), by })
  }
  const sweeps = new Map<Model, Sweep>()
  for (const [float, { values, by }] of wanted) {
    const repaired = float === model ? null : rewrittenBy(by.options, by.target)
    const sweep =
      values.size > 0 ? await look(float, [...values], data!, env.samples, by.options, env, repaired) : nothing
    sweeps.set(float, sweep)
  }
  return sweeps
}

/** All that the float model was rewritten by besides the samples: replacements go by the target alone, repairs by what they repair. */
export function rewrittenBy(o: QuantizeOptions, { quant, lower = [] }: Target): object {
  if (graphRepairs(o.repairs).length === 0) return { lower }
  const { repairs, weights, activations, granularity, layers } = o
  return { rules: [quant, lower], repairs, weights, activations, granularity, layers }
}

/** Whether BatchNorm statistics reach every value that needs a range; if not, inputs are made up instead. */
function canEstimate(groups: readonly Group[], raws: readonly RawInput[], o: QuantizeOptions): boolean {
  if (o.estimate === 'synthesised') return false
  for (const { choice, normals } of groups) {
    const known = (name: ValueName): boolean =>
      normals?.has(name) || givenRange(o.ranges, name) !== null || raws.some(r => r.centred === name)
    const missing = choice.values.find(name => !known(name))
    if (missing === undefined) continue
    if (o.estimate === 'batch-norm') throw refuseWithout(missing)
    return false
  }
  return groups.every(g => g.normals && g.normals.size > 0)
}

/** Where only BatchNorm statistics are known, biases go by them too: measured better than by inputs that are made up. */
const analytically = (repair: string): string => (repair === 'correct-bias' ? 'correct-bias-analytic' : repair)

/** What repairs went by that need samples. */
function repairWords(ids: readonly string[], count: number): string[] {
  const named = [...graphRepairs(ids), ...weightRepairs(ids)].filter(r => r.needsData).map(r => r.id)
  return named.length > 0
    ? [`Repairs that need samples (${named.join(', ')}) were given ${count} synthesised inputs instead.`]
    : []
}

const estimated = ({ choice, normals }: Group): Sweep => ({
  ...nothing,
  observations: asObservations(normals ?? new Map(), choice.values),
})

const nothing: Sweep = { observations: new Map(), samples: 0, calibrateMs: 0, inferenceMs: 0 }

/** Ranges under the calibration method of the node that makes a value. */
export function rangesBy(
  observations: ReadonlyMap<ValueName, Observation>,
  chosen: Choice,
  perNode: PerNode,
  o: QuantizeOptions,
  target: Target,
  raws: readonly RawInput[],
  normals: Normals | null = null,
) {
  // Whatever was seen, a pixel has 8 bits.
  const pixels = new Map(raws.map(r => [r.centred, { min: -r.zero, max: 255 - r.zero }]))
  const maker = new Map([...chosen.chosen.values()].map(c => [c.output, c.node.id]))
  return (name: ValueName, spec: QuantSpec, clip: boolean) => {
    const given = pixels.get(name) ?? givenRange(o.ranges, name)
    if (given) return given
    if (normals) return normalRange(normals.get(name)!, spec)
    const made = maker.get(name)
    const method = clip ? methodFor(made ? perNode.range(made) : o.range, spec.format.bits) : findMethod('minmax')
    const form = formFor(method, o.form, target.quant.klForm)
    return method.range(observations.get(name)!, spec, { percentile: o.percentile, form })
  }
}

const valueNames = (graph: Graph): ValueName[] =>
  [...graph.values.keys(), ...graph.nodes.flatMap(n => n.outputs)].filter(name => name !== null)
