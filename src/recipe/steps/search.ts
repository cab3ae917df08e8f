// Step `search`: which layer in which format, so that a budget of points lost, bytes, milliseconds or bits is kept and the error is least.
// Each layer is measured alone, a knapsack chooses, whole candidates are verified on samples that they were not made from; the decision
// is written down, so that it can be replayed without a clock.
import { StudioError } from '../../base/errors.ts'
import type { FormatName } from '../../ir/format-names.ts'
import type { Model } from '../../ir/model.ts'
import type { Target } from '../../ir/target.ts'
import { weightOf } from '../../ops/facts.ts'
import { infer } from '../../ops/infer.ts'
import { upgradeOpset } from '../../stages/passes/upgrade-opset.ts'
import { choose } from '../../stages/quantize/choose.ts'
import { select } from '../../stages/quantize/selectors.ts'
import { separateRoles } from '../../stages/quantize/separate.ts'
import { type State, type StepEnv, step } from '../state.ts'
import { gather } from './observed.ts'
import { quantizeWith } from './quantize.ts'
import { opsetOf, type QuantizeOptions } from './quantize-options.ts'
import { takingPixels } from './raw-pixels.ts'
import { baseOf, type Found, options, type SearchOptions } from './search-options.ts'
import { decideWithin, type Space } from './search-within.ts'
import { chooseOnly, type SearchLayer, sensitivities } from './sensitivity.ts'
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
  const target = targets[0]
  if (!target)
    throw new StudioError('bad-recipe', 'The search has no target to search for', {
      where: { step: 'search' },
      hint: 'Add a step export, or give --target.',
    })
  const { formats, notes } = usable(o.formats, targets)
  const current = prepared(state.model, base, formats)
  const { model, raws } = base.rawInput ? await takingPixels(current, env) : { model: current, raws: [] }
  const layers = layersOf(model, target, base)
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
    [choose(model, target, () => base), ...layers.map(layer => chooseOnly(model, target, layer, () => base))].flatMap(
      choice => choice.values,
    ),
  )
  const sweep = await gather(model, [...values], inner.calibration!, fit, base, inner)
  const look: typeof gather = async (float, names, data, count, options, within, repaired) =>
    !repaired && names.every(name => sweep.observations.has(name))
      ? sweep
      : gather(float, names, data, count, options, within, repaired)

  const trialOptions = { batch: base.batch, input: env.input }
  const small = await openTrial(model, inner.calibration!, { ...trialOptions, count: Math.min(fit, o.samples) }, ctx)
  const sensitivity = await sensitivities(
    model,
    target,
    layers,
    { ...base, formats },
    { raws, sweep, trial: small, until: start + measuringShare * limit },
    inner,
  )
  const from = apart === 0 ? 0 : fit
  const held = samplesBetween(env.calibration!, from, fit + apart)
  const trial = await openTrial(model, held, { ...trialOptions, count: held.size }, ctx)
  const space: Space = { model, target, layers, formats, base, sensitivity, trial, judgedOn: held.size }
  const build = (quantize: QuantizeOptions) => quantizeWith(state, quantize, inner, look)
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
    .map(([weight, nodes]) => ({ id: nodes[0], nodes, weight }))
}

/**
 * A quarter of the samples is held apart to judge by, half where there are few, and of a handful all are for both.
 */
function split(count: number): { fit: number; apart: number } {
  if (count < 8) return { fit: count, apart: 0 }
  const apart = count < 64 ? count >> 1 : count >> 2
  return { fit: count - apart, apart }
}
