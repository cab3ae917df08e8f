// Sums over the first bins of a histogram, with which a candidate of a search for a threshold costs one logarithm a level instead of one
// a bin; and that search.
import { log } from '../../base/math.ts'

export const xlogx = (x: number): number => (x > 0 ? x * log(x) : 0)

/** Of the bins before i: elements, occupied bins, sum of c ln c. */
export function prefixSums(counts: Float64Array): {
  mass: Float64Array
  occupied: Float64Array
  entropy: Float64Array
} {
  const [mass, occupied, entropy] = [0, 1, 2].map(() => new Float64Array(counts.length + 1))
  for (const [i, count] of counts.entries()) {
    mass[i + 1] = mass[i] + count
    occupied[i + 1] = occupied[i] + (count > 0 ? 1 : 0)
    entropy[i + 1] = entropy[i] + xlogx(count)
  }
  return { mass, occupied, entropy }
}

/** How many of `bins` to keep, at least `first`: the last of those whose cost is least, all of them where none has a cost. */
export function lastOfLeast(first: number, bins: number, cost: (kept: number) => number): number {
  let best = bins
  let least = Number.POSITIVE_INFINITY
  for (let kept = first; kept <= bins; kept++) {
    const d = cost(kept)
    if (d <= least) {
      least = d
      best = kept
    }
  }
  return best
}
