// Step `quantize`: observe once, then for each wished target choose its integer operators, decide scales and write the QDQ graph.
import * as v from 'valibot'
import { StudioError } from '../../base/errors.ts'
import { choice, number, type OptionValues, value } from '../../base/options.ts'
import type { Dataset } from '../../ir/context.ts'
import { type FormatName, formatName, formatNames, numberFormat } from '../../ir/format-names.ts'
import { type Model, type Node, type NodeId, requiredInputs, type ValueName } from '../../ir/model.ts'
import type { Observation, QuantSpec } from '../../ir/quant.ts'
import type { Target } from '../../ir/target.ts'
import { weightOf } from '../../ops/facts.ts'
import { infer } from '../../ops/infer.ts'
import { findMethod, methods } from '../../stages/calibrate/index.ts'
import { observe, type Sweep } from '../../stages/observe/index.ts'
import { upgradeOpset } from '../../stages/passes/upgrade-opset.ts'
import { type Choice, choose, type LayerFormats } from '../../stages/quantize/choose.ts'
import { decide, type WeightScales } from '../../stages/quantize/decide.ts'
import { opsetFor, quantizeModel } from '../../stages/quantize/qdq.ts'
import { graphRepairs, repairIds, weightRepairs } from '../../stages/quantize/repairs/index.ts'
import { select } from '../../stages/quantize/selectors.ts'
import { separateRoles } from '../../stages/quantize/separate.ts'
import { toFloat16 } from '../../stages/quantize/to-float16.ts'
import { emptyVariant, type InputSeen, type State, type StepEnv, step, type Variant, type Wanted } from '../state.ts'

const rangeNames = methods.map(m => m.id)

const layerSchema = v.strictObject({
  weights: v.optional(v.picklist(formatNames)),
  activations: v.optional(v.picklist(formatNames)),
  range: v.optional(v.picklist(rangeNames)),
  float: v.optional(v.boolean()),
})
type LayerOptions = v.InferOutput<typeof layerSchema>

const granularities = ['channel', 'tensor', 'block:32', 'block:64', 'block:128', 'block:256'] as const

const options = {
  weights: choice('Weights', formatNames, 'int8'),
  activations: choice('Activations', formatNames, 'uint8'),
  granularity: choice('Weight scales', granularities, 'channel'),
  range: choice('Range of activations', rangeNames, 'minmax'),
  percentile: number('Percentile', { default: 99.99, min: 90, max: 100, step: 0.001 }),
  repairs: value('Repairs', v.array(v.picklist(repairIds)), [] as string[]),
  batch: number('Samples per batch', { default: 16, min: 1, max: 256 }),
  layers: value('Per layer', v.record(v.string(), layerSchema), {} as Record<string, LayerOptions>),
}
type QuantizeOptions = OptionValues<typeof options>

/** Every pair of formats that the options name, the general one first. */
const formatsIn = (o: QuantizeOptions): LayerFormats[] => [
  { weights: o.weights, activations: o.activations },
  ...Object.values(o.layers)
    .filter(layer => !layer.float)
    .map(layer => ({ weights: layer.weights ?? o.weights, activations: layer.activations ?? o.activations })),
]

/** Whether any activation gets few bits, for which its range must be known. */
const observes = (o: QuantizeOptions): boolean => formatsIn(o).some(f => f.activations !== 'float32') && !wholeHalf(o)

const needsSamples = (o: QuantizeOptions): boolean =>
  observes(o) || [...graphRepairs(o.repairs), ...weightRepairs(o.repairs)].some(r => r.needsData)

/** The whole model in float16, which needs neither scales nor pairs. */
const wholeHalf = (o: QuantizeOptions): boolean => o.weights === 'float16' && o.activations === 'float16'

/** What the recipe says of each node: the general options, overridden by every selector that matches, in their order. */
interface PerNode {
  formats(node: Node): LayerFormats
  range(node: NodeId): string
}

