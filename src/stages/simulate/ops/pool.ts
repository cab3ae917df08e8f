// Pools over windows and over whole maps. https://onnx.ai/onnx/operators/onnx__AveragePool.html
import { elementCount } from '../../../base/dtype.ts'
import { attrInt, attrInts } from '../../../ir/model.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { codeArray } from '../constants.ts'
import { affineOf, type CodeArray, type IntegerOp, type Unit } from '../types.ts'
import { type Axis, windowsOf } from '../windows.ts'

/** The largest code is that of the largest number. */
export const maxPool: IntegerOp = {
  types: ['MaxPool'],
  moves: true,
  prepare: unit => {
    const { qmin, qmax } = unit.output.affine!
    return inputs =>
      overWindows(unit, inputs[0]!, (window, count) => {
        let most = window[0]
        for (let i = 1; i < count; i++) if (window[i] > most) most = window[i]
        return Math.min(qmax, Math.max(qmin, most))
      })
  },
  refuses: unit => notPlain(unit) ?? (unit.node.outputs.length > 1 ? 'it also gives indices' : null),
}

export const averagePool: IntegerOp = {
  types: ['AveragePool'],
  prepare: (unit, arithmetic) => {
    const [x, y] = [affineOf(unit.inputs[0]!), unit.output.affine!]
    const withPadding = attrInt(unit.node, 'count_include_pad', 0) === 1
    return inputs => {
      const input = inputs[0]!
      const kernel = attrInts(unit.node, 'kernel_shape')!
      const pads = attrInts(unit.node, 'pads') ?? []
      const whole = windowsOf(unit.node, input.shape, kernel).every(axis => axis.kernel === axis.size && axis.out === 1)
      const mean = arithmetic.averager!(x, y, whole && pads.every(p => p === 0))
      const size = elementCount(kernel)
      return overWindows(unit, input, (window, count) => mean(window, count, withPadding ? size : count))
    }
  },
  refuses: unit =>
    notPlain(unit) ?? ((attrInts(unit.node, 'dilations') ?? []).some(d => d !== 1) ? 'its windows have gaps' : null),
}

export const globalAveragePool: IntegerOp = {
  types: ['GlobalAveragePool'],
  prepare: (unit, arithmetic) => inputs => {
    const { shape, data } = inputs[0]!
    const size = elementCount(shape.slice(2))
    const mean = arithmetic.globalAverager!(affineOf(unit.inputs[0]!), unit.output.affine!, size)
    const y = codeArray(unit.output.dtype, shape[0] * shape[1])
    for (let i = 0; i < y.length; i++) {
      let sum = 0
      for (let k = 0; k < size; k++) sum += (data as Uint8Array)[i * size + k]
      y[i] = mean(sum)
    }
    return { dtype: unit.output.dtype, shape: shape.map((d, i) => (i < 2 ? d : 1)), data: y } as NdArray
  },
}

function notPlain(unit: Unit): string | null {
  const rank = attrInts(unit.node, 'kernel_shape')?.length ?? 0
  return rank < 1 || rank > 2 ? `it has ${rank} spatial axes` : null
}

/** `value` of every window, given its elements inside the image in row-major order. */
function overWindows(unit: Unit, input: NdArray, value: (window: Int32Array, count: number) => number): NdArray {
  const { shape } = input
  const [rows, columns] = windowsOf(unit.node, shape, attrInts(unit.node, 'kernel_shape')!)
  const x = input.data as CodeArray
  const y = codeArray(unit.output.dtype, shape[0] * shape[1] * rows.out * columns.out)
  const window = new Int32Array(rows.kernel * columns.kernel)
  let to = 0
  for (let plane = 0; plane < shape[0] * shape[1]; plane++)
    for (let oy = 0; oy < rows.out; oy++)
      for (let ox = 0; ox < columns.out; ox++) y[to++] = value(window, fill(window, x, plane, oy, ox, rows, columns))
  const out = shape.length === 3 ? [columns.out] : [rows.out, columns.out]
  return { dtype: unit.output.dtype, shape: [shape[0], shape[1], ...out], data: y } as NdArray
}

function fill(
  window: Int32Array,
  x: CodeArray,
  plane: number,
  oy: number,
  ox: number,
  rows: Axis,
  columns: Axis,
): number {
  const from = plane * rows.size * columns.size
  let count = 0
  for (let ky = 0; ky < rows.kernel; ky++) {
    const iy = oy * rows.stride - rows.begin + ky * rows.dilation
    if (iy < 0 || iy >= rows.size) continue
    for (let kx = 0; kx < columns.kernel; kx++) {
      const ix = ox * columns.stride - columns.begin + kx * columns.dilation
      if (ix >= 0 && ix < columns.size) window[count++] = x[from + iy * columns.size + ix] as number
    }
  }
  return count
}
