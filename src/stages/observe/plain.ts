// The float model alone, timed: what the price of calibration is measured against. Same engines, batches and options; warm; decoding outside.
import { type Batch, batches, each, inOrder, rounds } from '../../ir/batches.ts'
import type { Context, Dataset } from '../../ir/context.ts'
import type { Model } from '../../ir/model.ts'

export interface Plain {
  /** Runs the model over the batches, so long as there is patience left. */
  time(round: readonly Batch[]): Promise<void>
  /** Milliseconds a sample over all that was timed. */
  perSample(): number
  close(): Promise<void>
}

/** Batches that are decoded before the clock starts: enough that no engine waits. */
export const roundOf = (width: number): number => 2 * width

// A figure from this many milliseconds of runs is stable; more would only make people wait.
const patience = 1000

export async function openPlain(
  model: Model,
  location: 'host' | 'device',
  width: number,
  ctx: Pick<Context, 'runner' | 'clock' | 'signal'>,
  patienceMs = patience,
): Promise<Plain> {
  const session = patienceMs > 0 ? await ctx.runner.open(model, { location }) : null
  let samples = 0
  let ms = 0
  let warm = false
  const runAll = async (round: readonly Batch[]): Promise<void> => {
    for await (const _ of inOrder(each(round), width, batch => session!.run(batch.feeds))) ctx.signal.throwIfAborted()
  }
  return {
    time: async round => {
      if (ms >= patienceMs) return
      if (!warm) await runAll(round.slice(0, width))
      warm = true
      const start = ctx.clock()
      await runAll(round)
      ms += ctx.clock() - start
      for (const batch of round) samples += batch.count
    },
    perSample: () => (samples === 0 ? 0 : ms / samples),
    close: async () => session?.close(),
  }
}

/** The whole sweep without observing, for the bench: every sample, in batches of `batch`. */
export async function plainInference(
  model: Model,
  dataset: Dataset,
  options: { count: number; batch: number },
  ctx: Pick<Context, 'runner' | 'clock' | 'signal'>,
): Promise<{ samples: number; inferenceMs: number }> {
  const width = ctx.runner.threads
  const plain = await openPlain(model, 'host', width, ctx, Number.POSITIVE_INFINITY)
  let samples = 0
  try {
    const stream = batches(dataset, model.graph, options.batch, { count: options.count, signal: ctx.signal })
    for await (const round of rounds(stream, roundOf(width))) {
      await plain.time(round)
      for (const batch of round) samples += batch.count
    }
    return { samples, inferenceMs: plain.perSample() * samples }
  } finally {
    await plain.close()
  }
}
