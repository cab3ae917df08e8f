// What the model is really fed, as a picture: the values of one sample stretched so that the lowest is black and the highest white.

import { fromHalf } from '../base/half.ts'
import type { Dataset } from '../ir/context.ts'
import type { NdArray } from '../ir/tensor.ts'
import type { OpenedDataset } from './dataset.ts'
import type { InputSpec } from './input-spec.ts'

export interface Picture {
  width: number
  height: number
  rgba: Uint8ClampedArray
}

export interface Preview {
  name: string
  label: string | null
  original: Picture | null
  fed: (Picture & { min: number; max: number; mean: number }) | null
}

/** One sample as it came and as it is fed. The spec says which way round the colours are. */
export async function previewSample(
  dataset: Dataset & Pick<OpenedDataset, 'peek'>,
  index: number,
  spec: InputSpec,
): Promise<Preview> {
  const { sample, original } = await dataset.peek(index)
  const fed = Object.entries(sample.feeds).map(([name, array]) => {
    const given = { ...spec.inputs['*'], ...spec.inputs[name] }
    return pictureOf(array, given.layout ?? null, given.color === 'BGR')
  })
  return {
    name: sample.name,
    label: sample.label === null ? null : String(sample.label),
    original: original && {
      width: original.width,
      height: original.height,
      rgba: Uint8ClampedArray.from(original.rgba),
    },
    fed: fed.find(picture => picture !== null) ?? null,
  }
}

function pictureOf(array: NdArray, layout: 'NCHW' | 'NHWC' | null, swapped: boolean): Preview['fed'] {
  const dims = array.shape.slice(array.shape.length === 4 ? 1 : 0)
  if (dims.length !== 3) return null
  const planar = layout === null ? dims[0] <= 3 : layout === 'NCHW'
  const [height, width, channels] = planar ? [dims[1], dims[2], dims[0]] : [dims[0], dims[1], dims[2]]
  if (channels !== 1 && channels !== 3) return null
  const values = Float64Array.from(array.data as ArrayLike<number>, x =>
    array.dtype === 'float16' ? fromHalf(Number(x)) : Number(x),
  )
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let sum = 0
  for (const x of values) {
    min = Math.min(min, x)
    max = Math.max(max, x)
    sum += x
  }
  const stretch = max > min ? 255 / (max - min) : 0
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255)
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      const from = channels === 1 ? 0 : swapped ? 2 - c : c
      rgba[i * 4 + c] = (values[planar ? from * width * height + i : i * channels + from] - min) * stretch
    }
  }
  return { width, height, rgba, min, max, mean: sum / values.length }
}
