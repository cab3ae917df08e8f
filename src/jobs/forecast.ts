// What a run will take, before it is started: from how fast the engine runs this model here, how many samples there are, and how often each
// step passes over them. An estimate, and called so.

import { StudioError } from '../base/errors.ts'
import { median } from '../base/median.ts'
import { fitting, held } from '../ir/batches.ts'
import type { Context, Dataset, Feeds } from '../ir/context.ts'
import { type Model, requiredInputs } from '../ir/model.ts'
import { freeze } from '../ops/freeze.ts'
import { infer } from '../ops/infer.ts'
import type { Recipe, Step } from '../recipe/types.ts'
import { cost } from '../stages/inspect/cost.ts'
import { liveness } from '../stages/inspect/liveness.ts'
import { findGroups } from '../stages/prune/groups.ts'
import { wantedOf } from './compress.ts'

export interface Forecast {
  /** Of each step of the recipe, in its order; what comes after the last is counted to the last. */
  steps: { step: string; seconds: number /** It takes as long as it is given. */; bounded: boolean }[]
  seconds: number
  /** High-water mark of the engines' memory. */
  peakBytes: number
  /** What was measured for it: a run on one sample, opening a session, and reading a sample. */
  probe: { runMs: number; openMs: number; readMs: number; macsPerSecond: number }
}

export interface ForecastRequest {
  model: Model
  bytes: number // of its files
  calibration: Dataset | null
  evaluation: Dataset | null
  recipe: Recipe // checked
  samples: number
}

// The engine of a run is a new one.
const startSeconds = 1
const [batch, observedBytes] = [16, 32 * 1024 * 1024] // as the steps take samples together
const [fewRounds, leastMs, mostMs] = [9, 400, 3000]
const [mostWaiting, roundMs] = [16, 50]

export async function forecast(request: ForecastRequest, ctx: Context): Promise<Forecast> {
  const { bytes, recipe } = request
  const model = infer(request.model)
  const data = request.calibration ?? request.evaluation
  if (!data)
    throw new StudioError('usage', 'There are no samples to estimate the time with', {
      hint: 'Add some under Data.',
    })
  const probe = await measure(model, data, ctx)
  const groups = recipe.steps.some(s => s.do === 'prune') ? findGroups(model).groups.length : 0
  const counts: Counts = {
    calibration: Math.min(request.samples, request.calibration?.size ?? 0),
    evaluation: (request.evaluation ?? request.calibration)?.size ?? 0,
    groups,
    bundles: Math.max(1, wantedOf(recipe).length),
  }
  const steps = recipe.steps.map(step => {
    const minutes = boundOf(step)
    const seconds = minutes === null ? msOf(step, counts, probe) / 1000 : 60 * minutes
    return { step: step.do, seconds, bounded: minutes !== null }
  })
  const seconds = steps.reduce((sum, step) => sum + step.seconds, startSeconds)
  return { steps, seconds, peakBytes: peakOf(bytes, probe, ctx.runner.threads), probe: probe.shown }
}

interface Probe {
  passMs: number // a sample's share of the wall clock
  runMs: number
  openMs: number
  readMs: number
  sampleBytes: number // of all values of one
  together: number // samples a run
  shown: Forecast['probe']
}

interface Counts {
  calibration: number
  evaluation: number
  groups: number
  bundles: number
}