export const quantize = step({
  id: 'quantize',
  label: 'Quantise',
  options,
  needs: o => (needsSamples(o) ? ['calibration'] : []),
  async run(state, o, env) {
    const current = infer(upgradeOpset(infer(state.model), opsetOf(o)))
    for (const wanted of env.wanted) checkFormats(o, wanted.target)
    const asItIs = formatsIn(o).every(f => f.weights === 'float32' && f.activations === 'float32')
    if (wholeHalf(o) || asItIs) return float16Variants(state, current, resolveLayers(current, o), o, env)

    const model = separateRoles(current)
    const perNode = resolveLayers(model, o)

    const groups = byProfile(env.wanted, target => choose(model, target, perNode.formats))
    const samples = env.calibration && { data: env.calibration, count: env.samples, batch: o.batch }
    const notes: string[] = []
    for (const group of groups) {
      for (const repair of graphRepairs(o.repairs)) {
        const repaired = await repair.run(group.reference ?? model, group.choice, samples, env.ctx)
        notes.push(...repaired.notes)
        group.reference = repaired.model === model ? null : infer(repaired.model)
      }
    }
    const sweeps = await observeAll(model, groups, o, env)
    const seen = sweeps.get(groups[0]?.reference ?? model) ?? nothing

    const start = env.ctx.clock()
    const variants: Variant[] = []
    for (const { choice: chosen, wanted, reference } of groups) {
      const float = reference ?? model
      const rangeOf = rangesBy(sweeps.get(float)!.observations, chosen, perNode, o)
      const { target } = wanted[0]
      let plan = await decide(float, target, chosen, { of: rangeOf }, env.ctx, scalesOf(o))
      let rounded = float
      for (const repair of weightRepairs(o.repairs)) {
        const repaired = await repair.run({ float, model: rounded, plan, choice: chosen }, samples, env.ctx)
        notes.push(...repaired.notes)
        plan = repaired.plan
        rounded = repaired.model
      }
      const quantized = await quantizeModel(rounded, plan, env.ctx.bytes)
      for (const w of wanted) {
        const half = w.form === 'float16' ? await toFloat16(current, env.ctx.bytes, () => false) : null
        const variant = half
          ? emptyVariant(w, 'float16', half.model, null, half.float, ['float16', 'float16'])
          : emptyVariant(w, w.form ?? w.target.forms[0], quantized, plan, plan.float, precisionOf(o, w.target))
        variants.push({ ...variant, reference })
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
  },
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
): Promise<Map<Model, Sweep>> {
  const wanted = new Map<Model, Set<ValueName>>()
  for (const { choice: chosen, reference } of groups) {
    const float = reference ?? model
    wanted.set(float, new Set([...(wanted.get(float) ?? []), ...chosen.values]))
  }
  const sweeps = new Map<Model, Sweep>()
  for (const [index, [float, values]] of [...wanted].entries()) {
    const repaired = float === model ? null : { index, repairs: o.repairs }
    const sweep =
      values.size > 0 ? await gather(float, [...values], env.calibration!, env.samples, o, env, repaired) : nothing
    sweeps.set(float, sweep)
  }
  return sweeps
}

const nothing: Sweep = { observations: new Map(), samples: 0, calibrateMs: 0, inferenceMs: 0 }

const scalesOf = ({ granularity }: QuantizeOptions): WeightScales =>
  granularity === 'tensor' || granularity === 'channel' ? granularity : { block: Number(granularity.slice(6)) }

/** The oldest opset, 13 or newer, that has every format. */
function opsetOf(o: QuantizeOptions): number {
  const blocks = typeof scalesOf(o) === 'object'
  const opsets = formatsIn(o).flatMap(f => [
    ...[f.weights].map(name => [name, blocks] as const),
    ...[f.activations].map(name => [name, false] as const),
  ])
  return opsets.reduce((most, [name, inBlocks]) => {
    const format = numberFormat(name, false)
    return format ? Math.max(most, opsetFor(format, inBlocks)) : most
  }, 13)
}

const precisionOf = (o: QuantizeOptions, target: Target): [string, string] => [
  formatName(numberFormat(o.weights, target.quant.weights.signed)),
  formatName(numberFormat(o.activations, target.quant.activations.signed)),
]

async function gather(
  model: Model,
  values: readonly ValueName[],
  data: Dataset,
  count: number,
  o: QuantizeOptions,
  env: StepEnv,
  repaired: { index: number; repairs: readonly string[] } | null = null,
): Promise<Sweep> {
  const histogram =
    findMethod(o.range).needs === 'histogram' ||
    Object.values(o.layers).some(l => l.range && findMethod(l.range).needs === 'histogram')
  const options = { count, batch: o.batch, histogram }
  // Nothing else of the step's options is in the key: another method over the same values starts from what is kept.
  const key = { stage: 'observe', values, options, ...(repaired ? { repaired } : {}) }
  const sweep = await env.memo(key, () => observe(model, data, values, options, env.ctx))
  if (sweep.samples === 0)
    throw new StudioError('bad-data', `No sample of ${data.name} could be used for calibration`, {
      where: { file: data.name },
      hint:
        data.skipped.length > 0
          ? `The first was skipped because: ${data.skipped[0].why}`
          : 'Give at least one sample, better a hundred.',
    })
  return sweep
}

/** Shape of one sample and range of all, per input: what golden inputs are drawn within. */
async function inputsSeen(
  model: Model,
  data: Dataset,
  observations: ReadonlyMap<ValueName, Observation>,
  env: StepEnv,
): Promise<Record<ValueName, InputSeen>> {
  const seen: Record<ValueName, InputSeen> = {}
  for await (const { feeds } of data.samples({ count: 1, signal: env.ctx.signal })) {
    for (const name of requiredInputs(model.graph)) {
      const observation = observations.get(name)
      if (feeds[name])
        seen[name] = { shape: feeds[name].shape, min: observation?.min ?? -1, max: observation?.max ?? 1 }
    }
  }
  return seen
}

function rangesBy(
  observations: ReadonlyMap<ValueName, Observation>,
  chosen: Choice,
  perNode: PerNode,
  o: QuantizeOptions,
) {
  const maker = new Map([...chosen.chosen.values()].map(c => [c.output, c.node.id]))
  return (name: ValueName, spec: QuantSpec, clip: boolean) => {
    const made = maker.get(name)
    const method = findMethod(clip ? (made ? perNode.range(made) : o.range) : 'minmax')
    return method.range(observations.get(name)!, spec, { percentile: o.percentile })
  }
}

function resolveLayers(model: Model, o: QuantizeOptions): PerNode {
  const { graph } = model
  const weighted = graph.nodes.filter(n => weightOf(n, graph) !== null)
  const overrides = new Map<NodeId, LayerOptions>()
  for (const [selector, layer] of Object.entries(o.layers))
    for (const id of select(selector, graph.nodes, weighted)) overrides.set(id, { ...overrides.get(id), ...layer })
  const formatOf = (id: NodeId, which: 'weights' | 'activations'): FormatName => {
    const layer = overrides.get(id)
    return layer?.float ? 'float32' : (layer?.[which] ?? o[which])
  }
  return {
    formats: node => ({ weights: formatOf(node.id, 'weights'), activations: formatOf(node.id, 'activations') }),
    range: id => overrides.get(id)?.range ?? o.range,
  }
}

// Enough to see how large values become.
const rangeSamples = 32

async function float16Variants(
  state: State,
  model: Model,
  perNode: PerNode,
  o: QuantizeOptions,
  env: StepEnv,
): Promise<State> {
  const halved = o.weights === 'float16'
  const { graph } = model
  const floats = [...requiredInputs(graph), ...graph.nodes.flatMap(n => n.outputs)].filter(
    name => name !== null && graph.values.get(name)?.dtype === 'float32',
  ) as ValueName[]
  const seen =
    halved && env.calibration
      ? await gather(model, floats, env.calibration, Math.min(env.samples, rangeSamples), o, env)
      : null
  const start = env.ctx.clock()
  const notes = [...state.notes]
  const keep = (node: Node): boolean => perNode.formats(node).weights === 'float32'
  const half = halved ? await toFloat16(model, env.ctx.bytes, keep, seen?.observations ?? null) : null
  for (const { value: name, count } of half?.clamped ?? [])
    notes.push(`${count} weights of ${name} were beyond float16 and are clamped to \u00b165504.`)
  for (const { value: name, count } of half?.vanished ?? [])
    notes.push(`${count} weights of ${name} were too small for float16 and are zero now.`)
  const variants = env.wanted.map(w =>
    half
      ? emptyVariant(w, 'float16', half.model, null, half.float, ['float16', 'float16'])
      : emptyVariant(w, 'float', model, null, [], ['float32', 'float32']),
  )
  return {
    ...state,
    model,
    variants,
    observed: seen
      ? { samples: seen.samples, inputs: await inputsSeen(model, env.calibration!, seen.observations, env) }
      : state.observed,
    notes,
    timing: { ...state.timing, quantizeMs: env.ctx.clock() - start },
  }
}

/** A recipe that asks for numbers which a target does not have is refused, never served with others. */
function checkFormats(o: QuantizeOptions, { label, quant }: Target): void {
  for (const formats of formatsIn(o))
    for (const which of ['weights', 'activations'] as const)
      if (!quant[which].formats.includes(formats[which]))
        throw new StudioError('bad-recipe', `${label} does not run ${which} of ${formats[which]}`, {
          where: { step: 'quantize' },
          hint: `Choose one of ${quant[which].formats.join(', ')}.`,
        })
}
