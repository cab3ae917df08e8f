// Pictures as bare bytes of a known shape, in an array or a raw file.
import type { Pixels } from './codecs.ts'
import type { ColorLook } from './suspicious.ts'

export interface RawPictures {
  readonly height: number
  readonly width: number
  readonly channels: number // 1, 3, or 4 with alpha
  readonly layout: 'NCHW' | 'NHWC'
  readonly color: 'RGB' | 'BGR' | 'GRAY'
}

/** One picture's bytes as RGBA. */
export function toPixels(data: Uint8Array, { height, width, channels, layout, color }: RawPictures): Pixels {
  const plane = width * height
  const [start, step] = layout === 'NHWC' ? [1, channels] : [plane, 1]
  const order = channels === 1 ? [0, 0, 0] : color === 'BGR' ? [2, 1, 0] : [0, 1, 2]
  const rgba = new Uint8Array(plane * 4).fill(255)
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) rgba[i * 4 + c] = data[order[c] * start + i * step]
    if (channels === 4) rgba[i * 4 + 3] = data[3 * start + i * step]
  }
  return { width, height, rgba }
}

/** What the checks want to see of one picture; null for grey and for tiny ones. */
export function lookOf(data: Uint8Array, { height, width, channels, layout, color }: RawPictures): ColorLook | null {
  if (channels !== 3 || height < 8 || width < 8) return null
  const plane = width * height
  const [start, step] = layout === 'NHWC' ? [1, 3] : [plane, 1]
  let difference = 0
  for (let i = 0; i < plane; i++) difference += data[i * step] - data[2 * start + i * step]
  return { data, width, layout, redMinusBlue: ((color === 'BGR' ? -1 : 1) * difference) / plane }
}
