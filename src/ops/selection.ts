// Operators whose output size is a number or depends on the data: TopK, NonZero, NonMaxSuppression, Unique.
// https://onnx.ai/onnx/operators/onnx__TopK.html
import { attrInt, type Dim, type Node } from '../ir/model.ts'
import { axisOf, nulls, ofRank, replaceAt, tensor } from './dims.ts'
import type { InferContext, OpDef } from './types.ts'

const countOf = (node: Node, ctx: InferContext): Dim =>
  ctx.opset < 10 ? attrInt(node, 'k', 0) : (ctx.content(1)?.[0] ?? null)

export const topK: OpDef = {
  type: 'TopK',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const shape = x && replaceAt(x, axisOf(attrInt(node, 'axis', -1), x.length, ctx), countOf(node, ctx))
    return [tensor(ctx.dtype(0), shape), tensor('int64', shape)]
  },
}

/** One row an axis; runtimes treat a scalar as a vector or not. */
export const nonZero: OpDef = {
  type: 'NonZero',
  infer: (_, ctx) => [tensor('int64', [ctx.shape(0)?.length || null, null])],
}

/** Triples of batch, class and box. */
export const nonMaxSuppression: OpDef = {
  type: 'NonMaxSuppression',
  infer: () => [tensor('int64', [null, 3])],
}

/** Values, then indices, inverse indices and counts. */
export const unique: OpDef = {
  type: 'Unique',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const list = tensor('int64', [null])
    const rest = [list, list, list]
    if (!node.attrs.has('axis')) return [tensor(ctx.dtype(0), [null]), ...rest]
    if (x === null) return [tensor(ctx.dtype(0), null), ...rest]
    return [tensor(ctx.dtype(0), replaceAt(x, axisOf(attrInt(node, 'axis', 0), x.length, ctx), null)), ...rest]
  },
}

/** Determinants of the last two axes. */
export const determinant: OpDef = {
  type: 'Det',
  infer: (_, ctx) => [tensor(ctx.dtype(0), ctx.shape(0)?.slice(0, -2) ?? null)],
}

export const inverse: OpDef = {
  type: 'Inverse',
  domain: 'com.microsoft',
  infer: (_, ctx) => [tensor(ctx.dtype(0), ctx.shape(0) ?? null)],
}

/** Maps of n points each: theta [N, 2, 3] or [N, 3, 4], size [4] or [5]. */
export const affineGrid: OpDef = {
  type: 'AffineGrid',
  infer: (_, ctx) => {
    const size = ctx.numbers(1)
    const rank = ofRank(ctx.shape(1)?.[0])?.length ?? 0
    if (size) return [tensor(ctx.dtype(0), [size[0], ...size.slice(2), size.length - 2])]
    return [tensor(ctx.dtype(0), rank > 2 ? [...nulls(rank - 1), rank - 2] : null)]
  },
}
