// A tensor cut into parts along an axis. https://onnx.ai/onnx/operators/onnx__Split.html
import { attrInt, attrInts, type Dim, type Node } from '../ir/model.ts'
import { axisOf, filled, nulls, replaceAt, tensor } from './dims.ts'
import type { InferContext, OpDef } from './types.ts'

function sizesOf(node: Node, size: Dim, ctx: InferContext): Dim[] {
  const parts = node.outputs.length
  const inInput = ctx.opset >= 13
  const given = inInput ? ctx.content(1) : attrInts(node, 'split')
  if (given) {
    const total = given.reduce<number>((a, b) => a + (typeof b === 'number' ? b : Number.NaN), 0)
    if (typeof size === 'number' && Number.isFinite(total) && total !== size)
      ctx.fail(`its parts [${given.join(', ')}] do not add up to ${size}`)
    return [...given]
  }
  if ((inInput && ctx.has(1)) || typeof size !== 'number') return nulls(parts)
  if (size % parts === 0) return nulls(parts).map(() => size / parts)
  // Since operator set 18 the last part may be smaller.
  if (ctx.opset < 18) return nulls(parts)
  const each = Math.ceil(size / parts)
  const last = size - each * (parts - 1)
  return last < 0 ? nulls(parts) : nulls(parts).map((_, i) => (i < parts - 1 ? each : last))
}

export const split: OpDef = {
  type: 'Split',
  kind: 'layout',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const dtype = ctx.dtype(0)
    if (x === null) return node.outputs.map(() => tensor(dtype, null))
    const axis = axisOf(attrInt(node, 'axis', 0), x.length, ctx)
    const sizes = sizesOf(node, x[axis], ctx)
    const content = x.length === 1 ? ctx.content(0) : null
    let at = 0
    return node.outputs.map((_, i) => {
      const size = sizes[i] ?? null
      const shape = replaceAt(x, axis, size)
      if (!content || typeof size !== 'number') return tensor(dtype, shape)
      at += size
      return filled(dtype, shape, content.slice(at - size, at))
    })
  },
}
