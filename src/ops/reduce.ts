// Reductions over axes. Axes are an attribute, and an input since operator set 13 (ReduceSum) or 18 (the others).
// https://onnx.ai/onnx/operators/onnx__ReduceSum.html
import { attrInt, attrInts, type Node } from '../ir/model.ts'
import { settle } from './content.ts'
import { axisOf, filled, nulls, numeric, product, tensor } from './dims.ts'
import type { Dims, InferContext, OpDef, Scalar } from './types.ts'

function axesOf(node: Node, ctx: InferContext): readonly number[] | null {
  if (ctx.opset < (node.op === 'ReduceSum' ? 13 : 18)) return attrInts(node, 'axes') ?? []
  return ctx.has(1) ? ctx.numbers(1) : []
}

function reducedShape(node: Node, x: Dims, ctx: InferContext): Dims | null {
  const keep = attrInt(node, 'keepdims', 1) !== 0
  const axes = axesOf(node, ctx)
  if (axes === null) {
    const count = ctx.shape(1)?.[0]
    if (keep) return nulls(x.length)
    // An empty list means all axes or none.
    return typeof count === 'number' && count > 0 && count <= x.length ? nulls(x.length - count) : null
  }
  if (axes.length === 0 && attrInt(node, 'noop_with_empty_axes', 0) !== 0) return x
  const gone = new Set(axes.length === 0 ? x.keys() : axes.map(a => axisOf(a, x.length, ctx)))
  return keep ? x.map((d, i) => (gone.has(i) ? 1 : d)) : x.filter((_, i) => !gone.has(i))
}

const totals: Record<string, (list: readonly number[]) => number> = {
  ReduceProd: list => list.reduce((a, b) => a * b, 1),
  ReduceSum: list => list.reduce((a, b) => a + b, 0),
  ReduceMax: list => Math.max(...list),
  ReduceMin: list => Math.min(...list),
}

function total(node: Node, ctx: InferContext, shape: Dims | null): Scalar[] | null {
  const f = totals[node.op]
  const list = ctx.content(0)
  if (!f || !list || list.length === 0 || ctx.shape(0)?.length !== 1 || shape === null || product(shape) !== 1)
    return null
  if (list.length === 1) return [...list]
  const known = numeric(list)
  if (known) return [settle(f(known), ctx.dtype(0))]
  return node.op === 'ReduceProd' ? [product(list)] : null
}

export const reduce: OpDef = {
  type: [
    'ReduceL1',
    'ReduceL2',
    'ReduceLogSum',
    'ReduceLogSumExp',
    'ReduceMax',
    'ReduceMean',
    'ReduceMin',
    'ReduceProd',
    'ReduceSum',
    'ReduceSumSquare',
  ],
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    if (x === null) return [tensor(ctx.dtype(0), null)]
    const shape = reducedShape(node, x, ctx)
    return [filled(ctx.dtype(0), shape, total(node, ctx, shape))]
  },
}

export const argReduce: OpDef = {
  type: ['ArgMax', 'ArgMin'],
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    if (x === null) return [tensor('int64', null)]
    const axis = axisOf(attrInt(node, 'axis', 0), x.length, ctx)
    const keep = attrInt(node, 'keepdims', 1) !== 0
    return [tensor('int64', keep ? x.map((d, i) => (i === axis ? 1 : d)) : x.filter((_, i) => i !== axis))]
  },
}

/** Running sums and products. */
export const cumulative: OpDef = {
  type: ['CumSum', 'CumProd'],
  infer: (_, ctx) => [tensor(ctx.dtype(0), ctx.shape(0))],
}
