// The input spec: how pixels become what the model is fed. value = (pixel * scale - mean) / std, per channel in the order of `color`.

export interface ResizeSpec {
  fit: 'exact' | 'cover' | 'letterbox' | 'height'
  size: readonly [number, number] // [H, W]
  max?: number // widest, for fit 'height'
  filter: 'bilinear' | 'bicubic' | 'area' | 'nearest'
  like: 'pil' | 'opencv'
}

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

export interface InputSpec {
  inputs: Record<string, Partial<ImageInput>> // input name, or * for all
  labelOffset?: number
  task?: TaskSpec
}
