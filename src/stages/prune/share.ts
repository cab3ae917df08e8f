// Few values for all weights of a tensor, each the mean of those that it stands for (Han, Mao and Dally, Deep Compression, 2016): k-means in
// one dimension by Lloyd's steps from evenly spread starts, which keep the large weights; sums over sorted weights make a step cheap. Zeros
// that are there, as pruning leaves them, stay zero.
import { log2 } from '../../base/math.ts'

export interface Codebook {
  values: Float32Array // ascending
  codes: Uint8Array // one for each weight
}

const mostSteps = 200
const enough = 1e-4

export function codebookOf(weights: Float32Array, bits: number): Codebook {
  const sorted = weights.slice().sort()
  const zero = sorted.includes(0) && sorted.reduce((n, w) => n + (w === 0 ? 1 : 0), 0) > sorted.length >> bits
  // Of a tensor that pruning made sparse, one value is 0 and no mean.
  const live = zero ? sorted.filter(w => w !== 0) : sorted
  const distinct = live.filter((w, i) => i === 0 || w !== live[i - 1])
  const count = Math.min((1 << bits) - (zero ? 1 : 0), distinct.length)
  const means = distinct.length <= count ? distinct : lloyd(live, count)
  const values = Float32Array.from(zero ? [...means, 0] : means).sort()
  return { values, codes: Uint8Array.from(weights, w => nearest(values, w)) }
}

export const shared = ({ values, codes }: Codebook): Float32Array => Float32Array.from(codes, c => values[c])

function lloyd(sorted: Float32Array, count: number): Float32Array {
  const n = sorted.length
  const sums = new Float64Array(n + 1)
  const squares = new Float64Array(n + 1)
  for (const [i, w] of sorted.entries()) {
    sums[i + 1] = sums[i] + w
    squares[i + 1] = squares[i] + w * w
  }
  const means = Float64Array.from(
    { length: count },
    (_, i) => sorted[0] + ((sorted[n - 1] - sorted[0]) * (i + 0.5)) / count,
  )
  let last = Number.POSITIVE_INFINITY
  for (let step = 0; step < mostSteps; step++) {
    const ends = Array.from({ length: count }, (_, i) =>
      i === count - 1 ? n : firstFrom(sorted, (means[i] + means[i + 1]) / 2),
    )
    let error = 0
    for (let i = 0; i < count; i++) {
      const [from, to] = [i === 0 ? 0 : ends[i - 1], ends[i]]
      if (to <= from) continue
      const sum = sums[to] - sums[from]
      means[i] = sum / (to - from)
      error += squares[to] - squares[from] - sum * means[i]
    }
    if (last - error <= enough * error) break
    last = error
  }
  return Float32Array.from(means)
}

/** The first of ascending numbers that is not less. */
function firstFrom(sorted: Float32Array | readonly number[], bound: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle] < bound) low = middle + 1
    else high = middle
  }
  return low
}

function nearest(values: Float32Array, w: number): number {
  const at = firstFrom(values, w)
  if (at === values.length || (at > 0 && w - values[at - 1] <= values[at] - w)) return at - 1
  return at
}

/** Bytes of codes of equal length with their table, and of codes by Huffman (A Method for the Construction of Minimum-Redundancy Codes, 1952) with lengths and table. */
export function storedBytes({ values, codes }: Codebook): { plain: number; huffman: number; entropy: number } {
  const counts = new Float64Array(values.length)
  for (const code of codes) counts[code]++
  const table = 4 * values.length
  const width = Math.ceil(log2(Math.max(2, values.length)))
  const bits = huffmanBits(counts)
  const entropy = counts.reduce((sum, c) => sum - (c > 0 ? c * log2(c / codes.length) : 0), 0)
  return {
    plain: Math.ceil((codes.length * width) / 8) + table,
    huffman: Math.ceil(bits / 8) + values.length + table,
    entropy: Math.ceil(entropy / 8) + table,
  }
}

/** What all codes take together: each time two rarest are joined, all below them get a bit longer. */
function huffmanBits(counts: Float64Array): number {
  const left = [...counts].filter(c => c > 0).sort((a, b) => a - b)
  if (left.length === 1) return left[0]
  let bits = 0
  while (left.length > 1) {
    const sum = left.shift()! + left.shift()!
    bits += sum
    left.splice(firstFrom(left, sum), 0, sum)
  }
  return bits
}
