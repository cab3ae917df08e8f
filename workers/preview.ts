// What the model is really fed, as a picture: the array itself, turned back into pixels by the inverse of the input spec, so that
// a swapped colour order or a wrong scale is seen.

import { soundLength } from '../src/base/sound-length.ts'
import type { OpenedDataset } from '../src/data/dataset.ts'
import type { ImageInput } from '../src/data/input-spec.ts'
import type { NdArray } from '../src/ir/tensor.ts'
import type { SamplePreview } from './api.ts'
import { spectrogram } from './spectrogram.ts'

export async function previewOf(
  dataset: OpenedDataset,
  index: number,
  inputs: Readonly<Record<string, ImageInput>>,
): Promise<SamplePreview> {
  const { sample, original } = await dataset.peek(index)
  const [name, array] = Object.entries(sample.feeds)[0]!
  return {
    name: sample.name,
    label: sample.label,
    original: original && { ...original, rgba: new Uint8ClampedArray(original.rgba) },
    fed: inputs[name] ? pictureOf(array, inputs[name]) : null,
    map: inputs[name] ? null : mapOf(array),
  }
}

/** null for arrays that are no picture. */
function pictureOf({ shape, data }: NdArray, input: ImageInput): SamplePreview['fed'] {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return null
  const dims = shape.length === 4 ? shape.slice(1) : shape
  if (dims.length !== 3) return null
  const planar = input.layout === 'NCHW'
  const [channels, height, width] = planar ? dims : [dims[2]!, dims[0]!, dims[1]!]
  if (channels !== 1 && channels !== 3) return null
  const plane = width! * height!
  const { scale, mean, std } = input
  const order = channels === 1 ? [0, 0, 0] : input.color === 'BGR' ? [2, 1, 0] : [0, 1, 2]
  const rgba = new Uint8ClampedArray(plane * 4)
  for (let i = 0; i < plane; i++) {
    for (const [c, from] of order.entries()) {
      const value = data[planar ? from * plane + i : i * channels + from]!
      rgba[i * 4 + c] = (value * std[from]! + mean[from]!) / scale
    }
    rgba[i * 4 + 3] = 255
  }
  let [min, max, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  for (const value of data) {
    min = Math.min(min, value)
    max = Math.max(max, value)
    sum += value
  }
  return { width: width!, height: height!, rgba, min, max, mean: sum / data.length }
}

const smallest = 4

/**
 * Sound as its spectrum over time; an array of two axes, such as bands over time, with the longer one across; null for what has more, or
 * hardly any.
 */
function mapOf({ shape, data }: NdArray): SamplePreview['map'] {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return null
  const dims = shape.filter(d => d !== 1)
  if (soundLength([1, ...dims]) !== null) return spectrogram(Float32Array.from(data))
  const [rows, columns, ...more] = dims
  if (more.length > 0 || !columns || Math.min(rows!, columns) < smallest) return null
  const values = Float32Array.from(data)
  if (rows! <= columns) return { width: columns, height: rows!, values }
  // Time runs from left to right, and the lowest band lies at the foot.
  const across = values.map((_, i) => values[(i % rows!) * columns + (columns - 1 - Math.floor(i / rows!))]!)
  return { width: rows!, height: columns, values: across }
}
