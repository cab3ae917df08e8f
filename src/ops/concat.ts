// Tensors put one behind the other along an axis. https://onnx.ai/onnx/operators/onnx__Concat.html
import { attrInt, type Dim, type Node } from '../ir/model.ts'
import { axisOf, filled, nulls, show, sum, tensor, unifyDim } from './dims.ts'
import type { Dims, InferContext, OpDef } from './types.ts'

/** Shape of the concatenation of the given inputs; null where no rank is known. */
export function concatShape(inputs: readonly number[], given: number, ctx: InferContext): Dims | null {
  const shapes = inputs.map(i => ctx.shape(i))
  const first = shapes.find(s => s !== null)
  if (!first) return null
  const rank = first.length
  const axis = axisOf(given, rank, ctx)
  let out: Dim[] = nulls(rank)
  for (const shape of shapes) {
    if (shape === null) continue
    if (shape.length !== rank) ctx.fail(`it joins ${show(first)} and ${show(shape)}, of different ranks`)
    const before = out
    out = shape.map((d, i) => (i === axis ? null : unifyDim(before[i], d, ctx, `axis ${i} differs among its inputs`)))
  }
  out[axis] = sum(shapes.map(s => s?.[axis] ?? null))
  return out
}

const all = (node: Node): number[] => node.inputs.map((_, i) => i)

export const concat: OpDef = {
  type: 'Concat',
  kind: 'layout',
  infer: (node, ctx) => {
    const inputs = all(node)
    const shape = concatShape(inputs, attrInt(node, 'axis', ctx.opset < 4 ? 1 : 0), ctx)
    const dtype = inputs.map(i => ctx.dtype(i)).find(d => d !== null) ?? null
    // Of more than one axis only the first keeps the order of elements; shape computations have one.
    const parts = inputs.map(i => ctx.content(i))
    const content = shape?.length === 1 && parts.every(p => p !== null) ? parts.flat() : null
    return [filled(dtype, shape, content)]
  },
}

/** y_scale, y_zero, then x, x_scale, x_zero of each part. */
export const qLinearConcat: OpDef = {
  type: 'QLinearConcat',
  domain: 'com.microsoft',
  infer: (node, ctx) => {
    const parts = all(node).filter(i => i >= 2 && (i - 2) % 3 === 0)
    return [tensor(ctx.dtype(1) ?? ctx.dtype(2), concatShape(parts, attrInt(node, 'axis', 0), ctx))]
  },
}
