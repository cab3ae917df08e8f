// The observer that gathers an Observation of each value; a backend lends it a tally, which counts the elements of one array.
import { fromHalf } from '../../src/base/half.ts'
import type { ActivationObserver, DeviceArray } from '../../src/ir/context.ts'
import type { Histogram, Observation, Range } from '../../src/ir/quant.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { keyCount, mantissaBits } from '../histogram/reference.ts'
import { fromOrdered, stat } from '../range/reference.ts'

/** What one batch of one value came to: `stats` as the range kernel gives them. */
export interface Tally {
  count(x: Float32Array): ArrayLike<number>
  /** Elements by key, over all batches; null where only the range was asked for. */
  table(): Float64Array | null
}

/** Sums over batches of one value; equal for every backend, since it starts from integers and exact bounds. */
export class Summary {
  count = 0
  nan = 0
  infinite = 0
  zeros = 0
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY
  ema: Range | null = null
  #batches = 0

  add(elements: number, stats: ArrayLike<number>): void {
    this.nan += stats[stat.nan]
    this.infinite += stats[stat.infinite]
    this.zeros += stats[stat.zeros]
    const finite = elements - stats[stat.nan] - stats[stat.infinite]
    if (finite === 0) return
    this.count += finite
    const min = fromOrdered(stats[stat.min])
    const max = fromOrdered(stats[stat.max])
    this.min = Math.min(this.min, min)
    this.max = Math.max(this.max, max)
    // The plain mean at first, so that the first batch has no more weight than the others; then a memory of 100 batches.
    this.#batches++
    const weight = Math.max(1 / this.#batches, 0.01)
    const before = this.ema ?? { min: 0, max: 0 }
    this.ema = { min: before.min + weight * (min - before.min), max: before.max + weight * (max - before.max) }
  }

  observation(value: string, table: Float64Array | null): Observation {
    const { count, nan, infinite, zeros, ema } = this
    const range = count > 0 ? { min: this.min, max: this.max } : { min: 0, max: 0 }
    return { value, count, nan, infinite, zeros, ...range, ema, histogram: table && sparse(table) }
  }
}

const infinityKey = 0x7f80 // and above: infinities and NaN

function sparse(table: Float64Array): Histogram {
  const keys: number[] = []
  // Of negative numbers, the larger pattern is the smaller number.
  for (let key = 0x8000 + infinityKey - 1; key >= 0x8000; key--) if (table[key] > 0) keys.push(key)
  for (let key = 0; key < infinityKey; key++) if (table[key] > 0) keys.push(key)
  return { mantissaBits, keys: Uint32Array.from(keys), counts: Float64Array.from(keys, key => table[key]) }
}

export const emptyTable = (): Float64Array => new Float64Array(keyCount)

/** The elements as float32, which is what range and histogram are taken of. */
export function asFloat32({ dtype, data }: NdArray): Float32Array {
  if (data instanceof Float32Array) return data
  if (dtype === 'float16') return Float32Array.from(data as Uint16Array, fromHalf)
  const numbers = Float32Array.from({ length: data.length }, (_, i) => Number(data[i]))
  return numbers
}

export const isOnDevice = (array: NdArray | DeviceArray): array is DeviceArray => 'buffer' in array

/** An observer of arrays in memory. */
export function hostObserver(values: readonly string[], tally: () => Tally): ActivationObserver {
  const seen = new Map(values.map(value => [value, { summary: new Summary(), tally: tally() }]))
  return {
    add(outputs) {
      for (const [value, { summary, tally }] of seen) {
        const array = outputs[value]
        if (array === undefined) continue
        if (isOnDevice(array)) throw new TypeError(`${value} is on the GPU, which these kernels cannot read`)
        const x = asFloat32(array)
        summary.add(x.length, tally.count(x))
      }
    },
    finish: async () =>
      new Map([...seen].map(([value, { summary, tally }]) => [value, summary.observation(value, tally.table())])),
  }
}
