// Step `search`: which layer in which format, so that a budget of points lost, bytes, milliseconds or bits is kept and the error is least.
// Each layer is measured alone, a knapsack chooses, whole candidates are verified on samples that they were not made from; the decision
// is written down, so that it can be replayed without a clock.
import { StudioError } from '../../base/errors.ts'
import type { FormatName } from '../../ir/format-names.ts'
import type { Model, ValueName } from '../../ir/model.ts'
import type { Target } from '../../ir/target.ts'
import { weightOf } from '../../ops/facts.ts'
import { infer } from '../../ops/infer.ts'
import type { Sweep } from '../../stages/observe/index.ts'
import { upgradeOpset } from '../../stages/passes/upgrade-opset.ts'
import { choose } from '../../stages/quantize/choose.ts'
import type { RawInput } from '../../stages/quantize/raw-input.ts'
import { select } from '../../stages/quantize/selectors.ts'
import { separateRoles } from '../../stages/quantize/separate.ts'
import { type State, type StepEnv, step } from '../state.ts'
import { layerTimes } from './layer-times.ts'
import { gather, gatherOnce } from './observed.ts'
import { quantizeWith } from './quantize.ts'
import { opsetOf, type QuantizeOptions } from './quantize-options.ts'
import { takingPixels } from './raw-pixels.ts'
import { baseOf, type Found, options, type SearchOptions } from './search-options.ts'
import { decideWithin, type Space } from './search-within.ts'
import { chooseOnly, type SearchLayer, type Sensitivity, sensitivities } from './sensitivity.ts'
import { openTrial, samplesBetween } from './trial.ts'
import { estimateWords, samplesOr } from './without-samples.ts'

export const search = step({
  id: 'search',
  label: 'Search for the best formats',
  options,
  needs: () => ['calibration'],
  async run(state, o, given) {
    const { data, why } = await samplesOr(state, given)
    const env = { ...given, calibration: data }
    const found = o.found ?? (await find(state, o, env))
    const after = await quantizeWith(state, { ...baseOf(o, state.steps), ...found.quantize }, env)
    return {
      ...after,
      ...(why === null
        ? {}
        : {
            estimated: estimateWords(why, false, env.samples),
            observed: after.observed && { ...after.observed, samples: 0 },
          }),
      notes: [...after.notes, ...found.notes],
      steps: [...state.steps, { do: 'search', ...o, found }],
    }
  },
})

// A share of the time that may go into measuring layers; the rest is for whole candidates.
const measuringShare = 0.6

async function find(state: State, o: SearchOptions, env: StepEnv): Promise<Found> {
  const { ctx } = env
  const start = ctx.clock()
  const limit = 60_000 * o.minutes
  const base = baseOf(o, state.steps)
  const targets = env.wanted.map(w => w.target)
  if (targets.length === 0)
    throw new StudioError('bad-recipe', 'The search has no target to search for', {
      where: { step: 'search' },
      hint: 'Add a step export, or give --target.',
    })
  const { formats, notes } = usable(o.formats, targets)
  const current = prepared(state.model, base, formats)
  const { model, raws } = base.rawInput ? await takingPixels(current, env) : { model: current, raws: [] }
  const layers = searchLayers(model, targets, base, o.only)
  if (layers.length === 0)
    throw new StudioError('unsupported', 'No layer of this model can be kept in another format', {
      where: { step: 'search' },
      hint: 'Its weights may be computed at run time, or the recipe fixes all of them.',
    })

  const { fit, apart } = split(Math.min(env.samples, env.calibration!.size))
  const inner: StepEnv = {
    ...env,
    calibration: samplesBetween(env.calibration!, 0, fit),
    samples: fit,
    memo: (key, compute) => env.memo(['search', fit, key], compute),
  }
  const values = new Set(
    [
      ...targets.map(t => choose(model, t, () => base)),
      ...layers.map(layer => chooseOnly(model, layer, () => base)),
    ].flatMap(choice => choice.values),
  )
  const sweep = await gather(model, [...values], inner.calibration!, fit, base, inner)
  const look = gatherOnce(sweep)

  const measured = (count: number, which: readonly SearchLayer[]): Promise<Sensitivity> =>
    measureOn(model, which, { ...base, formats }, { raws, sweep, count, until: start + measuringShare * limit }, inner)
  const count = Math.min(fit, o.samples)
  const rough = await measured(Math.min(fewSamples, count), layers)
  const worst = count > fewSamples && layers.every(l => rough[l.id]) ? worstOf(layers, rough) : []
  const sensitivity = { ...rough, ...(worst.length > 0 ? await measured(count, worst) : {}) }
  const from = apart === 0 ? 0 : fit
  const held = samplesBetween(env.calibration!, from, fit + apart)
  const trial = await openTrial(model, held, { batch: base.batch, count: held.size, input: env.input }, ctx)
  const times = (ways: readonly (readonly FormatName[])[]): Promise<number[][]> =>
    layerTimes(model, layers, ways, base, { feeds: trial.batches[0].samples[0].feeds, sweep, raws }, inner)
  const space: Space = { model, layers, formats, base, sensitivity, trial, judgedOn: held.size, times }
  // A candidate is kept as a whole, by what it came to.
  const forgetful: StepEnv = { ...inner, memo: (_, compute) => compute() }
  const build = (quantize: QuantizeOptions) => quantizeWith(state, quantize, forgetful, look)
  const decided = await decideWithin(space, o, build, { until: start + limit }, env)
  return { ...decided, notes: [...notes, ...decided.notes] }
}

