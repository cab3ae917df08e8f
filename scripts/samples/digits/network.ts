// The digit recogniser: a stem, a strided convolution, a residual block, a depthwise-separable step, one more convolution,
// average pooling and a dense layer. Small, yet with every pattern that makes quantisation of real networks interesting.
import type { Rng } from '../../../src/base/rng.ts'
import {
  type Batch,
  batchNorm,
  conv,
  dense,
  depthwise,
  globalAveragePool,
  type Layer,
  relu,
  residual,
  type Sequence,
  sequence,
} from './layers.ts'

export const mean = 0.1307 // of MNIST's training pixels / 255, as usually stated
export const std = 0.3081

/** Layers under one name; names become the names of the ONNX nodes. */
const named = (name: string, ...layers: Layer[]): Layer[] => layers.map(layer => ({ ...layer, name }))
const convUnit = (name: string, kernel: number, inputs: number, outputs: number, stride: number, rng: Rng): Layer[] =>
  named(name, conv(kernel, inputs, outputs, stride, rng), batchNorm(outputs), relu())

export function createNetwork(rng: Rng): Sequence {
  return sequence(
    ...convUnit('stem', 3, 1, 8, 1, rng),
    ...convUnit('halve', 3, 8, 16, 2, rng),
    ...named(
      'block',
      residual(
        sequence(...convUnit('first', 3, 16, 16, 1, rng), ...named('second', conv(3, 16, 16, 1, rng), batchNorm(16))),
      ),
      relu(),
    ),
    ...named('spread', depthwise(16, 2, rng), batchNorm(16), relu()),
    ...convUnit('mix', 1, 16, 32, 1, rng),
    ...convUnit('look', 3, 32, 48, 1, rng),
    ...named('pool', globalAveragePool()),
    ...named('classify', dense(48, 10, rng)),
  )
}

/** Square pictures as the network takes them, each moved by up to `shift` pixels; outside a picture is black. */
export function batchOf(images: readonly Uint8Array[], side: number, shift: number, rng: Rng | null): Batch {
  const data = new Float64Array(images.length * side * side)
  let at = 0
  for (const image of images) {
    const dx = rng ? rng.below(2 * shift + 1) - shift : 0
    const dy = rng ? rng.below(2 * shift + 1) - shift : 0
    for (let y = dy; y < side + dy; y++)
      for (let x = dx; x < side + dx; x++, at++) {
        const inside = y >= 0 && y < side && x >= 0 && x < side
        data[at] = ((inside ? image[y * side + x] : 0) / 255 - mean) / std
      }
  }
  return { data, shape: [images.length, side, side, 1] }
}
