// Gemm: y = alpha * A' B' + beta * C. https://onnx.ai/onnx/operators/onnx__Gemm.html  MACs = M * N * K.
import { attrInt, type Node } from '../ir/model.ts'
import { show, tensor } from './dims.ts'
import type { CostContext, Dims, InferContext, OpDef } from './types.ts'

function gemmShape(node: Node, a: Dims | null, b: Dims | null, ctx: InferContext): Dims {
  const transA = attrInt(node, 'transA', 0) !== 0
  const transB = attrInt(node, 'transB', 0) !== 0
  const k = a?.[transA ? 0 : 1]
  const k2 = b?.[transB ? 1 : 0]
  if (typeof k === 'number' && typeof k2 === 'number' && k !== k2)
    ctx.fail(`it multiplies ${show(a)} by ${show(b)}, whose inner dimensions differ: ${k} against ${k2}`)
  return [a?.[transA ? 1 : 0] ?? null, b?.[transB ? 0 : 1] ?? null]
}

const macsOf = (node: Node, a: readonly number[] | null, out: readonly number[] | null): number =>
  a && out ? out[0] * out[1] * a[attrInt(node, 'transA', 0) !== 0 ? 0 : 1] : 0
const macs = (node: Node, ctx: CostContext): number => macsOf(node, ctx.input(0), ctx.output(0))

const axis = (node: Node): number => (attrInt(node, 'transB', 0) !== 0 ? 0 : 1)

export const gemm: OpDef = {
  type: 'Gemm',
  infer: (node, ctx) => [tensor(ctx.dtype(0) ?? ctx.dtype(1), gemmShape(node, ctx.shape(0), ctx.shape(1), ctx))],
  macs,
  weight: { input: 1, bias: 2, axis },
}

export const fusedGemm: OpDef = { ...gemm, type: 'FusedGemm', domain: 'com.microsoft' }

/** a, a_scale, a_zero, b, b_scale, b_zero, c, y_scale, y_zero; float output without y_scale. */
export const qGemm: OpDef = {
  type: 'QGemm',
  scales: [1, 2, 4, 5, 7, 8],
  domain: 'com.microsoft',
  infer: (node, ctx) => [
    tensor(ctx.has(8) ? ctx.dtype(8) : 'float32', gemmShape(node, ctx.shape(0), ctx.shape(3), ctx)),
  ],
  macs,
  weight: { input: 3, bias: 6, axis },
}
