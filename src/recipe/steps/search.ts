// Step `search`: which layer in which format, so that a budget of points lost, bytes, milliseconds or bits is kept and the error is least.
// Each layer is measured alone, a knapsack chooses, whole candidates are verified on samples that they were not made from; the decision
// is written down, so that it can be replayed without a clock.
import { StudioError } from '../../base/errors.ts'
import { bytesPerSample, fitting } from '../../ir/batches.ts'
import type { Dataset } from '../../ir/context.ts'
import type { FormatName } from '../../ir/format-names.ts'
import type { Model } from '../../ir/model.ts'
import { choose } from '../../stages/quantize/choose.ts'
import { keptApart, type State, type StepEnv, step } from '../state.ts'
import { expected } from './expected.ts'
import { narrowedFor } from './forms.ts'
import { layerTimes } from './layer-times.ts'
import { gather, gatherOnce } from './observed.ts'
import { quantizeWith } from './quantize.ts'
import type { QuantizeOptions } from './quantize-options.ts'
import { takingPixels } from './raw-pixels.ts'
import { prepared, searchLayers, usable } from './search-layers.ts'
import { baseOf, type Found, options, type SearchOptions } from './search-options.ts'
import { decideWithin, type Space } from './search-within.ts'
import { chooseOnly, cutAt, type SearchLayer, type Sensitivity, sensitivities } from './sensitivity.ts'
import { openTrial, samplesBetween, type Trial } from './trial.ts'
import { estimateWords, samplesOr } from './without-samples.ts'

export const search = step({
  id: 'search',
  label: 'Search for the best formats',
  rounds: true,
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
  const asked = o.formats.map(name => narrowedFor(env.wanted, name, base))
  const { formats, notes } = usable(asked, targets)
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
    ...keptApart(env, 'search', fit),
  }
  const values = new Set(
    [
      ...targets.map(t => choose(model, t, () => base)),
      ...layers.map(layer => chooseOnly(model, layer, () => base)),
    ].flatMap(choice => choice.values),
  )
  const sweep = await gather(model, [...values], inner.calibration!, fit, base, inner)
  const look = gatherOnce(sweep)

  const openOn = (data: Dataset, size: number): Promise<Trial> =>
    openTrial(model, data, { batch: base.batch, count: size, input: env.input }, ctx)
  const measuredBy = start + measuringShare * limit
  const measured = (trial: Trial, which: readonly SearchLayer[]): Promise<Sensitivity> =>
    sensitivities(model, which, { ...base, formats }, { raws, sweep, trial, until: measuredBy }, inner)
  const count = Math.min(fit, o.samples, fittingMemory(model, layers))
  const sensitivity = await measureAll(layers, measured, {
    all: await openOn(inner.calibration!, count),
    few: count > fewSamples ? () => openOn(inner.calibration!, fewSamples) : null,
    left: () => measuredBy - ctx.clock(),
  })
  const held = samplesBetween(env.calibration!, apart === 0 ? 0 : fit, fit + apart)
  const trial = await openOn(held, held.size)
  const times = (ways: readonly (readonly FormatName[])[]): Promise<number[][]> =>
    layerTimes(model, layers, ways, base, { feeds: trial.batches[0].samples[0].feeds, sweep, raws }, inner)
  const space: Space = {
    ...{ model, layers, formats, base, sensitivity, trial, judgedOn: held.size, times },
    expected: expected(sensitivity),
  }
  // A candidate is kept as a whole, by what it came to.
  const forgetful: StepEnv = { ...inner, memo: (_, compute) => compute() }
  const build = (quantize: QuantizeOptions) => quantizeWith(state, quantize, forgetful, look)
  const decided = await decideWithin(space, o, build, { until: start + limit }, env)
  return { ...decided, notes: [...notes, ...decided.notes] }
}

// Enough to tell layers that hurt from those that do not.
const fewSamples = 8
// Of the time that is left, what is counted on.
const sure = 0.8

/**
 * All layers on all samples where one from the middle says that there is time for it, or where all are few; else all on a few, and those
 * that hurt most on all.
 */
async function measureAll(
  layers: readonly SearchLayer[],
  measured: (trial: Trial, which: readonly SearchLayer[]) => Promise<Sensitivity>,
  { all, few, left }: { all: Trial; few: (() => Promise<Trial>) | null; left: () => number },
): Promise<Sensitivity> {
  const middle = layers[layers.length >> 1]
  const before = left()
  const probe = await measured(all, [middle])
  const rest = layers.filter(layer => layer !== middle)
  if (few === null || (before - left()) * rest.length < sure * left())
    return inOrderOf(layers, { ...probe, ...(await measured(all, rest)) })
  const rough = await measured(await few(), layers)
  if (!layers.every(l => rough[l.id])) return rough
  const worst = worstOf(layers, rough)
  const again = worst.filter(layer => layer !== middle)
  return inOrderOf(layers, { ...rough, ...(again.length < worst.length && probe), ...(await measured(all, again)) })
}

const inOrderOf = (layers: readonly SearchLayer[], found: Sensitivity): Sensitivity =>
  Object.fromEntries(layers.flatMap(({ id }) => (found[id] ? [[id, found[id]]] : [])))

// What is kept of all samples where the graph is cut may take so much.
const mostBytes = 256 << 20

function fittingMemory({ graph }: Model, layers: readonly SearchLayer[]): number {
  const widest = layers.reduce((most, layer) => Math.max(most, bytesPerSample(graph, cutAt(graph, layer).live)), 0)
  return Math.max(fewSamples, fitting(mostBytes, widest, Number.POSITIVE_INFINITY))
}

/** The quarter of the layers that hurt most, in their order: what these come to decides, and is worth more samples. */
function worstOf(layers: readonly SearchLayer[], rough: Sensitivity): SearchLayer[] {
  const least = ({ id }: SearchLayer): number =>
    Object.values(rough[id]).reduce((worst, { sqnrDb }) => Math.min(worst, sqnrDb), Number.POSITIVE_INFINITY)
  const sorted = [...layers].sort((a, b) => least(a) - least(b))
  const worst = new Set(sorted.slice(0, Math.ceil(layers.length / 4)))
  return layers.filter(layer => worst.has(layer))
}

/**
 * A quarter of the samples is held apart to judge by, half where there are few, and of a handful all are for both.
 */
function split(count: number): { fit: number; apart: number } {
  if (count < 8) return { fit: count, apart: 0 }
  const apart = count < 64 ? count >> 1 : count >> 2
  return { fit: count - apart, apart }
}
