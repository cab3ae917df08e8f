// Feature maps as pixels: one channel of them or the mean of all, on one scale for both models, or their difference.
import { cividis, type Rgb } from '../graph/colour.ts'
import { diverging } from '../graph/diverging.ts'

interface Maps {
  channels: number
  height: number
  width: number
  data: Float32Array
}
export interface Pixels {
  width: number
  height: number
  rgba: Uint8ClampedArray
}

/** `channel` null is the mean of all. */
export function plane({ channels, height, width, data }: Maps, channel: number | null): Float32Array {
  const size = height * width
  if (channel !== null) return data.subarray(channel * size, (channel + 1) * size)
  const mean = new Float32Array(size)
  for (let c = 0; c < channels; c++) for (let i = 0; i < size; i++) mean[i] += data[c * size + i] / channels
  return mean
}

export function bounds(planes: readonly Float32Array[]): { low: number; high: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const values of planes)
    for (const value of values) {
      if (value < low) low = value
      if (value > high) high = value
    }
  return low <= high ? { low, high } : { low: 0, high: 0 }
}

function paint(
  values: Float32Array,
  { width, height }: Pick<Maps, 'width' | 'height'>,
  colour: (value: number) => Rgb,
): Pixels {
  const rgba = new Uint8ClampedArray(width * height * 4)
  for (let i = 0; i < values.length; i++) {
    // Room that only fills up a square has no value, and stays clear.
    if (Number.isNaN(values[i])) continue
    rgba.set(colour(values[i]), i * 4)
    rgba[i * 4 + 3] = 255
  }
  return { width, height, rgba }
}

/** Both on one scale, with its ends. */
export function pictures(
  [a, b]: readonly [Maps, Maps],
  channel: number | null,
): { left: Pixels; right: Pixels; low: number; high: number } {
  const [left, right] = [plane(a, channel), plane(b, channel)]
  const { low, high } = bounds([left, right])
  const colour = (value: number) => cividis(high > low ? (value - low) / (high - low) : 0.5)
  return { left: paint(left, a, colour), right: paint(right, b, colour), low, high }
}

/** One array as a picture, on a scale of its own. */
export function mapPicture(map: { width: number; height: number; values: Float32Array } | null): Pixels | null {
  if (!map) return null
  const { low, high } = bounds([map.values])
  return paint(map.values, map, value => cividis(high > low ? (value - low) / (high - low) : 0.5))
}

/** The second less the first; the largest change either way is the end of the scale. */
export function difference([a, b]: readonly [Maps, Maps], channel: number | null): { pixels: Pixels; most: number } {
  const [left, right] = [plane(a, channel), plane(b, channel)]
  const change = left.map((value, k) => right[k] - value)
  const { low, high } = bounds([change])
  const most = Math.max(-low, high)
  return { pixels: paint(change, a, value => diverging(most > 0 ? value / most : 0)), most }
}
