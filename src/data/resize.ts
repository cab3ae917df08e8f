// From a picture of any size to the size that the model wants: what part of it, how it is scaled, what is padded.
import { roundHalfEven } from '../base/round.ts'
import type { ResizeSpec } from './input-spec.ts'
import type { Raster, Resample } from './raster.ts'
import { resampleOpenCv } from './resize-opencv.ts'
import { resamplePil } from './resize-pil.ts'

const resamplers: Record<ResizeSpec['like'], Resample> = { pil: resamplePil, opencv: resampleOpenCv }

/** A scaled picture within a canvas; what it does not cover is padding. */
export interface Fitted {
  readonly picture: Raster
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Where a scaled picture lies in a canvas; it is cut where it goes beyond. In pixels of the canvas. */
export interface Framing {
  readonly scaled: { readonly width: number; readonly height: number }
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * exact: height and width as they are asked for. cover: the smallest scale that covers the size, the long side rounded down, its
 * middle cut out (as torchvision's Resize and CenterCrop). letterbox: the largest scale that fits, in the middle of padding (as
 * Ultralytics). height: scaled to the height, the width rounded up (as PaddleOCR), then padded or cut on the right at `max`;
 * without `max`, padded up to the width of `size`.
 */
export function framing(from: { width: number; height: number }, spec: ResizeSpec): Framing {
  const [height, width] = spec.size
  switch (spec.fit) {
    case 'exact':
      return { scaled: { width, height }, left: 0, top: 0, width, height }
    case 'cover': {
      const byHeight = from.width * height >= from.height * width
      const w = byHeight ? Math.max(width, Math.trunc((height * from.width) / from.height)) : width
      const h = byHeight ? height : Math.max(height, Math.trunc((width * from.height) / from.width))
      const [left, top] = [-roundHalfEven((w - width) / 2), -roundHalfEven((h - height) / 2)]
      return { scaled: { width: w, height: h }, left, top, width, height }
    }
    case 'letterbox': {
      const ratio = Math.min(height / from.height, width / from.width)
      const w = Math.min(width, Math.max(1, Math.round(from.width * ratio)))
      const h = Math.min(height, Math.max(1, Math.round(from.height * ratio)))
      return { scaled: { width: w, height: h }, left: (width - w) >> 1, top: (height - h) >> 1, width, height }
    }
    case 'height': {
      const natural = Math.max(1, Math.ceil(height * (from.width / from.height)))
      const wanted = spec.max ?? Math.max(natural, width)
      return { scaled: { width: natural, height }, left: 0, top: 0, width: wanted, height }
    }
  }
}

export function fit(from: Raster, spec: ResizeSpec): Fitted {
  const { scaled, left, top, width, height } = framing(from, spec)
  const picture =
    scaled.width === from.width && scaled.height === from.height
      ? from
      : resamplers[spec.like](from, scaled.width, scaled.height, spec.filter)
  const [x, y] = [Math.max(0, left), Math.max(0, top)]
  const shown = cut(picture, x - left, y - top, Math.min(width, scaled.width), Math.min(height, scaled.height))
  return { picture: shown, left: x, top: y, width, height }
}

function cut(from: Raster, left: number, top: number, width: number, height: number): Raster {
  if (width === from.width && height === from.height) return from
  const { channels } = from
  const data = new Uint8Array(width * height * channels)
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * from.width + left) * channels
    data.set(from.data.subarray(start, start + width * channels), y * width * channels)
  }
  return { width, height, channels, data }
}
