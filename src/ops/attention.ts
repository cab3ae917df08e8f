// Attention and what belongs to it. https://onnx.ai/onnx/operators/onnx__Attention.html
// MACs = batch * heads * queries * keys * (query size + value size).
import { attrInt, type Dim, type Node } from '../ir/model.ts'
import { product, sum, tensor } from './dims.ts'
import type { CostContext, Dims, InferContext, OpDef } from './types.ts'

const quotient = (d: Dim, n: number): Dim => (typeof d === 'number' && n > 0 && d % n === 0 ? d / n : null)

/** [batch, heads, length, size], from that or from [batch, length, heads * size]. */
function headed(x: Dims | null, heads: number): Dims | null {
  if (x === null || x.length === 4) return x
  return x.length === 3 && heads > 0 ? [x[0], heads, x[1], quotient(x[2], heads)] : null
}

/** q, k, v, mask, past key, past value -> y, present key, present value, scores. */
export const attention: OpDef = {
  type: 'Attention',
  infer: (node, ctx) => {
    const dtype = ctx.dtype(0)
    const flat = ctx.shape(0)?.length === 3
    const kvHeads = attrInt(node, 'kv_num_heads', 0)
    const q = headed(ctx.shape(0), attrInt(node, 'q_num_heads', 0))
    const k = headed(ctx.shape(1), kvHeads)
    const v = headed(ctx.shape(2), kvHeads)
    if (!q || !k || !v) return [tensor(dtype, null), tensor(dtype, null), tensor(dtype, null), tensor(dtype, null)]
    const past = ctx.has(4) ? (ctx.shape(4)?.[2] ?? null) : 0
    const length = sum([past, k[2]])
    const y = flat ? [q[0], q[2], product([q[1], v[3]])] : [q[0], q[1], q[2], v[3]]
    return [
      tensor(dtype, y),
      tensor(ctx.dtype(1), [k[0], k[1], length, k[3]]),
      tensor(ctx.dtype(2), [v[0], v[1], length, v[3]]),
      tensor(dtype, [q[0], q[1], q[2], length]),
    ]
  },
  macs: (node, ctx) => {
    const q = headed(ctx.input(0), attrInt(node, 'q_num_heads', 0))
    const v = headed(ctx.input(2), attrInt(node, 'kv_num_heads', 0))
    if (!q || !v) return 0
    const n = [q[0], q[1], q[2], v[2]].reduce<number>((a, d) => a * Number(d), 1)
    return n * (Number(q[3]) + Number(v[3]))
  },
}

const like = (_: Node, ctx: InferContext) => [tensor(ctx.dtype(0), ctx.shape(0))]

export const rotaryEmbedding: OpDef = { type: 'RotaryEmbedding', infer: like }
export const rotaryEmbeddingMicrosoft: OpDef = { ...rotaryEmbedding, domain: 'com.microsoft' }

/** query [batch, length, size], key, value of as many rows as columns of the values. */
export const multiHeadAttention: OpDef = {
  type: 'MultiHeadAttention',
  domain: 'com.microsoft',
  infer: (_, ctx) => {
    const q = ctx.shape(0)
    const v = ctx.shape(2)
    const known = q?.length === 3 && v?.length === 3
    return [tensor(ctx.dtype(0), known ? [q[0], q[1], v[2]] : null)]
  },
  macs: (_, ctx: CostContext) => {
    const q = ctx.input(0)
    const v = ctx.input(2)
    return q?.length === 3 && v?.length === 3 ? q[0] * q[1] * v[1] * (q[2] + v[2]) : 0
  },
}
