// Thresholds as NVIDIA's pytorch-quantization (now nvidia-modelopt, calib/histogram.py) reads them off a histogram of |x|, in equal
// bins of [0, max|x|], zeros in the first. All answers are in bins: times the width of one they are thresholds.
// test/calibrate/reference.py runs the original on stored histograms; the test demands the same bins.
import { log } from '../../../base/math.ts'
import { roundHalfEven } from '../../../base/round.ts'
import { lastOfLeast, prefixSums, xlogx } from '../prefixes.ts'
import { reaching } from './reaching.ts'

// Candidates begin here whatever the number of levels.
const first = 128

/**
 * Entropy: how many bins to keep, the last of those that are equally good. The first bin takes the count of the second, so that zeros do
 * not outweigh the rest. Of P, the kept bins with what is cut added to the last, and Q, each level's mass spread over its occupied
 * bins, D = sum P ln(P/Q), both normalised.
 */
export function klBins(histogram: Float64Array, levels: number): number {
  const counts = histogram.slice()
  counts[0] = counts[1]
  const bins = counts.length
  // A candidate that keeps nothing is zero divided by zero, and NumPy's argmin takes NaN for the least: the last such wins.
  const empty = counts.findIndex(n => n > 0)
  if (empty >= first) return empty
  const { mass, occupied, entropy } = prefixSums(counts)
  const total = mass[bins]
  return lastOfLeast(first, bins, divergence)

  function divergence(kept: number): number {
    const cut = total - mass[kept]
    const last = counts[kept - 1]
    if (last === 0 && cut > 0) return Number.POSITIVE_INFINITY
    // P ln P over the bins, less P ln Q over the levels: level j holds the bins from ceil(j kept / levels) on.
    let sum = entropy[kept] - xlogx(last) + xlogx(last + cut)
    let mean = 0
    let start = 0
    for (let j = 1; j <= levels; j++) {
      const end = Math.ceil((j * kept) / levels)
      const own = mass[end] - mass[start]
      if (own > 0) {
        mean = own / (occupied[end] - occupied[start])
        sum -= own * log(mean)
      }
      start = end
    }
    if (cut > 0) sum -= cut * log(mean) // it lies in the last bin, which the last level holds
    return sum / total + log(mass[kept] / total)
  }
}

/** Percentile: the edge below the bin in which the cumulated share reaches it, as ONNX Runtime took over. */
export const percentileBins = (counts: Float64Array, percentile: number): number => reaching(counts, percentile / 100)

/** Least squared error over bins' centres, as float32; the centre that is the best bound of `levels` codes (127 or 255), in bins. */
export function mseBins(counts: Float64Array, largest: number, levels: number): number {
  const { fround } = Math
  const bins = counts.length
  const edge = (i: number): number => fround((i * largest) / bins)
  const centers = Float32Array.from(counts, (_, i) => fround(edge(i) + edge(i + 1)) / 2)
  let best = first
  let least = Number.POSITIVE_INFINITY
  for (let candidate = first; candidate < bins; candidate++) {
    const scale = fround(levels / centers[candidate]) // codes a unit
    let sum = 0
    for (let i = 0; i < bins; i++) {
      if (counts[i] === 0) continue
      const code = Math.min(levels, roundHalfEven(fround(centers[i] * scale)))
      const error = fround(fround(code / scale) - centers[i])
      sum += fround(fround(error * error) * fround(counts[i]))
    }
    if (sum < least) {
      least = sum
      best = candidate
    }
  }
  return best + 0.5
}