/** Formats that every target has, the smallest first in the order given. */
function usable(
  formats: readonly FormatName[],
  targets: readonly Target[],
): { formats: FormatName[]; notes: string[] } {
  const has = (name: FormatName): boolean =>
    name === 'float32' || targets.every(t => t.quant.weights.formats.includes(name))
  const kept = [...new Set(formats)].filter(has)
  const without = formats.filter(name => !has(name))
  if (kept.length === 0)
    throw new StudioError('bad-recipe', `${targets[0].label} has none of the formats ${formats.join(', ')}`, {
      where: { step: 'search' },
      hint: `Choose among ${targets[0].quant.weights.formats.join(', ')}.`,
    })
  return {
    formats: kept,
    notes: without.length > 0 ? [`The search left out ${without.join(', ')}, which a target does not have.`] : [],
  }
}

/** The float model as the step `quantize` prepares it. */
function prepared(model: Model, base: QuantizeOptions, formats: readonly FormatName[]): Model {
  const layers = Object.fromEntries(formats.map((weights, i) => [String(i), { weights }]))
  return separateRoles(infer(upgradeOpset(infer(model), opsetOf({ ...base, layers: { ...base.layers, ...layers } }))))
}

// Enough to tell layers that hurt from those that do not.
const fewSamples = 8

async function measureOn(
  model: Model,
  layers: readonly SearchLayer[],
  o: Parameters<typeof sensitivities>[2],
  { count, ...given }: { raws: readonly RawInput[]; sweep: Sweep; count: number; until: number },
  env: StepEnv,
): Promise<Sensitivity> {
  const trial = await openTrial(model, env.calibration!, { batch: o.batch, count, input: env.input }, env.ctx)
  return sensitivities(model, layers, o, { ...given, trial }, env)
}

/** The quarter of the layers that hurt most, in their order: what these come to decides, and is worth more samples. */
function worstOf(layers: readonly SearchLayer[], rough: Sensitivity): SearchLayer[] {
  const least = ({ id }: SearchLayer): number =>
    Object.values(rough[id]).reduce((worst, { sqnrDb }) => Math.min(worst, sqnrDb), Number.POSITIVE_INFINITY)
  const sorted = [...layers].sort((a, b) => least(a) - least(b))
  const worst = new Set(sorted.slice(0, Math.ceil(layers.length / 4)))
  return layers.filter(layer => worst.has(layer))
}

/** Layers that any target would run in few bits. */
function searchLayers(
  model: Model,
  targets: readonly Target[],
  base: QuantizeOptions,
  only: readonly string[],
): SearchLayer[] {
  const { graph } = model
  const matching = graph.nodes.filter(n => weightOf(n, graph)?.lookup === false)
  const asked = new Set(only.flatMap(selector => select(selector, graph.nodes, matching)))
  const wanted = ({ nodes }: SearchLayer): boolean => only.length === 0 || nodes.some(id => asked.has(id))
  const found = new Map<ValueName, SearchLayer>()
  for (const target of targets)
    for (const layer of layersOf(model, target, base).filter(wanted))
      if (!found.has(layer.weight)) found.set(layer.weight, layer)
  const order = new Map(model.graph.nodes.map((n, i) => [n.id, i]))
  return [...found.values()].sort((a, b) => order.get(a.id)! - order.get(b.id)!)
}

/** Layers whose format is open: their weights can be written in few bits, and the options do not say how. */
function layersOf(model: Model, target: Target, base: QuantizeOptions): SearchLayer[] {
  const { graph } = model
  const all = choose(model, target, () => base)
  const weighted = graph.nodes.filter(n => weightOf(n, graph) !== null)
  const matching = weighted.filter(n => weightOf(n, graph)?.lookup === false)
  const fixed = new Set(
    Object.entries(base.layers)
      .filter(([, layer]) => layer.weights !== undefined || layer.float !== undefined)
      .flatMap(([selector]) => select(selector, graph.nodes, matching)),
  )
  const layers = new Map<string, string[]>()
  for (const node of weighted) {
    const { name } = weightOf(node, graph)!
    if (all.chosen.get(node.id)?.rule.constantWeight || all.weightOnly.has(node.id))
      layers.set(name, [...(layers.get(name) ?? []), node.id])
  }
  return [...layers]
    .filter(([, nodes]) => !nodes.some(id => fixed.has(id)))
    .map(([weight, nodes]) => ({ id: nodes[0], nodes, weight, target }))
}

/**
 * A quarter of the samples is held apart to judge by, half where there are few, and of a handful all are for both.
 */
function split(count: number): { fit: number; apart: number } {
  if (count < 8) return { fit: count, apart: 0 }
  const apart = count < 64 ? count >> 1 : count >> 2
  return { fit: count - apart, apart }
}
