// What a decoder of boxes is: how a detector's outputs become boxes with scores.
import type { Model } from '../../ir/model.ts'
import type { FoundBox, Outputs, TaskOptions } from '../types.ts'

/** Settings of the task, every one filled in. */
export interface DetectSettings {
  decoder: string | null
  boxes: string | null
  scores: string | null
  classes: string | null
  sizes: string | null
  offsets: string | null
  priors: string | null
  anchors: Anchors | null
  bins: number
  variances: readonly number[]
  activation: 'none' | 'sigmoid' | 'softmax'
  objectness: boolean
  background: number
  units: 'pixels' | 'fractions'
  corners: 'xyxy' | 'yxyx'
  score: number
  iou: number
}

/** Prior boxes by their making: for each stride, the sizes (width, height; in pixels) that lie around the middle of every cell. */
export interface Anchors {
  strides: readonly number[]
  sizes: readonly (readonly (readonly [number, number])[])[]
  /** Cells share the picture evenly, where a stride does not go into it, rather than lie a stride apart. */
  even?: boolean
}

export interface OpenedDecoder {
  /** How many classes the model tells apart, the background left out; null where its outputs do not say. */
  classes: number | null
  /** Boxes of a score of `least` or more, in the order of the outputs. */
  read(outputs: Outputs, least: number): FoundBox[]
  /** Whether boxes that say the same thing must still be parted. */
  overlapping: boolean
}

export interface Decoder {
  readonly id: string
  readonly label: string
  /** The settings that it looks at, besides `score`. */
  readonly uses: readonly (keyof DetectSettings)[]
  /** Settings by which the outputs are read; null where they do not look like this decoder's. */
  guess(model: Model): TaskOptions | null
  open(model: Model, settings: DetectSettings): OpenedDecoder
}
