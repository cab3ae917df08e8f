// Matrix products as numpy.matmul does them, in float, integer and block-quantised forms. MACs = output elements * K.
// https://onnx.ai/onnx/operators/onnx__MatMul.html
import { attrInt, type Node } from '../ir/model.ts'
import { broadcast, show, tensor } from './dims.ts'
import type { CostContext, Dims, InferContext, OpDef } from './types.ts'

/** Shape of a product; vectors count as matrices of one row or column that is dropped again. */
export function matmulShape(a: Dims | null, b: Dims | null, ctx: InferContext): Dims | null {
  if (a === null || b === null) return null
  if (a.length === 0 || b.length === 0) ctx.fail(`it multiplies a scalar: ${show(a)} by ${show(b)}`)
  const k = a[a.length - 1]
  const k2 = b[Math.max(0, b.length - 2)]
  if (typeof k === 'number' && typeof k2 === 'number' && k !== k2)
    ctx.fail(`it multiplies ${show(a)} by ${show(b)}, whose inner dimensions differ: ${k} against ${k2}`)
  const batch = broadcast([a.slice(0, -2), b.slice(0, -2)], ctx) ?? []
  return [...batch, ...(a.length > 1 ? [a[a.length - 2]] : []), ...(b.length > 1 ? [b[b.length - 1]] : [])]
}

const macs = (_: Node, ctx: CostContext): number => {
  const out = ctx.output(0)
  const a = ctx.input(0)
  return out && a ? out.reduce((n, d) => n * d, a[a.length - 1] ?? 1) : 0
}

/** Per-channel scales belong to the columns, and are only understood for plain matrices. */
const axis = (_: Node, rank: number): number | null => (rank === 2 ? 1 : null)

export const matmul: OpDef = {
  type: 'MatMul',
  infer: (_, ctx) => [tensor(ctx.dtype(0) ?? ctx.dtype(1), matmulShape(ctx.shape(0), ctx.shape(1), ctx))],
  macs,
  weight: { input: 1, bias: null, axis },
}

export const matmulInteger: OpDef = {
  type: 'MatMulInteger',
  scales: [2, 3],
  infer: (_, ctx) => [tensor('int32', matmulShape(ctx.shape(0), ctx.shape(1), ctx))],
  macs,
  weight: { input: 1, bias: null, axis },
}

/** a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero. */
export const qLinearMatmul: OpDef = {
  type: 'QLinearMatMul',
  scales: [1, 2, 4, 5, 6, 7],
  infer: (_, ctx) => [tensor(ctx.dtype(7) ?? ctx.dtype(0), matmulShape(ctx.shape(0), ctx.shape(3), ctx))],
  macs,
  weight: { input: 3, bias: null, axis },
}

const swapped = (shape: Dims | null, swap: boolean): Dims | null =>
  shape && swap && shape.length > 1 ? [...shape.slice(0, -2), shape[shape.length - 1], shape[shape.length - 2]] : shape

/** ONNX Runtime's product with transposes and a factor inside. */
export const fusedMatmul: OpDef = {
  type: ['FusedMatMul', 'TransposeMatMul'],
  domain: 'com.microsoft',
  infer: (node, ctx) => {
    const dtype = ctx.dtype(0) ?? ctx.dtype(1)
    if (attrInt(node, 'transBatchA', 0) !== 0 || attrInt(node, 'transBatchB', 0) !== 0) return [tensor(dtype, null)]
    const a = swapped(ctx.shape(0), attrInt(node, 'transA', 0) !== 0)
    const b = swapped(ctx.shape(1), attrInt(node, 'transB', 0) !== 0)
    return [tensor(dtype, matmulShape(a, b, ctx))]
  },
  macs: (node, ctx) => {
    const out = ctx.output(0)
    const a = ctx.input(0)
    const k = a?.[a.length - (attrInt(node, 'transA', 0) !== 0 ? 2 : 1)]
    return out ? out.reduce((n, d) => n * d, k ?? 0) : 0
  },
  weight: {
    input: 1,
    bias: null,
    axis: (node, rank) => (rank === 2 ? (attrInt(node, 'transB', 0) !== 0 ? 0 : 1) : null),
  },
}

/** The weight in blocks of a few bits; attributes K and N say its real size. */
export const matmulNBits: OpDef = {
  type: ['MatMulNBits', 'MatMulBnb4', 'MatMulFpQ4'],
  domain: 'com.microsoft',
  infer: (node, ctx) => {
    const a = ctx.shape(0)
    const n = attrInt(node, 'N', 0)
    return [tensor(ctx.dtype(0), a && [...a.slice(0, -1), n > 0 ? n : null])]
  },
  macs,
}

/** Integer product whose result is float: a, b, then scales. */
export const matmulToFloat: OpDef = {
  type: ['MatMulIntegerToFloat', 'DynamicQuantizeMatMul'],
  domain: 'com.microsoft',
  infer: (_, ctx) => [tensor(ctx.dtype(2), matmulShape(ctx.shape(0), ctx.shape(1), ctx))],
  macs,
  weight: { input: 1, bias: null, axis },
}
