// Reading a histogram keyed by float bits: its keys as intervals of the reals, its quantiles, and linear bins cut at any range.
import type { Histogram, Observation } from './quant.ts'

/**
 * Where the elements lie, ascending: `count` elements spread evenly over [low, high], or all at `low` where both are equal.
 * Intervals are cut at the smallest and largest element, and zeros are set apart, since a rectifier leaves many of them.
 */
export interface Cells {
  low: Float64Array
  high: Float64Array
  count: Float64Array
}

const word = new Uint32Array(1)
const float = new Float32Array(word.buffer)
const beyondLargest = 3.402823669209385e38 // 2^128, where the last finite key ends

/** The smallest and the largest real of a key, as magnitudes and then signed, in ascending order. */
export function edgesOf(key: number, mantissaBits: number): [number, number] {
  const shift = 23 - mantissaBits
  const signBit = 1 << (8 + mantissaBits)
  const size = key & (signBit - 1)
  const edge = (n: number): number => {
    word[0] = n << shift
    return float[0] === Number.POSITIVE_INFINITY ? beyondLargest : float[0]
  }
  const near = edge(size)
  const far = edge(size + 1)
  return key & signBit ? [-far, -near] : [near, far]
}

/** The cells of an observation that holds a histogram. */
export function cellsOf(observation: Observation, histogram: Histogram): Cells {
  const { keys, counts, mantissaBits } = histogram
  const { min, max, zeros } = observation
  const low: number[] = []
  const high: number[] = []
  const count: number[] = []
  const push = (a: number, b: number, n: number): void => {
    if (n <= 0) return
    low.push(a)
    high.push(b)
    count.push(n)
  }
  const negativeZero = 1 << (8 + mantissaBits)
  let left = zeros
  let pushed = false
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]
    const [a, b] = edgesOf(key, mantissaBits)
    if (key !== 0 && key !== negativeZero) {
      if (key < negativeZero && !pushed) {
        push(0, 0, zeros)
        pushed = true
      }
      push(clamp(a, min, max), clamp(b, min, max), counts[i])
      continue
    }
    // The two keys next to zero hold both zeros and what is smaller than 2^-133.
    const here = Math.min(left, counts[i])
    left -= here
    if (key === 0 && !pushed) {
      push(0, 0, zeros)
      pushed = true
    }
    push(clamp(a, min, max), clamp(b, min, max), counts[i] - here)
  }
  if (!pushed) push(0, 0, zeros)
  return { low: Float64Array.from(low), high: Float64Array.from(high), count: Float64Array.from(count) }
}

const clamp = (x: number, min: number, max: number): number => Math.min(max, Math.max(min, x))

/** The cells of |x|, zeros left out. */
export function magnitudes(cells: Cells): Cells {
  const parts: [number, number, number][] = []
  for (let i = 0; i < cells.count.length; i++) {
    const { low, high, count } = cells
    if (low[i] === 0 && high[i] === 0) continue
    parts.push(low[i] < 0 ? [-high[i], -low[i], count[i]] : [low[i], high[i], count[i]])
  }
  parts.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  return {
    low: Float64Array.from(parts, p => p[0]),
    high: Float64Array.from(parts, p => p[1]),
    count: Float64Array.from(parts, p => p[2]),
  }
}

/** The real below which the share `q` of the elements lies, linear within a cell. */
export function quantile({ low, high, count }: Cells, q: number): number {
  let total = 0
  for (const n of count) total += n
  let rank = q * total
  for (let i = 0; i < count.length; i++) {
    if (rank <= count[i]) return low[i] + (high[i] - low[i]) * Math.max(0, rank / count[i])
    rank -= count[i]
  }
  return count.length > 0 ? high[count.length - 1] : 0
}

/**
 * Counts in `bins` equal bins of [0, top), for magnitudes; the rest of the elements is `beyond`. The elements of a cell are placed at
 * even distances, whole ones, so that sparse tails stay sparse: what is spread into fractions looks smoother than it was.
 */
export function linearBins(
  { low, high, count }: Cells,
  top: number,
  bins: number,
): { counts: Float64Array; beyond: number } {
  const counts = new Float64Array(bins)
  let beyond = 0
  const perUnit = bins / top
  for (let i = 0; i < count.length; i++) {
    const a = low[i] * perUnit
    const b = high[i] * perUnit
    const density = count[i] / (b - a)
    let placed = 0
    let bin = Math.floor(a)
    for (; bin < bins && bin + 1 < b; bin++) {
      const upTo = Math.floor(density * (bin + 1 - a) + 0.5)
      counts[bin] += upTo - placed
      placed = upTo
    }
    if (bin < bins) counts[bin] += count[i] - placed
    else beyond += count[i] - placed
  }
  return { counts, beyond }
}
