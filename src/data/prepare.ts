// From a picture to the array that the model is fed, by an input spec:
// colour, then size, then value = (pixel * scale - mean) / std, computed in float64 and rounded once to the model's type.
// A uint8 input is fed the pixels themselves.
import type { DType, TypedArray } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { toHalf } from '../base/half.ts'
import { roundHalfEven } from '../base/round.ts'
import type { NdArray } from '../ir/tensor.ts'
import type { Pixels } from './codecs.ts'
import type { ImageInput } from './input-spec.ts'
import type { Raster } from './raster.ts'
import { fit } from './resize.ts'
import type { ImageSlot } from './resolve-input.ts'

/** The array for one picture. Its batch axis, where the model has one, is 1. */
export function prepare(pixels: Pixels, input: ImageInput, slot: ImageSlot): NdArray {
  const colored = inColor(pixels, input)
  const { picture, left, top, width, height } = input.resize
    ? fit(colored, input.resize)
    : { picture: colored, left: 0, top: 0, width: colored.width, height: colored.height }
  if ((slot.height ?? height) !== height || (slot.width ?? width) !== width)
    throw new StudioError(
      'bad-data',
      `The picture is ${height} x ${width}, input '${slot.name}' wants ${slot.height ?? 'any'} x ${slot.width ?? 'any'} (height x width).`,
      { where: { value: slot.name }, hint: 'Add "resize" to the input spec.' },
    )
  const { channels } = picture
  const plane = width * height
  const { array, write } = elementsOf(slot.dtype, slot.name, plane * channels)
  const planar = input.layout === 'NCHW'
  const covered = picture.width === width && picture.height === height
  for (let c = 0; c < channels; c++) {
    const value = (pixel: number): number => (pixel * input.scale - input.mean[c]) / input.std[c]
    // Of 256 pixel values each is computed once.
    const table = Float64Array.from({ length: 256 }, (_, pixel) => write(value(pixel), pixel))
    const start = planar ? c * plane : c
    const step = planar ? 1 : channels
    if (!covered) {
      const padding = write(value(input.pad), input.pad)
      for (let i = 0; i < plane; i++) array[start + i * step] = padding
    }
    for (let y = 0; y < picture.height; y++) {
      const row = (top + y) * width + left
      for (let x = 0; x < picture.width; x++)
        array[start + (row + x) * step] = table[picture.data[(y * picture.width + x) * channels + c]]
    }
  }
  const shape = planar ? [channels, height, width] : [height, width, channels]
  return { dtype: slot.dtype, shape: slot.batched ? [1, ...shape] : shape, data: array as TypedArray }
}

/** The storage of a type, and how a normalised value, or the pixel it came from, is written into it. */
function elementsOf(
  dtype: DType,
  name: string,
  count: number,
): { array: { [index: number]: number }; write: (value: number, pixel: number) => number } {
  const clamped = (low: number, high: number) => (v: number) => Math.min(Math.max(roundHalfEven(v), low), high)
  switch (dtype) {
    case 'float32':
      return { array: new Float32Array(count), write: v => v }
    case 'float64':
      return { array: new Float64Array(count), write: v => v }
    case 'float16':
      return { array: new Uint16Array(count), write: toHalf }
    case 'uint8':
      return { array: new Uint8Array(count), write: (_, pixel) => clamped(0, 255)(pixel) }
    case 'int8':
      return { array: new Int8Array(count), write: clamped(-128, 127) }
    default:
      throw new StudioError('unsupported', `Input '${name}' is ${dtype}, which pictures cannot be fed to.`, {
        where: { value: name },
        hint: 'Give the data as an .npz with an array of that type.',
      })
  }
}

/** Channels in the wanted order; alpha is dropped. Grey as Pillow's convert('L') or OpenCV's COLOR_RGB2GRAY weigh it. */
function inColor(pixels: Pixels, input: ImageInput): Raster {
  const { width, height, rgba } = pixels
  const count = width * height
  if (input.color === 'GRAY') {
    const data = new Uint8Array(count)
    const [r, g, b, bits] = input.resize?.like === 'opencv' ? [9798, 19235, 3735, 15] : [19595, 38470, 7471, 16]
    const half = 1 << (bits - 1)
    for (let i = 0; i < count; i++)
      data[i] = (rgba[i * 4] * r + rgba[i * 4 + 1] * g + rgba[i * 4 + 2] * b + half) >> bits
    return { width, height, channels: 1, data }
  }
  const data = new Uint8Array(count * 3)
  const [first, last] = input.color === 'RGB' ? [0, 2] : [2, 0]
  for (let i = 0; i < count; i++) {
    data[i * 3] = rgba[i * 4 + first]
    data[i * 3 + 1] = rgba[i * 4 + 1]
    data[i * 3 + 2] = rgba[i * 4 + last]
  }
  return { width, height, channels: 3, data }
}
