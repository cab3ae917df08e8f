// The observer that gathers an Observation of each value; a backend lends it a tally, which counts the elements of one array.
import { fromHalf } from '../../src/base/half.ts'
import type { ActivationObserver, Counted, DeviceArray } from '../../src/ir/context.ts'
import type { Histogram, Observation, Range } from '../../src/ir/quant.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { keyCount, mantissaBits } from '../histogram/reference.ts'
import { fromOrdered, stat } from '../range/reference.ts'

/** What one batch of one value came to: `stats` as the range kernel gives them. */
export interface Tally {
  count(x: Float32Array): ArrayLike<number>
  /** Elements by key, over all batches, until the next call; null where only the range was asked for. */
  table(): Float64Array | null
}

/** The words of the range kernel as what they stand for. */
export const countedOf = (elements: number, stats: ArrayLike<number>): Counted => ({
  elements,
  nan: stats[stat.nan],
  infinite: stats[stat.infinite],
  zeros: stats[stat.zeros],
  min: fromOrdered(stats[stat.min]),
  max: fromOrdered(stats[stat.max]),
})

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

  add({ elements, nan, infinite, zeros, min, max }: Counted): void {
    this.nan += nan
    this.infinite += infinite
    this.zeros += zeros
    const finite = elements - nan - infinite
    if (finite === 0) return
    this.count += finite
    this.min = Math.min(this.min, min)
    this.max = Math.max(this.max, max)
    // The plain mean at first, so that the first batch has no more weight than the others; then a memory of 100 batches.
    this.#batches++
    const weight = Math.max(1 / this.#batches, 0.01)
    const before = this.ema ?? { min: 0, max: 0 }
    this.ema = { min: before.min + weight * (min - before.min), max: before.max + weight * (max - before.max) }
  }

  observation(value: string, table: Float64Array | null): Observation {
    const { count, nan, infinite, ema } = this
    const zeros = table ? this.zeros : 0
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

type Observed = NdArray | DeviceArray | Counted
export const isOnDevice = (array: Observed): array is DeviceArray => 'buffer' in array
export const isCounted = (array: Observed): array is Counted => 'elements' in array

/** Adds up what was counted of `value` in other threads. */
export function addHistograms(
  table: Float64Array,
  value: string,
  histograms: readonly Record<string, Histogram>[],
): void {
  for (const { [value]: part } of histograms)
    part?.keys.forEach((key, i) => {
      table[key] += part.counts[i]
    })
}

/** Counts batches of many values; statistics are given out batch by batch, histograms of all at the end. */
export interface Counter {
  count(outputs: Record<string, NdArray>): Record<string, Counted>
  histograms(): Record<string, Histogram>
}

/** A counter of arrays in memory. */
export function hostCounter(values: readonly string[], newTally: () => Tally): Counter {
  const tallies = new Map<string, Tally>()
  return {
    count(outputs) {
      const counted: Record<string, Counted> = {}
      for (const value of values) {
        if (outputs[value] === undefined) continue
        const x = asFloat32(outputs[value])
        const tally = tallies.get(value) ?? newTally()
        tallies.set(value, tally)
        counted[value] = countedOf(x.length, tally.count(x))
      }
      return counted
    },
    histograms: () =>
      Object.fromEntries(
        [...tallies].flatMap(([value, tally]) => {
          const table = tally.table()
          return table ? [[value, sparse(table)]] : []
        }),
      ),
  }
}

/** An observer of arrays in memory, and of what was counted elsewhere. */
export function hostObserver(
  values: readonly string[],
  { histogram }: { histogram: boolean },
  newTally: () => Tally,
): ActivationObserver {
  const summaries = new Map(values.map(value => [value, new Summary()]))
  const counter = hostCounter(values, newTally)
  return {
    add(outputs) {
      const arrays: Record<string, NdArray> = {}
      for (const [value, summary] of summaries) {
        const array = outputs[value]
        if (array === undefined) continue
        if (isOnDevice(array)) throw new TypeError(`${value} is on the GPU, which these kernels cannot read`)
        if (isCounted(array)) summary.add(array)
        else arrays[value] = array
      }
      for (const [value, counted] of Object.entries(counter.count(arrays))) summaries.get(value)!.add(counted)
    },
    finish: async (histograms = []) => {
      const parts = [...histograms, counter.histograms()]
      const table = histogram ? emptyTable() : null
      return new Map(
        [...summaries].map(([value, summary]) => {
          if (table) addHistograms(table.fill(0), value, parts)
          return [value, summary.observation(value, table)]
        }),
      )
    },
  }
}
