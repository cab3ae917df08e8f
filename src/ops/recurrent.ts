// RNN, GRU, LSTM. https://onnx.ai/onnx/operators/onnx__LSTM.html  x [time, batch, input] (layout 1: [batch, time, input]),
// W [directions, gates * hidden, input], R [directions, gates * hidden, hidden]. MACs = time * batch * (W + R elements).
import { attrInt, attrString, type Node } from '../ir/model.ts'
import { show, tensor } from './dims.ts'
import type { CostContext, InferContext, OpDef } from './types.ts'

const staysFloat = 'its state is fed back at every step, where rounding errors add up'

function recurrentFacts(node: Node, ctx: InferContext) {
  const x = ctx.shape(0)
  const r = ctx.shape(2)
  const w = ctx.shape(1)
  const dtype = ctx.dtype(0)
  if (x && x.length !== 3) ctx.fail(`its input ${show(x)} must have 3 axes`)
  const batchFirst = attrInt(node, 'layout', 0) === 1
  const [time, batch, size] = x ? (batchFirst ? [x[1], x[0], x[2]] : x) : [null, null, null]
  if (typeof size === 'number' && typeof w?.[2] === 'number' && w[2] !== size)
    ctx.fail(`its input has ${size} features, its weight ${show(w)} takes ${w[2]}`)
  const hidden = attrInt(node, 'hidden_size', 0) || (r?.[2] ?? null)
  const directions = attrString(node, 'direction', 'forward') === 'bidirectional' ? 2 : 1
  const state = tensor(dtype, batchFirst ? [batch, directions, hidden] : [directions, batch, hidden])
  const y = tensor(dtype, batchFirst ? [batch, time, directions, hidden] : [time, directions, batch, hidden])
  return [y, state, state]
}

function macs(_: Node, ctx: CostContext): number {
  const x = ctx.input(0)
  const count = (shape: readonly number[] | null): number => shape?.reduce((a, b) => a * b, 1) ?? 0
  return x ? x[0] * x[1] * (count(ctx.input(1)) + count(ctx.input(2))) : 0
}

export const recurrent: OpDef = { type: ['RNN', 'GRU', 'LSTM'], infer: recurrentFacts, macs, staysFloat }

/** Weights are int8, transposed: [directions, input, gates * hidden]. */
export const dynamicQuantizeLstm: OpDef = {
  type: 'DynamicQuantizeLSTM',
  domain: 'com.microsoft',
  infer: (node, ctx) => recurrentFacts(node, { ...ctx, shape: i => (i === 1 || i === 2 ? null : ctx.shape(i)) }),
  macs,
}
