// Elements picked by index. https://onnx.ai/onnx/operators/onnx__Gather.html
import { attrInt } from '../ir/model.ts'
import { axisOf, filled, nulls, show, tensor } from './dims.ts'
import type { InferContext, OpDef, Scalar } from './types.ts'

function pick(ctx: InferContext): Scalar[] | null {
  const content = ctx.content(0)
  const indices = ctx.numbers(1)
  if (!content || !indices || ctx.shape(0)?.length !== 1) return null
  return indices.map(i => {
    const at = i < 0 ? i + content.length : i
    if (at < 0 || at >= content.length) ctx.fail(`its index ${i} is outside ${content.length} elements`)
    return content[at]
  })
}

export const gather: OpDef = {
  type: 'Gather',
  kind: 'layout',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const indices = ctx.shape(1)
    if (x === null || indices === null) return [tensor(ctx.dtype(0), null)]
    const axis = axisOf(attrInt(node, 'axis', 0), x.length, ctx)
    return [filled(ctx.dtype(0), [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)], pick(ctx))]
  },
  // Rows of a table: embeddings.
  weight: {
    input: 0,
    bias: null,
    axis: (node, rank) => (rank === 2 && attrInt(node, 'axis', 0) === 0 ? 0 : null),
    lookup: true,
  },
}

export const gatherElements: OpDef = {
  type: 'GatherElements',
  kind: 'layout',
  infer: (_, ctx) => [tensor(ctx.dtype(0), ctx.shape(1))],
}

/** The last axis of the indices addresses the axes of x behind the batch axes. */
export const gatherNd: OpDef = {
  type: 'GatherND',
  kind: 'layout',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const indices = ctx.shape(1)
    const last = indices?.[indices.length - 1]
    if (x === null || !indices || typeof last !== 'number') return [tensor(ctx.dtype(0), null)]
    const batch = attrInt(node, 'batch_dims', 0)
    if (batch + last > x.length) ctx.fail(`its indices ${show(indices)} address more axes than ${show(x)} has`)
    return [tensor(ctx.dtype(0), [...indices.slice(0, -1), ...x.slice(batch + last)])]
  },
}

/** Writes updates into a copy of the data. */
export const scatter: OpDef = {
  type: ['Scatter', 'ScatterElements', 'ScatterND', 'TensorScatter'],
  infer: (_, ctx) => [tensor(ctx.dtype(0), ctx.shape(0))],
}

/** x, condition: how many remain depends on the data. */
export const compress: OpDef = {
  type: 'Compress',
  kind: 'layout',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const kept = ctx.numbers(1)?.filter(c => c !== 0).length ?? null
    if (!node.attrs.has('axis')) return [tensor(ctx.dtype(0), [null])]
    if (x === null) return [tensor(ctx.dtype(0), null)]
    const axis = axisOf(attrInt(node, 'axis', 0), x.length, ctx)
    return [
      tensor(
        ctx.dtype(0),
        x.map((d, i) => (i === axis ? kept : d)),
      ),
    ]
  },
}

/** indices, depth, [off, on]. */
export const oneHot: OpDef = {
  type: 'OneHot',
  infer: (node, ctx) => {
    const indices = ctx.shape(0)
    if (indices === null) return [tensor(ctx.dtype(2), null)]
    const rank = indices.length + 1
    const axis = axisOf(attrInt(node, 'axis', -1), rank, ctx)
    const depth = ctx.content(1)?.[0] ?? null
    const shape = nulls(rank).map((_, i) => (i === axis ? depth : indices[i < axis ? i : i - 1]))
    return [tensor(ctx.dtype(2), shape)]
  },
}

export const reverseSequence: OpDef = {
  type: 'ReverseSequence',
  kind: 'layout',
  infer: (_, ctx) => [tensor(ctx.dtype(0), ctx.shape(0))],
}
