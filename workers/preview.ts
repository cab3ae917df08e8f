// What the model is really fed, as a picture: the array itself, turned back into pixels by the inverse of the input spec, so that
// a swapped colour order or a wrong scale is seen.
import { StudioError } from '../src/base/errors.ts'
import type { ImageInput } from '../src/data/input-spec.ts'
import type { Dataset, Sample } from '../src/ir/context.ts'
import type { NdArray } from '../src/ir/tensor.ts'
import type { SamplePreview } from './api.ts'

/** A data set that can show a sample as it came, before any preparation. */
interface WithPictures {
  picture?(index: number): Promise<SamplePreview['original']>
}

export async function previewOf(
  dataset: Dataset & WithPictures,
  index: number,
  inputs: Readonly<Record<string, ImageInput>>,
): Promise<SamplePreview> {
  const sample = await sampleAt(dataset, index)
  const [name, array] = Object.entries(sample.feeds)[0]!
  return {
    name: sample.name,
    label: sample.label === null ? null : String(sample.label),
    original: (await dataset.picture?.(index)) ?? null,
    fed: inputs[name] ? pictureOf(array, inputs[name]) : null,
  }
}

async function sampleAt(dataset: Dataset, index: number): Promise<Sample> {
  for await (const sample of dataset.samples({ count: index + 1 })) if (sample.index === index) return sample
  const skip = dataset.skipped.at(-1)
  throw new StudioError('bad-data', `Sample ${index + 1} of ${dataset.name} cannot be shown`, {
    where: skip ? { sample: skip.sample } : {},
    hint: skip?.why ?? 'Choose another sample.',
  })
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
