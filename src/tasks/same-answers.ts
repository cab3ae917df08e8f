// Agreement of tasks whose answers are the same or not.
import type { Agreeing, Outputs } from './types.ts'

/** The share of samples of which `alike` is 1, of those that have an answer. */
export function sameAnswers(metric: string, alike: (reference: Outputs, other: Outputs) => number | null): Agreeing {
  let [same, answered] = [0, 0]
  return {
    add(reference, other) {
      const share = alike(reference, other)
      if (share === null) return
      answered++
      if (share === 1) same++
    },
    result: () => (answered === 0 ? null : { metric, value: (100 * same) / answered, unit: '%', details: [] }),
  }
}

/** 1 where both answers are equal, 0 where they are not; null where the first is none. */
export const equal = <A extends number | string>(first: A | null, second: A | null): number | null =>
  first === null ? null : first === second ? 1 : 0
