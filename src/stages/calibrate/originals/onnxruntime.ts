// Entropy and percentile as onnxruntime.quantization (calibrate.py, HistogramCollector) reads them off equal bins of [-max|x|, max|x|].
// Its histograms have 128 bins unless told otherwise, which leaves entropy a single candidate: everything. Here there are as many as
// for the others. test/calibrate/reference.py runs the original on stored histograms; the test demands the same bins.
import { log } from '../../../base/math.ts'
import { reaching } from './reaching.ts'

const levels = 128
const { fround } = Math

/** Two edges, counted in bins from the left. */
export type Edges = [low: number, high: number]

/**
 * Entropy: of the stretches that grow from the middle, the first that is best. A level's mean is spread over its occupied bins and cut to a
 * whole number; bins left over at the right end count for the last level and are spread over nothing. Both are smoothed; float32.
 */
export function klEdges(counts: Float64Array): Edges {
  const bins = counts.length
  const middle = bins >> 1
  let best: Edges = [0, 0]
  let least = Number.NaN
  for (let half = levels / 2; half <= middle; half++) {
    const edges: Edges = [middle - half, Math.min(middle + half + 1, bins)]
    const d = divergence(counts, ...edges)
    if (!(d >= least)) {
      least = d
      best = edges
    }
  }
  return best
}

function divergence(counts: Float64Array, start: number, end: number): number {
  const own = counts.subarray(start, end)
  const clipped = own.slice()
  clipped[0] += sumOf(counts.subarray(0, start))
  clipped[clipped.length - 1] += sumOf(counts.subarray(end))
  const spread = new Float64Array(own.length)
  const width = Math.floor(own.length / levels)
  for (let j = 0; j < levels; j++) {
    const from = j * width
    const to = from + width
    const mass = sumOf(own.subarray(from, j === levels - 1 ? own.length : to))
    let occupied = 0
    for (let k = from; k < to; k++) if (clipped[k] !== 0) occupied++
    if (occupied > 0) spread.fill(Math.trunc(mass / occupied), from, to)
  }
  const p = smooth(clipped)
  const q = smooth(spread)
  if (p === null || q === null) return Number.POSITIVE_INFINITY
  const allP = pairwise(p, 0, p.length)
  const allQ = pairwise(q, 0, q.length)
  let ratio = 1
  let logarithm = 0 // of `ratio`: empty bins stand together and share one
  for (let i = 0; i < p.length; i++) {
    const share = fround(p[i] / allP)
    const r = fround(share / fround(q[i] / allQ))
    if (r !== ratio) {
      ratio = r
      logarithm = fround(log(r))
    }
    p[i] = share * logarithm
  }
  return pairwise(p, 0, p.length)
}

const sumOf = (counts: Float64Array): number => {
  let sum = 0
  for (const n of counts) sum += n
  return sum
}

/** Empty bins are lent 1e-4 each, taken in equal parts off the others; null where all are empty. */
function smooth(counts: Float64Array): Float32Array | null {
  let empty = 0
  for (const n of counts) if (n === 0) empty++
  if (empty === counts.length) return null
  const lent = fround(1e-4)
  const taken = fround((1e-4 * empty) / (counts.length - empty))
  const smoothed = new Float32Array(counts)
  for (let i = 0; i < counts.length; i++) smoothed[i] = counts[i] === 0 ? lent : smoothed[i] - taken
  return smoothed
}

/** NumPy's order of a float32 sum (pairwise_sum in loops_utils.h.src): eight running sums up to 128 elements, above that halves. */
function pairwise(x: Float32Array, from: number, length: number): number {
  let sum = 0
  if (length < 8) {
    for (let i = 0; i < length; i++) sum = fround(sum + x[from + i])
    return sum
  }
  if (length > 128) {
    const half = (length >> 1) - ((length >> 1) % 8)
    return fround(pairwise(x, from, half) + pairwise(x, from + half, length - half))
  }
  const r = x.slice(from, from + 8)
  const whole = length - (length % 8)
  for (let i = 8; i < whole; i += 8) for (let k = 0; k < 8; k++) r[k] += x[from + i + k]
  sum = fround(fround(fround(r[0] + r[1]) + fround(r[2] + r[3])) + fround(fround(r[4] + r[5]) + fround(r[6] + r[7])))
  for (let i = whole; i < length; i++) sum = fround(sum + x[from + i])
  return sum
}

/** Percentile of all elements: half of the rest is cut at each end. */
export function percentileEdges(counts: Float64Array, percentile: number): Edges {
  const tail = (100 - percentile) / 200
  return [reaching(counts, tail), reaching(counts, 1 - tail)]
}

/** Percentile of |x|, whose bins begin at 0. */
export const percentileBins = (counts: Float64Array, percentile: number): number => reaching(counts, percentile / 100)
