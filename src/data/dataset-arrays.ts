// .npz and .npy as samples: arrays named after the model's inputs, first axis samples, and an optional integer array `labels`.
// Numbers are fed as they are; uint8 pictures (N, H, W, C) go through the input spec. Stored arrays are read sample by sample.

import type { ByteSource } from '../base/bytes.ts'
import { byteLength, elementCount, isFloat, type TypedArray, viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { hashJson } from '../base/hash.ts'
import { type NpyArray, readNpy } from '../formats/npy.ts'
import { readNpz } from '../formats/npz.ts'
import type { Feeds } from '../ir/context.ts'
import { type Dim, requiredInputs, type Value } from '../ir/model.ts'
import type { NdArray } from '../ir/tensor.ts'
import { convert, convertible } from './convert.ts'
import { fingerprint, imageFor, type OpenOptions, type SampleSource } from './dataset-source.ts'
import type { ImageInput } from './input-spec.ts'
import { prepare } from './prepare.ts'
import { proposeInput } from './propose-input.ts'
import { lookOf, type RawPictures, toPixels } from './raw-pictures.ts'
import { type ImageSlot, imageSlot, layoutOf, resolveInput, shapeText } from './resolve-input.ts'
import type { ColorLook, Expectation, Look } from './suspicious.ts'
import { normalisePixels } from './unnormalised.ts'

/** What one array is to the model. */
type Feed =
  | {
      kind: 'pictures'
      array: NpyArray
      pictures: RawPictures
      input: ImageInput
      slot: ImageSlot
      expected: Expectation
    }
  | {
      kind: 'numbers'
      array: NpyArray
      value: Value
      batched: boolean
      picture: FloatPicture | null
      expected: Expectation | null
    }

/** Floats that are a picture by the model's shape. `input` is null where no spec says how such pictures are made. */
interface FloatPicture {
  slot: ImageSlot
  input: ImageInput | null
}

/** The samples of an .npz or .npy file. */
export async function openArrays(file: ByteSource, options: OpenOptions): Promise<SampleSource> {
  const { model } = options
  const names = requiredInputs(model.graph)
  const single = /\.npy$/i.test(file.name)
  const arrays = single
    ? new Map([[names.length === 1 ? names[0] : 'array', await readNpy(file, 'array')]])
    : await readNpz(file)
  const wants = names.map(name => `${name} ${shapeText(model.graph.values.get(name)?.shape)}`).join(', ')
  const missing = names.filter(name => !arrays.has(name))
  if (missing.length > 0 || names.length === 0)
    throw new StudioError(
      'bad-data',
      `${file.name} holds ${[...arrays.values()].map(a => `${a.name} ${shapeText(a.shape)}`).join(', ') || 'no array'}; the model's inputs are ${wants}.`,
      {
        where: { file: file.name, value: missing[0] },
        hint: `Name the array after the input: numpy.savez(path, ${missing[0]}=...).`,
      },
    )
  const feeds = names.map(name => feedOf(arrays.get(name) as NpyArray, name, options, file.name))
  const size = feeds[0].array.shape[0] ?? 0
  const odd = feeds.find(feed => feed.array.shape[0] !== size)
  if (odd)
    throw new StudioError(
      'bad-data',
      `${file.name}: '${feeds[0].array.name}' has ${size} samples, '${odd.array.name}' has ${odd.array.shape[0]}.`,
      { where: { file: file.name }, hint: 'The first axis of every array counts the samples.' },
    )
  const labels = await labelsOf(arrays.get('labels'), size, file.name)
  const stem = file.name.replace(/^.*\//, '')
  return {
    name: stem,
    size,
    labels: labels ? 'class' : null,
    classes: null,
    skipped: [],
    fingerprint: await fingerprint(file),
    sampleName: index => `${stem}[${index}]`,
    original: async index => {
      const pictures = feeds.find(feed => feed.kind === 'pictures')
      return pictures ? toPixels((await slice(pictures.array, index)) as Uint8Array, pictures.pictures) : null
    },
    async read(index) {
      const sample: Feeds = {}
      const looks: Look['arrays'][number][] = []
      let color: ColorLook | null = null
      for (const feed of feeds) {
        const data = await slice(feed.array, index)
        const name = feed.array.name === 'array' && single ? names[0] : feed.array.name
        let fed: NdArray
        let mended: string | null = null
        if (feed.kind === 'pictures') {
          fed = prepare(toPixels(data as Uint8Array, feed.pictures), feed.input, feed.slot)
          color ??= lookOf(data as Uint8Array, feed.pictures)
        } else {
          fed = numbers(data, feed)
          const { picture, expected } = feed
          const pixels = picture?.input && expected ? normalisePixels(name, fed, picture.input, expected) : null
          if (pixels) {
            fed = pixels.array
            mended = pixels.what
          }
          if (picture) color ??= colorOfFloats(fed, picture)
        }
        sample[name] = fed
        looks.push({ input: name, array: fed, expected: feed.expected, mended })
      }
      return { feeds: sample, label: labels ? labels[index] : null, looks, color }
    },
  }
}

function feedOf(array: NpyArray, name: string, options: OpenOptions, file: string): Feed {
  const value = options.model.graph.values.get(name) as Value
  const wanted = value.shape
  const perSample = array.shape.slice(1)
  const refuse = (what: string, hint: string): StudioError =>
    new StudioError(
      'bad-data',
      `${file}: array '${name}' ${what}; the model wants ${shapeText(wanted)} ${value.dtype ?? ''}.`,
      {
        where: { file, value: name },
        hint,
      },
    )
  if (array.shape.length === 0) throw refuse('is a single number', 'The first axis counts the samples.')
  if (array.dtype === 'uint8') {
    const pictures = picturesOf(perSample)
    if (pictures && imageSlot(options.model, name, 'NCHW')) {
      const { input, slot } = imageFor(name, options)
      return { kind: 'pictures', array, pictures, input, slot, expected: expectation(input, name, options) }
    }
    if (imageSlot(options.model, name, 'NCHW') && value.dtype !== 'uint8')
      throw refuse(
        `holds uint8 of shape ${shapeText(array.shape)}, which are no pictures (N, H, W, C)`,
        'Put the colours last: array.transpose(0, 2, 3, 1).',
      )
  }
  const batched = wanted === null || perSample.length + 1 === wanted.length
  const dims = batched ? (wanted?.slice(1) ?? null) : wanted
  if (dims !== null && !matches(perSample, dims))
    throw refuse(
      `has the shape ${shapeText(array.shape)}`,
      transposeHint(perSample, dims) ?? 'Save the array in the shape that the model wants, samples first.',
    )
  if (value.dtype === null || !convertible(array.dtype, value.dtype))
    throw refuse(`is ${array.dtype}`, `Save it as ${value.dtype}: array.astype('${value.dtype}').`)
  const picture = isFloat(array.dtype) && batched ? floatPicture(name, options) : null
  return {
    kind: 'numbers',
    array,
    value,
    batched,
    picture,
    expected: picture?.input ? expectation(picture.input, name, options) : null,
  }
}

const matches = (shape: readonly number[], dims: readonly Dim[]): boolean =>
  shape.length === dims.length && shape.every((d, i) => typeof dims[i] !== 'number' || dims[i] <= 0 || dims[i] === d)

/** Says how to swap NHWC and NCHW where that is all that is wrong. */
function transposeHint(shape: readonly number[], dims: readonly Dim[]): string | null {
  if (shape.length !== 3) return null
  for (const order of [
    [2, 0, 1],
    [1, 2, 0],
  ]) {
    if (
      matches(
        order.map(i => shape[i]),
        dims,
      )
    )
      return `The layout is swapped: save array.transpose(0, ${order.map(i => i + 1).join(', ')}).`
  }
  return null
}

function picturesOf(shape: readonly number[]): RawPictures | null {
  const [height, width, channels] = shape.length === 2 ? [...shape, 1] : shape
  if (shape.length < 2 || shape.length > 3 || ![1, 3, 4].includes(channels)) return null
  return { height, width, channels, layout: 'NHWC', color: channels === 1 ? 'GRAY' : 'RGB' }
}

/** Values that the spec makes of pixels 0..255. */
export function expectation(input: ImageInput, name: string, options: OpenOptions): Expectation {
  const ends = input.mean.flatMap((mean, c) => [-mean / input.std[c], (255 * input.scale - mean) / input.std[c]])
  const proposal = proposeInput(options.model).spec.inputs[name]
  const assumed = proposal !== undefined && hashJson(options.spec.inputs[name] ?? null) === hashJson(proposal)
  return { low: Math.min(...ends), high: Math.max(...ends), assumed }
}

function floatPicture(name: string, options: OpenOptions): FloatPicture | null {
  const input = resolveInput(options.spec, options.model)[name] ?? null
  const layout = input?.layout ?? layoutOf(options.model, name)
  const slot = layout && imageSlot(options.model, name, layout)
  return slot && (slot.channels === 1 || slot.channels === 3) ? { slot, input } : null
}

/** Null for grey and for tiny pictures. */
function colorOfFloats(array: NdArray, { slot, input }: FloatPicture): ColorLook | null {
  if (!(array.data instanceof Float32Array || array.data instanceof Float64Array) || slot.channels !== 3) return null
  const dims = array.shape.slice(-3)
  const [height, width] = slot.layout === 'NCHW' ? [dims[1], dims[2]] : [dims[0], dims[1]]
  if (height < 8 || width < 8) return null
  const plane = height * width
  const mean = (c: number): number => {
    let sum = 0
    for (let i = 0; i < plane; i++) sum += array.data[slot.layout === 'NCHW' ? c * plane + i : i * 3 + c] as number
    return sum / plane
  }
  const pixel = (c: number): number => (input ? (mean(c) * input.std[c] + input.mean[c]) / input.scale : 0)
  const order = input?.color === 'BGR' ? -1 : 1
  return { data: array.data, width, layout: slot.layout, redMinusBlue: input ? order * (pixel(0) - pixel(2)) : null }
}

async function slice(array: NpyArray, index: number): Promise<TypedArray> {
  const count = elementCount(array.shape.slice(1))
  const bytes = byteLength(array.dtype, count)
  return viewAs(array.dtype, (await array.source.read(array.offset + index * bytes, bytes)).slice())
}

function numbers(data: TypedArray, feed: Feed & { kind: 'numbers' }): NdArray {
  const dtype = feed.value.dtype ?? feed.array.dtype
  const shape = feed.array.shape.slice(1)
  return { dtype, shape: feed.batched ? [1, ...shape] : shape, data: convert(data, feed.array.dtype, dtype) }
}

async function labelsOf(array: NpyArray | undefined, size: number, file: string): Promise<number[] | null> {
  if (array === undefined) return null
  const refuse = (what: string): StudioError =>
    new StudioError('bad-data', `${file}: the array 'labels' ${what}.`, {
      where: { file, value: 'labels' },
      hint: `Save ${size} integers, one for each sample.`,
    })
  if (isFloat(array.dtype)) throw refuse(`is ${array.dtype}`)
  const count = elementCount(array.shape)
  if (count !== size) throw refuse(`has the shape ${shapeText(array.shape)} for ${size} samples`)
  const bytes = await array.source.read(array.offset, byteLength(array.dtype, count))
  return Array.from(viewAs(array.dtype, bytes) as ArrayLike<number | bigint>, Number)
}
