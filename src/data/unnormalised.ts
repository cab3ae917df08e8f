// Float pictures that nobody normalised: whole pixels 0..255, or pixels over 255, where the input spec given by the user makes other
// values of them. That is certain, not likely, when every value is a pixel of that unit and not all are what the spec makes of pixels:
// normalising them is then what was meant. A spec that we proposed ourselves is no such ground.
import type { NdArray } from '../ir/tensor.ts'
import type { ImageInput } from './input-spec.ts'
import type { Expectation } from './suspicious.ts'

const fewestLevels = 16 // shades below which values may be anything, such as a mask
const nearlyWhole = 1e-3

const isPixel = (x: number): boolean =>
  x > -nearlyWhole && x < 255 + nearlyWhole && Math.abs(x - Math.floor(x + 0.5)) < nearlyWhole

/** The picture as the spec makes it, and what was found; null where the values may be what the model wants. */
export function normalisePixels(
  name: string,
  array: NdArray,
  { layout, scale, mean, std }: ImageInput,
  { low, high, assumed }: Expectation,
): { array: NdArray; what: string } | null {
  const { data } = array
  if (assumed || !(data instanceof Float32Array || data instanceof Float64Array)) return null
  let top = Number.NEGATIVE_INFINITY
  for (const x of data) top = Math.max(top, x)
  const span = high - low
  const unit = top > 1 ? 1 : 255
  // Pixels beyond what the spec gives; or pixels over 255, where it subtracts a mean or leaves pixels as they are.
  const foreign = unit === 1 ? top > high + span / 4 : low < -0.1 * span || span > 10
  if (!foreign || !data.every(x => isPixel(x * unit))) return null
  if (new Set(data.map(x => Math.floor(x * unit + 0.5))).size < fewestLevels) return null

  const channels = mean.length
  const plane = data.length / channels
  const channel = layout === 'NCHW' ? (i: number) => Math.floor(i / plane) : (i: number) => i % channels
  if (data.every((x, i) => isPixel((x * std[channel(i)] + mean[channel(i)]) / scale))) return null
  const normalised = data.map((x, i) => {
    const c = channel(i)
    return (Math.floor(x * unit + 0.5) * scale - mean[c]) / std[c]
  })
  return {
    array: { ...array, data: normalised },
    what: `'${name}' holds pixels of 0 to ${255 / unit} where the input spec gives ${short(low)} to ${short(high)}: un-normalised, so the spec was applied to them`,
  }
}

const short = (x: number): string => String(Number(x.toPrecision(3)))
