// Windows that catch a convolution out: strides, dilations, uneven pads, maps of one row, kernels wider than the map.
import type { PatchShape } from './reference.ts'

export const shapes: readonly { name: string; shape: PatchShape }[] = [
  given('3 x 3 to the same size', 3, [7, 9], [7, 9], [3, 3], [1, 1], [1, 1], [1, 1]),
  given('without padding', 2, [6, 11], [4, 9], [3, 3], [1, 1], [1, 1], [0, 0]),
  given('1 x 1', 5, [4, 4], [4, 4], [1, 1], [1, 1], [1, 1], [0, 0]),
  given('strides', 3, [9, 8], [5, 4], [3, 3], [2, 2], [1, 1], [1, 1]),
  given('strides of 3 and dilations', 2, [12, 13], [4, 4], [2, 3], [3, 3], [2, 2], [1, 2]),
  given('dilations', 1, [9, 9], [9, 9], [3, 3], [1, 1], [2, 2], [2, 2]),
  given('uneven pads', 1, [5, 5], [6, 9], [3, 2], [1, 1], [1, 1], [2, 4]),
  given('a kernel wider than the map', 2, [2, 3], [2, 3], [5, 5], [1, 1], [1, 1], [2, 2]),
  given('one row', 4, [1, 30], [1, 30], [1, 5], [1, 1], [1, 1], [0, 2]),
]

function given(
  name: string,
  channels: number,
  size: [number, number],
  out: [number, number],
  kernel: [number, number],
  strides: [number, number],
  dilations: [number, number],
  pads: [number, number],
): { name: string; shape: PatchShape } {
  return { name, shape: { channels, size, out, kernel, strides, dilations, pads } }
}
