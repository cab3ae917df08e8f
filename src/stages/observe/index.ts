// One streaming sweep over the samples that gathers an Observation of each wanted value, in memory that does not grow with their number.
import { batches, bytesPerSample, each, fitting, inOrder, rounds } from '../../ir/batches.ts'
import type { Context, Dataset } from '../../ir/context.ts'
import { type Model, requiredInputs, type ValueName } from '../../ir/model.ts'
import type { Observation } from '../../ir/quant.ts'
import { openPlain, roundOf } from './plain.ts'
import { locationOf, openWay } from './ways.ts'

export { plainInference } from './plain.ts'

export interface SweepOptions {
  count: number // samples at most
  batch: number // samples a run at most
  histogram: boolean // false: only ranges
  plainMs?: number // how long the plain model is timed beside; default some seconds, 0 not at all
}

export interface Sweep {
  observations: Map<ValueName, Observation>
  samples: number
  calibrateMs: number // runs and statistics; decoding and opening sessions are outside
  inferenceMs: number // the float model alone over the same samples, from the first rounds where that takes long
}

type Observing = Pick<Context, 'runner' | 'kernels' | 'clock' | 'signal' | 'progress'>

/** Observes `values` (graph inputs, or outputs of nodes) over the first `count` samples. Starts again from nothing when called again. */
export async function observe(
  model: Model,
  dataset: Dataset,
  values: readonly ValueName[],
  options: SweepOptions,
  ctx: Observing,
): Promise<Sweep> {
  const { clock, signal, kernels } = ctx
  const size = batchOf(model, values, options.batch)
  const total = Math.min(options.count, dataset.size)
  const fed = new Set(requiredInputs(model.graph))
  const where = locationOf(
    model,
    values.filter(name => !fed.has(name)),
    ctx,
  )
  const width = where === 'device' ? 1 : ctx.runner.threads

  const observer = kernels.observer(values, { histogram: options.histogram })
  const plain = await openPlain(model, where, width, ctx, options.plainMs)
  const way = await openWay(model, values, options, ctx)
  let samples = 0
  let calibrateMs = 0
  try {
    // Decoding a round of batches stands outside the clock; the memory of a round is its inputs'.
    const stream = batches(dataset, model.graph, size, { count: options.count, signal })
    for await (const round of rounds(stream, roundOf(width))) {
      await plain.time(round)
      const start = clock()
      const runs = inOrder(each(round), width, batch => way.run(batch))
      for await (const { item, result } of runs) {
        signal.throwIfAborted()
        await observer.add(result.arrays)
        result.release()
        samples += item.count
        ctx.progress({ stage: 'observe', done: samples, total })
      }
      calibrateMs += clock() - start
    }
    const start = clock()
    const observations = await observer.finish(await way.histograms())
    calibrateMs += clock() - start
    return { observations, samples, calibrateMs, inferenceMs: plain.perSample() * samples }
  } finally {
    await plain.close()
    await way.close()
  }
}

/** Samples a run when these values are observed; `batch` at most. */
export const batchOf = (model: Model, values: readonly ValueName[], batch: number): number =>
  fitting(observedBytes, bytesPerSample(model.graph, values), batch)

const observedBytes = 32 * 1024 * 1024 // of one batch: what bounds the memory of a sweep
