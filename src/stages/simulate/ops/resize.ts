// Resize of images. To the nearest it moves codes; linear, TFLite's fixed point is known: coordinates and weights of 10 bits.
// https://onnx.ai/onnx/operators/onnx__Resize.html, TensorFlow Lite kernels/internal/reference/resize_bilinear.h.
import { attrString, type Node } from '../../../ir/model.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { codeArray } from '../constants.ts'
import type { CodeArray, IntegerOp } from '../types.ts'
import { layout } from './layout.ts'

const isNearest = (node: Node): boolean => attrString(node, 'mode', 'nearest') === 'nearest'
const coordinates = (node: Node): string => attrString(node, 'coordinate_transformation_mode', 'half_pixel')

export const resize: IntegerOp = {
  types: ['Resize'],
  data: [0],
  moves: true,
  prepare(unit, arithmetic, lent, model) {
    const moving = layout.prepare(unit, arithmetic, lent, model)
    if (isNearest(unit.node)) return moving
    const code = arithmetic.interpolator!(unit.output.affine!)
    return async inputs => {
      const { shape, data } = inputs[0]!
      // The size of the output is what the runtime says; its values are not used.
      const { shape: to } = await (await moving)(inputs)
      const [height, width] = shape.slice(2)
      const [rows, columns] = [
        positions(height, to[2], coordinates(unit.node)),
        positions(width, to[3], coordinates(unit.node)),
      ]
      const x = data as CodeArray
      const y = codeArray(unit.output.dtype, to[0] * to[1] * rows.length * columns.length)
      let at = 0
      for (let plane = 0; plane < to[0] * to[1]; plane++)
        for (const r of rows) {
          const top = (plane * height + r.low) * width
          const bottom = (plane * height + r.high) * width
          for (const c of columns) {
            const upper = (x[top + c.low] as number) * (one - c.part) + (x[top + c.high] as number) * c.part
            const lower = (x[bottom + c.low] as number) * (one - c.part) + (x[bottom + c.high] as number) * c.part
            y[at++] = code(upper * (one - r.part) + lower * r.part)
          }
        }
      return { dtype: unit.output.dtype, shape: to, data: y } as NdArray
    }
  },
  refuses: ({ node, inputs, output }) => {
    if (isNearest(node)) return null
    if (attrString(node, 'mode', 'nearest') !== 'linear') return 'it is cubic'
    if (!['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'].includes(coordinates(node)))
      return `its coordinates are ${coordinates(node)}`
    return inputs[0]?.axis === null && output.affine ? null : 'it has more than one scale'
  },
}

const one = 1024

/** The two neighbours of each output position, and how far it is from the lower one, in 1/1024. */
function positions(from: number, to: number, mode: string): { low: number; high: number; part: number }[] {
  const corners = mode === 'align_corners' && to > 1
  const [input, output] = corners ? [from - 1, to - 1] : [from, to]
  const step = Math.trunc((one * input + Math.trunc(output / 2)) / output)
  return Array.from({ length: to }, (_, i) => {
    const at = mode.endsWith('half_pixel') ? i * step + Math.trunc(step / 2) - 512 : i * step
    const low = Math.max(Math.trunc(at / one), 0)
    const high = Math.min(Math.trunc((at + one - 1) / one), from - 1)
    return { low, high, part: at - one * low }
  })
}
