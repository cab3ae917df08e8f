// Latency of several models on this machine, one sample at a time, their runs interleaved so that a drift of the machine's speed
// hits all alike.
import type { Context, Feeds } from '../../ir/context.ts'
import type { Model } from '../../ir/model.ts'

export interface Timed {
  median: number
  p90: number
  runs: number
}

/** What each takes; see `timesOf`. */
export const latencies = async (...given: Parameters<typeof timesOf>): Promise<Timed[]> =>
  (await timesOf(...given)).map(summary)

/**
 * Milliseconds of each run after a warm-up, model by model; ends after `runs` rounds or `budgetMs`, but not before five rounds, unless
 * those take four times as long as they may.
 */
export async function timesOf(
  models: readonly Model[],
  feeds: Feeds,
  options: { runs: number; budgetMs: number },
  ctx: Context,
): Promise<number[][]> {
  const sessions = await Promise.all(models.map(model => ctx.runner.open(model)))
  try {
    for (const session of sessions) {
      const first = await session.time(feeds)
      if (first < options.budgetMs / 10) await session.time(feeds)
    }
    const times: number[][] = sessions.map(() => [])
    const start = ctx.clock()
    for (let i = 0; i < options.runs; i++) {
      const spent = ctx.clock() - start
      if (i > 0 && spent >= (i < 5 ? 4 : 1) * options.budgetMs) break
      ctx.signal.throwIfAborted()
      for (const [k, session] of sessions.entries()) times[k].push(await session.time(feeds))
    }
    return times
  } finally {
    await Promise.all(sessions.map(session => session.close()))
  }
}

function summary(times: number[]): Timed {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  return { median: at(0.5), p90: at(0.9), runs: sorted.length }
}
