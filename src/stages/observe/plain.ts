// The float model alone, timed: what the price of calibration is measured against. Same engine, batch and options; warm; decoding outside.
import { type Batch, batches } from '../../ir/batches.ts'
import type { Context, Dataset } from '../../ir/context.ts'
import type { Model } from '../../ir/model.ts'

type Timing = Pick<Context, 'runner' | 'clock' | 'signal'>

/** How many batches a sweep lends for it: one to warm up, the others timed. */
export const plainBatches = 4

/** Milliseconds a sample over `lent`, of which the first only warms up where there are others; its outputs are read back in any case. */
export async function plainRuns(
  model: Model,
  lent: readonly Batch[],
  location: 'host' | 'device',
  ctx: Timing,
): Promise<{ perSample: number }> {
  if (lent.length === 0) return { perSample: 0 }
  const session = await ctx.runner.open(model, { location })
  try {
    await session.run(lent[0].feeds)
    const timed = lent.length > 1 ? lent.slice(1) : lent
    let samples = 0
    let ms = 0
    for (const batch of timed) {
      ctx.signal.throwIfAborted()
      const start = ctx.clock()
      await session.run(batch.feeds)
      ms += ctx.clock() - start
      samples += batch.count
    }
    return { perSample: ms / samples }
  } finally {
    await session.close()
  }
}

/** The whole sweep without observing, for the bench: every sample, in batches of `batch`. */
export async function plainInference(
  model: Model,
  dataset: Dataset,
  options: { count: number; batch: number },
  ctx: Timing,
): Promise<{ samples: number; inferenceMs: number }> {
  const session = await ctx.runner.open(model)
  let samples = 0
  let inferenceMs = 0
  try {
    for await (const batch of batches(dataset, model.graph, options.batch, {
      count: options.count,
      signal: ctx.signal,
    })) {
      if (samples === 0) await session.run(batch.feeds)
      const start = ctx.clock()
      await session.run(batch.feeds)
      inferenceMs += ctx.clock() - start
      samples += batch.count
    }
    return { samples, inferenceMs }
  } finally {
    await session.close()
  }
}
