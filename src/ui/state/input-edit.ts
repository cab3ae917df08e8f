// The input spec as the form edits it: values with their defaults filled in, lists of numbers as text.
import type { ImageInput, InputSpec, ResizeSpec } from '../../data/input-spec.ts'
import type { Dim } from '../../ir/model.ts'
import { readNumber } from './number-text.ts'

export const plain: ImageInput = { layout: 'NCHW', color: 'RGB', scale: 1, mean: [0], std: [1], pad: 0 }

/** What the form shows: what is said of the input, over what holds where nothing is said. */
export function inputOf(spec: InputSpec, name: string, shape: readonly Dim[] | null): ImageInput {
  const common = spec.inputs['*']
  const named = spec.inputs[name]
  const said = { ...plain, ...common, ...named }
  const resize =
    common?.resize || named?.resize
      ? { ...firstResize(shape, said.layout), ...common?.resize, ...named?.resize }
      : undefined
  return { ...said, resize }
}

export const setInputField = <K extends keyof ImageInput>(
  spec: InputSpec,
  name: string,
  field: K,
  value: ImageInput[K],
): InputSpec => ({
  ...spec,
  inputs: { ...spec.inputs, [name]: { ...spec.inputs[name], [field]: value } },
})

export const noResize = (spec: InputSpec, name: string): InputSpec => {
  const { resize: _, ...rest } = spec.inputs[name] ?? {}
  return { ...spec, inputs: { ...spec.inputs, [name]: rest } }
}

export const firstResize = (shape: readonly Dim[] | null, layout: 'NCHW' | 'NHWC'): ResizeSpec => {
  const dims = (shape ?? []).slice(layout === 'NCHW' ? 2 : 1).filter(dim => typeof dim === 'number')
  return { fit: 'exact', size: [dims[0] ?? 224, dims[1] ?? 224], filter: 'bilinear', like: 'pil' }
}

/** Numbers parted by commas or spaces; null where one is none. */
export function numbers(text: string): number[] | null {
  const parts = text.split(/[\s,;]+/).filter(Boolean)
  const read = parts.map(readNumber)
  return parts.length > 0 && read.every(value => value !== null) ? read : null
}
