// Conv and its integer and fused forms. https://onnx.ai/onnx/operators/onnx__Conv.html
// out = floor((in + pads - (dilation * (kernel - 1) + 1)) / stride) + 1; SAME_*: ceil(in / stride).
// MACs = output elements * input channels per group * kernel elements.
import { attrInt, attrInts, attrString, type Dim, type Node } from '../ir/model.ts'
import { nulls, show, tensor, unifyDim } from './dims.ts'
import type { CostContext, Dims, InferContext, OpDef } from './types.ts'

/** Attributes of a sliding window over `rank` spatial axes, defaults filled in. */
export function windowOf(node: Node, rank: number) {
  return {
    strides: attrInts(node, 'strides') ?? nulls(rank).map(() => 1),
    dilations: attrInts(node, 'dilations') ?? nulls(rank).map(() => 1),
    pads: attrInts(node, 'pads') ?? nulls(2 * rank).map(() => 0),
    autoPad: attrString(node, 'auto_pad', 'NOTSET'),
  }
}

function slide(size: Dim, kernel: Dim, axis: number, w: ReturnType<typeof windowOf>): Dim {
  const stride = w.strides[axis] ?? 1
  if (w.autoPad.startsWith('SAME')) {
    if (stride === 1) return size
    return typeof size === 'number' ? Math.ceil(size / stride) : null
  }
  if (typeof kernel !== 'number') return null
  const half = w.pads.length / 2
  const padding = w.autoPad === 'VALID' ? 0 : (w.pads[axis] ?? 0) + (w.pads[half + axis] ?? 0)
  const span = (w.dilations[axis] ?? 1) * (kernel - 1) + 1
  if (typeof size !== 'number') return stride === 1 && padding === span - 1 ? size : null
  return Math.max(0, Math.floor((size + padding - span) / stride) + 1)
}

/** Output shape of a convolution of x [N, C, ...] with w [M, C / group, ...]. */
export function convShape(node: Node, x: Dims | null, w: Dims | null, ctx: InferContext): Dims | null {
  const rank = x?.length ?? w?.length
  if (rank === undefined) return null
  if (x && w && x.length !== w.length)
    ctx.fail(`its input ${show(x)} and its weight ${show(w)} have different numbers of axes`)
  if (rank < 2) return null
  const group = attrInt(node, 'group', 1)
  const perGroup = w?.[1]
  if (typeof x?.[1] === 'number' && typeof perGroup === 'number' && x[1] !== perGroup * group)
    ctx.fail(
      `its input has ${x[1]} channels, its weight ${show(w)}${group > 1 ? ` in ${group} groups` : ''} takes ${perGroup * group}`,
    )
  const kernel = attrInts(node, 'kernel_shape') ?? w?.slice(2) ?? nulls(rank - 2)
  const window = windowOf(node, rank - 2)
  const spatial = nulls(rank - 2).map((_, i) => slide(x?.[i + 2] ?? null, kernel[i] ?? null, i, window))
  return [x?.[0] ?? null, w?.[0] ?? null, ...spatial]
}

export function convMacs(out: readonly number[] | null, w: readonly number[] | null): number {
  if (!out || !w) return 0
  const count = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1)
  return count(out) * count(w.slice(1))
}

const weight = { input: 1, bias: 2, axis: () => 0 }
const macs = (_: Node, ctx: CostContext): number => convMacs(ctx.output(0), ctx.input(1))

export const conv: OpDef = {
  type: 'Conv',
  infer: (node, ctx) => [tensor(ctx.dtype(0) ?? ctx.dtype(1), convShape(node, ctx.shape(0), ctx.shape(1), ctx))],
  macs,
  weight,
}

/** ONNX Runtime's convolution with an activation inside. */
export const fusedConv: OpDef = { ...conv, type: 'FusedConv', domain: 'com.microsoft' }

export const convInteger: OpDef = {
  type: 'ConvInteger',
  scales: [2, 3],
  infer: (node, ctx) => [tensor('int32', convShape(node, ctx.shape(0), ctx.shape(1), ctx))],
  macs,
  weight: { ...weight, bias: null },
}

const channelsFirst = (x: Dims | null): Dims | null => x && [x[0], x[x.length - 1], ...x.slice(1, -1)]
const channelsLast = (x: Dims | null): Dims | null => x && [x[0], ...x.slice(2), x[1]]

// x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias; ONNX Runtime's own form has the attribute channels_last.
const qLinear: Omit<OpDef, 'domain'> = {
  type: 'QLinearConv',
  scales: [1, 2, 4, 5, 6, 7],
  infer: (node, ctx) => {
    const last = attrInt(node, 'channels_last', 0) === 1
    const x = ctx.shape(0)
    const out = convShape(node, last ? channelsFirst(x) : x, ctx.shape(3), ctx)
    return [tensor(ctx.dtype(7) ?? ctx.dtype(0), last ? channelsLast(out) : out)]
  },
  macs: (_, ctx) => convMacs(ctx.output(0), ctx.input(3)),
  weight: { input: 3, bias: 8, axis: () => 0 },
}
export const qLinearConv: OpDef = qLinear
export const qLinearConvMicrosoft: OpDef = { ...qLinear, domain: 'com.microsoft' }

/** Every output pixel reads the input where a second input says. x, w, offset, bias, mask. */
export const deformConv: OpDef = {
  type: 'DeformConv',
  infer: (node, ctx) => {
    const shape = convShape(node, ctx.shape(0), ctx.shape(1), ctx)
    const offset = ctx.shape(2)
    const known = shape?.map((d, i) =>
      i > 1 && offset ? unifyDim(d, offset[i], ctx, 'the offset is of another size') : d,
    )
    return [tensor(ctx.dtype(0), known ?? null)]
  },
  macs,
  weight: { ...weight, bias: 3 },
}
