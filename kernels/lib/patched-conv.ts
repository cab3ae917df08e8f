// Convolutions and their gradients as matrix products of patches, one sample and one group after the other, so that the patches of one
// fit into the cache. With the matrices W [outputs, depth], X [depth, places] (patches) and Y [outputs, places]: Y = W X,
// dW = dY X^T, dX = W^T dY, and dX is added back to the places in the image that the patches came from.
import type { ConvShape } from '../../src/ir/context.ts'
import { product } from '../gemm/reference.ts'
import { columnsOf } from '../patches/reference.ts'
import type { Arithmetic, Memory } from './arithmetic.ts'

/** Patches of such a window are the image itself. */
const isPlain = ({ kernel, strides, pads, size, out }: ConvShape): boolean =>
  [0, 1].every(i => kernel[i] === 1 && strides[i] === 1 && pads[i] === 0 && size[i] === out[i])

interface Part {
  /** Positions of one sample and group in x, w and y; `columns` is where its patches lie, unless they are the image itself. */
  x: number
  w: number
  y: number
  columns: number
  plain: boolean
  depth: number
  places: number
}

function eachPart(
  { lend }: Memory,
  [x, w, y]: readonly [number, number, number],
  shape: ConvShape,
  visit: (run: Arithmetic, part: Part) => void,
): void {
  const { samples, groups, channels, outputs, size, out, kernel } = shape
  const depth = channels * kernel[0] * kernel[1]
  const places = out[0] * out[1]
  const plain = isPlain(shape)
  lend([plain ? 0 : columnsOf(shape)], (run, columns) => {
    for (let part = 0; part < samples * groups; part++)
      visit(run, {
        x: x + part * channels * size[0] * size[1],
        w: w + (part % groups) * outputs * depth,
        y: y + part * outputs * places,
        columns,
        plain,
        depth,
        places,
      })
  })
}

/** y of x and w, all where they lie in memory. */
export function convolveByPatches(memory: Memory, x: number, w: number, y: number, shape: ConvShape): void {
  eachPart(memory, [x, w, y], shape, (run, part) => {
    if (!part.plain) run.patches(part.x, part.columns, shape)
    run.gemm(part.w, part.plain ? part.x : part.columns, part.y, product(shape.outputs, part.places, part.depth))
  })
}

/** dx of w and dy. */
export function inputGradientByPatches(memory: Memory, w: number, dy: number, dx: number, shape: ConvShape): void {
  eachPart(memory, [dx, w, dy], shape, (run, part) => {
    const { columns, plain, depth, places } = part
    if (!plain) run.clear(columns, columnsOf(shape))
    run.gemm(part.w, part.y, plain ? part.x : columns, product(depth, places, shape.outputs, { transA: true }))
    if (!plain) run.addPatches(columns, part.x, shape)
  })
}

/** dw of x and dy. */
export function filterGradientByPatches(memory: Memory, x: number, dy: number, dw: number, shape: ConvShape): void {
  eachPart(memory, [x, dw, dy], shape, (run, part) => {
    if (!part.plain) run.patches(part.x, part.columns, shape)
    const matrix = part.plain ? part.x : part.columns
    run.gemm(part.y, matrix, part.w, product(shape.outputs, part.depth, part.places, { transB: true }))
  })
}
