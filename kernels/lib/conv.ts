// Convolutions and their gradients, by tiles where their shape allows and by patches elsewhere.
import type { ConvShape, KernelSet } from '../../src/ir/context.ts'
import type { Memory } from './arithmetic.ts'
import { convolveByPatches, filterGradientByPatches, inputGradientByPatches } from './patched-conv.ts'
import { convolveByTiles, filterGradientByTiles, goesByTiles, inputGradientByTiles } from './tiled-conv.ts'

const byTiles = {
  convolve: convolveByTiles,
  inputGradient: inputGradientByTiles,
  filterGradient: filterGradientByTiles,
}
const byPatches = {
  convolve: convolveByPatches,
  inputGradient: inputGradientByPatches,
  filterGradient: filterGradientByPatches,
}
const wayFor = (shape: ConvShape): typeof byTiles => (goesByTiles(shape) ? byTiles : byPatches)

export function convolutions(memory: Memory): Pick<KernelSet, 'conv' | 'convGradient'> {
  const { lend, view } = memory
  /** The result of `work` on arrays that are copied into memory. */
  const computed = (
    [a, b]: readonly [Float32Array, Float32Array],
    length: number,
    work: (a: number, b: number, into: number) => void,
  ): Float32Array =>
    lend([a.length, b.length, length], (run, at, bt, into) => {
      view(at, a.length).set(a)
      view(bt, b.length).set(b)
      run.clear(into, length)
      work(at, bt, into)
      return view(into, length).slice()
    })
  return {
    conv(x, w, shape) {
      const { samples, groups, outputs, out } = shape
      const length = samples * groups * outputs * out[0] * out[1]
      return computed([x, w], length, (ax, aw, ay) => wayFor(shape).convolve(memory, ax, aw, ay, shape))
    },
    convGradient(x, w, dy, shape, wanted) {
      const { inputGradient, filterGradient } = wayFor(shape)
      return {
        x: wanted.x ? computed([w, dy], x.length, (aw, ay, dx) => inputGradient(memory, aw, ay, dx, shape)) : null,
        w: wanted.w ? computed([x, dy], w.length, (ax, ay, dw) => filterGradient(memory, ax, ay, dw, shape)) : null,
      }
    },
  }
}
