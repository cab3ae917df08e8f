// The input spec: how pixels become what the model is fed. value = (pixel * scale - mean) / std, per channel in the order of `color`.
export interface ResizeSpec {
  fit: 'exact' | 'cover' | 'letterbox' | 'height'
  size: readonly [number, number] // [H, W]
  max?: number // width, for fit 'height'
  filter: 'bilinear' | 'bicubic' | 'area' | 'nearest'
  like: 'pil' | 'opencv'
}

/** A spec with every field filled in for one input of one model. `pad` is a pixel value, normalised like the others. */
export interface ImageInput {
  layout: 'NCHW' | 'NHWC'
  color: 'RGB' | 'BGR' | 'GRAY'
  resize?: ResizeSpec
  scale: number
  mean: readonly number[]
  std: readonly number[]
  pad: number
}

export interface TaskSpec {
  kind: 'classify' | 'ctc' | 'detect' | 'segment' | 'embed'
  [option: string]: unknown
}

/** What a person says about an input; the rest is taken from the model. */
export type ImageInputSpec = Partial<Omit<ImageInput, 'resize'>> & { resize?: Partial<ResizeSpec> }

export interface InputSpec {
  inputs: Record<string, ImageInputSpec> // input name, or * for all
  labelOffset?: number // added to every label before it is compared
  task?: TaskSpec
}
