// What a convolution multiplies its weights by: the patches under its kernel as the columns of a matrix, [channels x kernel, places].
// Chellapilla et al., "High Performance Convolutional Neural Networks for Document Processing" (2006).
import type { Arrays } from '../lib/kernel.ts'

/** Of one sample and one group. Each pair is vertical, horizontal. */
export interface PatchShape {
  channels: number
  size: readonly [number, number]
  out: readonly [number, number]
  kernel: readonly [number, number]
  strides: readonly [number, number]
  dilations: readonly [number, number]
  pads: readonly [number, number] // before the first row and column
}

/** Calls `visit` with each element of the matrix, in its order, and the element of x that it is, or -1 in the padding. */
export function eachElement(
  { channels, size: [h, w], out, kernel, strides, dilations, pads }: PatchShape,
  visit: (at: number, source: number) => void,
): void {
  let at = 0
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < kernel[0]; i++)
      for (let j = 0; j < kernel[1]; j++)
        for (let oy = 0; oy < out[0]; oy++)
          for (let ox = 0; ox < out[1]; ox++) {
            const y = oy * strides[0] - pads[0] + i * dilations[0]
            const x = ox * strides[1] - pads[1] + j * dilations[1]
            const inside = y >= 0 && y < h && x >= 0 && x < w
            visit(at++, inside ? (c * h + y) * w + x : -1)
          }
}

export const columnsOf = ({ channels, kernel, out }: PatchShape): number =>
  channels * kernel[0] * kernel[1] * out[0] * out[1]

export const scalarsOf = ({ channels, size, out, kernel, strides, dilations, pads }: PatchShape): number[] => [
  channels,
  ...size,
  ...out,
  ...kernel,
  ...strides,
  ...dilations,
  ...pads,
]

export function reference({ x, columns }: Arrays, shape: PatchShape): void {
  eachElement(shape, (at, source) => {
    columns[at] = source < 0 ? 0 : x[source]
  })
}
