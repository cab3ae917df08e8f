// Entropy as ncnn's ncnn2table reads it off 2,048 equal bins of |x| over (0, max|x|], zeros left out (tools/quantize/ncnn2table.cpp,
// quantize_KL). Both distributions are normalised by all elements, lent 1e-4 in every bin, and not normalised again; a level covers real
// boundaries, so that bins are shared; all sums are float32, in the original's order.
// test/calibrate/reference.py runs the original on stored histograms; the test demands the same bins.
import { log } from '../../../base/math.ts'

const levels = 128
const lent = Math.fround(1e-4)
const { fround } = Math

/** The threshold in bins: half a bin past the first that is best. The last bin is never kept. */
export function klBins(counts: Float64Array): number {
  const bins = counts.length
  let total = 0
  for (const n of counts) total += n
  const share = Float32Array.from(counts, n => n / total)
  let best = levels
  let least: number = Number.POSITIVE_INFINITY
  for (let kept = levels; kept < bins; kept++) {
    const d = divergence(share, kept)
    if (d < least) {
      least = d
      best = kept
    }
  }
  return best + 0.5
}

function divergence(share: Float32Array, kept: number): number {
  const clipped = new Float32Array(kept).fill(lent)
  for (let i = 0; i < kept; i++) clipped[i] += share[i]
  for (let i = kept; i < share.length; i++) clipped[kept - 1] += share[i]

  // A level's mean goes back to its bins: the shares of the two that it cuts first, then those that are wholly its own.
  const spread = new Float32Array(kept).fill(lent)
  const width = kept / levels // exact, as are its multiples
  for (let j = 0; j < levels; j++) {
    const start = j * width
    const end = (j + 1) * width
    const from = Math.ceil(start)
    const to = Math.floor(end)
    const before = from - start // of bin from - 1
    const after = end - to // of bin to
    let mean = 0
    if (before > 0) mean = fround(mean + fround(before * share[from - 1]))
    if (after > 0) mean = fround(mean + fround(after * share[to]))
    for (let k = from; k < to; k++) mean = fround(mean + share[k])
    mean = fround(mean / width)
    if (before > 0) spread[from - 1] += fround(before * mean)
    if (after > 0) spread[to] += fround(after * mean)
    for (let k = from; k < to; k++) spread[k] += mean
  }

  let sum = 0
  let ratio = 1
  let logarithm = 0 // of `ratio`: the empty bins of a level share one
  for (let i = 0; i < kept; i++) {
    const r = fround(clipped[i] / spread[i])
    if (r !== ratio) {
      ratio = r
      logarithm = fround(log(r))
    }
    sum = fround(sum + fround(clipped[i] * logarithm))
  }
  return sum
}
