// Shapes as data, and tensors made from a shape. https://onnx.ai/onnx/operators/onnx__Shape.html
import { type DType, dtypeOfOnnx } from '../base/dtype.ts'
import { attrInt, attrInts, attrTensor, type Node } from '../ir/model.ts'
import { contentOf, settle } from './content.ts'
import { asDims, contentLimit, filled, ofRank, product, tensor } from './dims.ts'
import type { Dims, Fact, InferContext, OpDef } from './types.ts'

export const shape: OpDef = {
  type: 'Shape',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    if (x === null) return [tensor('int64', [null])]
    const part = x.slice(attrInt(node, 'start', 0), attrInt(node, 'end', x.length))
    return [filled('int64', [part.length], part)]
  },
}

export const size: OpDef = {
  type: 'Size',
  infer: (_, ctx) => {
    const x = ctx.shape(0)
    return [filled('int64', [], x && [product(x)])]
  },
}

/** One of the attributes value, value_int, value_floats and so on. */
export const constant: OpDef = {
  type: 'Constant',
  infer: node => {
    const value = attrTensor(node, 'value')
    if (value) return [filled(value.dtype, value.shape, contentOf(value))]
    for (const [key, attr] of node.attrs) {
      if (key === 'value_int' && attr.kind === 'int') return [filled('int64', [], [Number(attr.value)])]
      if (key === 'value_float' && attr.kind === 'float') return [filled('float32', [], [attr.value])]
      if (key === 'value_string') return [tensor('string', [])]
      if (key === 'value_ints' && attr.kind === 'ints')
        return [filled('int64', [attr.value.length], attr.value.map(Number))]
      if (key === 'value_floats' && attr.kind === 'floats') return [filled('float32', [attr.value.length], attr.value)]
      if (key === 'value_strings' && attr.kind === 'strings') return [tensor('string', [attr.value.length])]
    }
    return []
  },
}

/** The shape that an input holds; of its rank where that is all we know. */
function wantedShape(ctx: InferContext, input: number): Dims | null {
  return asDims(ctx.content(input)) ?? ofRank(ctx.shape(input)?.[0])
}

export const constantOfShape: OpDef = {
  type: 'ConstantOfShape',
  infer: (node, ctx) => {
    const shape = wantedShape(ctx, 0)
    const value = attrTensor(node, 'value')
    const count = shape && product(shape)
    const fill = value ? contentOf(value)?.[0] : 0
    const content =
      typeof count === 'number' && count <= contentLimit && fill !== undefined
        ? new Array<number>(count).fill(fill)
        : null
    return [filled(value?.dtype ?? 'float32', shape, content)]
  },
}

export const range: OpDef = {
  type: 'Range',
  infer: (_, ctx) => {
    const dtype = ctx.dtype(0)
    const [start, limit, delta] = [0, 1, 2].map(i => ctx.content(i)?.[0] ?? null)
    if (start === 0 && delta === 1 && typeof limit === 'string') return [tensor(dtype, [limit])]
    if (typeof start !== 'number' || typeof limit !== 'number' || typeof delta !== 'number' || delta === 0)
      return [tensor(dtype, [null])]
    const count = Math.max(0, Math.ceil((limit - start) / delta))
    // Fractions may be counted differently by a runtime that multiplies by the reciprocal.
    const settled = count === Math.max(0, Math.ceil((limit - start) * (1 / delta)))
    if (!settled) return [tensor(dtype, [null])]
    const content =
      count <= contentLimit && dtype === 'int64'
        ? Array.from({ length: count }, (_, i) => settle(start + i * delta, dtype))
        : null
    return [filled(dtype, [count], content)]
  },
}

export const eyeLike: OpDef = {
  type: 'EyeLike',
  infer: (node, ctx) => [tensor(typed(node, ctx.dtype(0)), ctx.shape(0))],
}

const typed = (node: Node, fallback: DType | null): DType | null =>
  node.attrs.has('dtype') ? dtypeOfOnnx(attrInt(node, 'dtype', 0)) : fallback

const random = (): boolean => true

export const randomOfShape: OpDef = {
  type: ['RandomNormal', 'RandomUniform'],
  random,
  infer: node => [tensor(typed(node, 'float32'), attrInts(node, 'shape'))],
}

export const randomLike: OpDef = {
  type: ['RandomNormalLike', 'RandomUniformLike', 'Bernoulli'],
  random,
  infer: (node, ctx) => [tensor(typed(node, ctx.dtype(0)), ctx.shape(0))],
}

export const multinomial: OpDef = {
  type: 'Multinomial',
  random,
  infer: (node, ctx): Fact[] => [
    tensor(typed(node, 'int32'), [ctx.shape(0)?.[0] ?? null, attrInt(node, 'sample_size', 1)]),
  ],
}