async function measure(model: Model, data: Dataset, ctx: Context): Promise<Probe> {
  const feeds: Feeds[] = []
  // When each was there: the first opens the file for all.
  const there: number[] = [ctx.clock()]
  for await (const sample of data.samples({ count: batch, signal: ctx.signal })) {
    feeds.push(sample.feeds)
    there.push(ctx.clock())
  }
  const readMs = median(there.slice(1).map((time, i) => time - there[i]))
  if (feeds.length === 0)
    throw new StudioError('bad-data', `No sample of ${data.name} could be used`, { hint: 'Look at them under Data.' })
  const fixed = asFed(model, feeds[0])
  const sampleBytes = liveness(fixed).values.reduce((sum, value) => sum + value.bytes, 0)
  const size = fitting(observedBytes, sampleBytes, batch)
  const [{ feeds: stacked, count: together }] = await held(model.graph, { data, count: size, batch: size }, ctx)
  // The first session brings the engine with it.
  await (await ctx.runner.open(model)).close()
  const opening = ctx.clock()
  const session = await ctx.runner.open(model)
  const openMs = ctx.clock() - opening
  try {
    const runMs = await settled(feeds, ctx.clock, fed => session.time(fed))
    // With every thread busy, and what it takes to reach them, where the next run waits already.
    const runs = ctx.runner.threads * Math.max(1, Math.min(mostWaiting, Math.round(roundMs / (together * runMs))))
    const passMs = await settled([stacked], ctx.clock, async fed => {
      const start = ctx.clock()
      await Promise.all(Array.from({ length: runs }, () => session.run(fed)))
      return (ctx.clock() - start) / (runs * together)
    })
    const shown = { runMs, openMs, readMs, macsPerSecond: (1000 * cost(fixed).macs) / runMs }
    return { passMs, runMs, openMs, readMs, sampleBytes, together, shown }
  } finally {
    await session.close()
  }
}

/**
 * What a round takes once it is at its speed: the median of the last ones, when they are hardly faster than those before. The first ones
 * compile what they run, beside it and for as long as the machine's other cores leave it.
 */
async function settled(
  feeds: readonly Feeds[],
  clock: () => number,
  round: (fed: Feeds) => Promise<number>,
): Promise<number> {
  const times: number[] = []
  const begun = clock()
  for (;;) {
    times.push(await round(feeds[times.length % feeds.length]))
    const [spent, last] = [clock() - begun, median(times.slice(-fewRounds))]
    if (spent > mostMs) return last
    if (spent < leastMs || times.length < 2 * fewRounds) continue
    if (last > 0.9 * median(times.slice(-2 * fewRounds, -fewRounds))) return last
  }
}

function asFed(model: Model, fed: Feeds): Model {
  const shapes = requiredInputs(model.graph).flatMap(name => (fed[name] ? [[name, fed[name].shape]] : []))
  return freeze(model, Object.fromEntries(shapes))
}

const boundOf = (step: Step): number | null =>
  ['search', 'finetune', 'distil', 'qat'].includes(step.do) && typeof step.minutes === 'number' ? step.minutes : null

// Passes over the samples, in runs of the float model: measured on the built-in samples, see the test.
const observing = 2.3 // once plainly, for what calibration costs, and once observed
const quantised = 1 // a run of the quantised model
const layerwise = 2 // a sample whose every layer is compared
const layerSamples = 16
const prunePoint = 0.51 // docs/pruning.md
const pruneLevels = 8
const golden = 12 // runs for a bundle's golden vectors
const opensPerBundle = 3

function msOf(step: Step, counts: Counts, { passMs, runMs, openMs, readMs }: Probe): number {
  const { calibration, evaluation, groups, bundles } = counts
  const passes = (samples: number, times: number): number => samples * (times * passMs + readMs)
  switch (step.do) {
    case 'quantize':
      return passes(calibration, observing) + opensPerBundle * openMs
    case 'prune': {
      const samples = Math.min(calibration, Number(step.samples ?? calibration))
      return passes(samples, prunePoint * pruneLevels * groups) + openMs
    }
    case 'evaluate': {
      const layers = Math.min(layerSamples, calibration) * layerwise * runMs
      const round = (1 + bundles * quantised) * runMs
      const timing = round * Math.min(50, Math.max(5, 3000 / round))
      return passes(evaluation, 1 + bundles * quantised) + layers + timing + (2 + 4 * bundles) * openMs
    }
    case 'export':
      return golden * runMs + opensPerBundle * openMs
    default:
      return openMs
  }
}

// Of an engine before it holds a model.
const engineBytes = 16e6
// Sessions that are open at once hold the weights, and while one is opened its file as well.
const copies = 4
// Activations in the engine, on their way out of it, and those of the run before.
const arrays = 3

function peakOf(bytes: number, { sampleBytes, together }: Probe, threads: number): number {
  return threads * (engineBytes + copies * bytes + arrays * together * sampleBytes)
}
