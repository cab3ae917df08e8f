// Gemm and MatMul. https://onnx.ai/onnx/operators/onnx__Gemm.html
// acc[r, c] = bias[c] + sum over k of (x[r, k] - zx)(w[k, c] - zw); MatMul does so for each matrix of its stacks.
import { elementCount } from '../../../base/dtype.ts'
import { attrInt } from '../../../ir/model.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { codeArray } from '../constants.ts'
import { centred, plus, rowProducts, transposed } from '../products.ts'
import {
  type Arithmetic,
  affineOf,
  type CodeArray,
  type Codes,
  type IntegerOp,
  type Operand,
  type Requantize,
  type Unit,
} from '../types.ts'

export const gemm: IntegerOp = {
  types: ['Gemm'],
  floats: true,
  prepare(unit, arithmetic, lent) {
    const [x, w, b] = unit.inputs
    const [first, second] = w!.constant!.shape
    const transB = attrInt(unit.node, 'transB', 0) !== 0
    const [columns, depth] = transB ? [first, second] : [second, first]
    // Zero points are per output channel: rows of a transposed weight, columns of a plain one.
    const centre = centred(w!.constant!.data, w!.zeroPoint, transB ? depth : 1)
    const weights = transB ? centre : transposed(centre, depth, columns)
    const bias = b ? Float64Array.from(b.constant!.data as Int32Array, Number) : null
    const wide = x!.dtype === 'int16'
    const make = result(unit, arithmetic)
    return inputs => {
      const { shape, data } = inputs[0]!
      const sums = rowProducts(centred(data as CodeArray, x!.zeroPoint), weights, depth, wide, lent.kernels)
      const y = make.array(sums.length)
      for (let i = 0; i < y.length; i++) {
        const c = i % columns
        y[i] = make.value(plus(sums[i], bias ? bias[bias.length === 1 ? 0 : i % bias.length] : 0, wide), c)
      }
      return { dtype: make.dtype, shape: [shape[0], columns], data: y } as NdArray
    }
  },
  refuses: unit => {
    const [, w, b] = unit.inputs
    if (!w?.constant) return 'its weights are computed at run time'
    if (b && !b.constant) return 'its bias is computed at run time'
    const axis = attrInt(unit.node, 'transB', 0) !== 0 ? 0 : 1
    if ((w.axis ?? axis) !== axis) return 'its scales are not per output channel'
    const columns = w.constant.shape[axis]
    return b && elementCount(b.constant!.shape) !== 1 && elementCount(b.constant!.shape) !== columns
      ? 'its bias is no vector over the output channels'
      : null
  },
}

export const matmul: IntegerOp = {
  types: ['MatMul'],
  floats: true,
  prepare(unit, arithmetic, lent) {
    const [a, b] = unit.inputs
    const wide = a!.dtype === 'int16'
    const make = result(unit, arithmetic)
    const packed = b!.constant ? stackOf(b!.constant, b!) : null
    return inputs => {
      const x = codesOf(a!, inputs[0])
      const stack = packed ?? stackOf(codesOf(b!, inputs[1]), b!)
      const [rows, depth] = [x.shape.length > 1 ? x.shape[x.shape.length - 2] : 1, x.shape[x.shape.length - 1]]
      const { columns, batch } = stack
      const ahead = broadcast(x.shape.slice(0, -2), batch)
      const codes = centred(x.data, a!.zeroPoint)
      const y = make.array(elementCount(ahead) * rows * columns)
      for (let n = 0; n < elementCount(ahead); n++) {
        const from = indexIn(n, ahead, x.shape.slice(0, -2)) * rows * depth
        const weights = stack.rows.subarray(indexIn(n, ahead, batch) * columns * depth).subarray(0, columns * depth)
        const sums = rowProducts(codes.subarray(from, from + rows * depth), weights, depth, wide, lent.kernels)
        for (let i = 0; i < sums.length; i++) y[n * sums.length + i] = make.value(sums[i], i % columns)
      }
      const shape = [...ahead, ...(x.shape.length > 1 ? [rows] : []), ...(stack.vector ? [] : [columns])]
      return { dtype: make.dtype, shape, data: y } as NdArray
    }
  },
  refuses: ({ inputs: [, b] }) =>
    b!.axis !== null && !(b!.constant?.shape.length === 2 && b!.axis === 1)
      ? 'its scales are not per output channel'
      : null,
}

/** Matrices [K, N] as rows [N, K]. */
function stackOf(codes: Codes, operand: Operand) {
  const vector = codes.shape.length === 1
  const [depth, columns] = vector ? [codes.shape[0], 1] : codes.shape.slice(-2)
  const batch = codes.shape.slice(0, -2)
  const centre = centred(codes.data, operand.zeroPoint, 1)
  const rows = new Int16Array(centre.length)
  for (let n = 0; n < elementCount(batch); n++) {
    const part = centre.subarray(n * depth * columns, (n + 1) * depth * columns)
    rows.set(transposed(part, depth, columns), n * depth * columns)
  }
  return { rows, columns, batch, vector }
}

const codesOf = (operand: Operand, array: NdArray | null): Codes =>
  operand.constant ?? { shape: array!.shape, data: array!.data as CodeArray }

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  const at = (shape: readonly number[], i: number): number => shape[i - rank + shape.length] ?? 1
  return Array.from({ length: rank }, (_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i)))
}

/** Index in an array of shape `own` of what is element `i` of the shape `whole` that it is broadcast to. */
function indexIn(i: number, whole: readonly number[], own: readonly number[]): number {
  let index = 0
  let stride = 1
  let rest = i
  for (let axis = whole.length - 1; axis >= 0; axis--) {
    const size = own[axis - whole.length + own.length] ?? 1
    if (size > 1) index += (rest % whole[axis]) * stride
    stride *= size
    rest = Math.floor(rest / whole[axis])
  }
  return index
}

/** Codes, or floats where no QuantizeLinear follows. */
function result(unit: Unit, arithmetic: Arithmetic): Result {
  const [x, w] = unit.inputs
  const { affine, dtype } = unit.output
  if (affine === null)
    return { dtype, array: n => new Float32Array(n), value: arithmetic.scaler!(affineOf(x!), w!.scale) }
  // A constant matrix makes it a fully connected layer to the runtimes that have one.
  const kind = unit.node.op === 'Gemm' || w!.constant?.shape.length === 2 ? 'FullyConnected' : 'MatMul'
  const value = arithmetic.requantizer(affineOf(x!), w!.scale, affine, kind)
  return { dtype, array: n => codeArray(dtype, n) as Int8Array, value }
}

interface Result {
  dtype: NdArray['dtype']
  array(length: number): Int8Array | Float32Array
  value: Requantize
}
