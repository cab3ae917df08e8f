// Pooling over windows and over whole maps. https://onnx.ai/onnx/operators/onnx__MaxPool.html
// out = floor or ceil((in + pads - (dilation * (kernel - 1) + 1)) / stride) + 1; with ceil, a window that would start in the
// padding at the end is left out.
import { attrInt, attrInts, type Dim, type Node } from '../ir/model.ts'
import { windowOf } from './conv.ts'
import { nulls, tensor } from './dims.ts'
import type { Dims, InferContext, OpDef } from './types.ts'

function pooledShape(node: Node, x: Dims | null): Dims | null {
  if (x === null || x.length < 3) return null
  const rank = x.length - 2
  const w = windowOf(node, rank)
  const kernel = attrInts(node, 'kernel_shape') ?? []
  const ceil = attrInt(node, 'ceil_mode', 0) === 1
  const spatial = nulls(rank).map((_, i): Dim => {
    const size = x[i + 2]
    const stride = w.strides[i] ?? 1
    if (w.autoPad.startsWith('SAME')) {
      if (stride === 1) return size
      return typeof size === 'number' ? Math.ceil(size / stride) : null
    }
    const k = kernel[i]
    if (k === undefined) return null
    const valid = w.autoPad === 'VALID'
    const begin = valid ? 0 : (w.pads[i] ?? 0)
    const padding = valid ? 0 : begin + (w.pads[rank + i] ?? 0)
    const span = (w.dilations[i] ?? 1) * (k - 1) + 1
    if (typeof size !== 'number') return stride === 1 && padding === span - 1 ? size : null
    const steps = (size + padding - span) / stride
    const out = Math.max(0, Math.floor(steps) + 1)
    if (!ceil || Number.isInteger(steps)) return out
    // Specification and runtimes disagree on ceil_mode beside VALID.
    if (valid) return null
    return out * stride >= size + begin ? out : out + 1
  })
  return [x[0], x[1], ...spatial]
}

export const maxPool: OpDef = {
  type: 'MaxPool',
  infer: (node, ctx) => {
    const shape = pooledShape(node, ctx.shape(0))
    return [tensor(ctx.dtype(0), shape), tensor('int64', shape)]
  },
}

export const averagePool: OpDef = {
  type: ['AveragePool', 'LpPool'],
  infer: (node, ctx) => [tensor(ctx.dtype(0), pooledShape(node, ctx.shape(0)))],
}

const globally = (x: Dims | null): Dims | null => x?.map((d, i) => (i < 2 ? d : 1)) ?? null

export const globalPool: OpDef = {
  type: ['GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool'],
  infer: (_, ctx) => [tensor(ctx.dtype(0), globally(ctx.shape(0)))],
}

function throughLayout(node: Node, ctx: InferContext, pool: (x: Dims | null) => Dims | null): Dims | null {
  const x = ctx.shape(0)
  if (x === null || attrInt(node, 'channels_last', 0) === 0) return pool(x)
  const out = pool([x[0], x[x.length - 1], ...x.slice(1, -1)])
  return out && [out[0], ...out.slice(2), out[1]]
}

/** x, x_scale, x_zero, y_scale, y_zero. */
export const qLinearPool: OpDef = {
  type: ['QLinearAveragePool', 'QLinearGlobalAveragePool'],
  domain: 'com.microsoft',
  infer: (node, ctx) => {
    const pool = (x: Dims | null): Dims | null =>
      node.op === 'QLinearAveragePool' ? pooledShape(node, x) : globally(x)
    return [tensor(ctx.dtype(0), throughLayout(node, ctx, pool))]
  },
}

/** x, indices, output shape. */
export const maxUnpool: OpDef = {
  type: 'MaxUnpool',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const dtype = ctx.dtype(0)
    if (x === null || x.length < 3) return [tensor(dtype, null)]
    if (ctx.has(2)) return [tensor(dtype, ctx.numbers(2) ?? nulls(x.length))]
    const rank = x.length - 2
    const w = windowOf(node, rank)
    const kernel = attrInts(node, 'kernel_shape') ?? []
    const spatial = nulls(rank).map((_, i): Dim => {
      const size = x[i + 2]
      if (typeof size !== 'number' || kernel[i] === undefined) return null
      return (size - 1) * (w.strides[i] ?? 1) - (w.pads[i] ?? 0) - (w.pads[rank + i] ?? 0) + kernel[i]
    })
    return [tensor(dtype, [x[0], x[1], ...spatial])]
  },
}

/** x, regions of interest [R, ...]: pooled_shape or output_height and output_width of each. */
export const roiPool: OpDef = {
  type: ['MaxRoiPool', 'RoiAlign'],
  infer: (node, ctx) => {
    const size =
      node.op === 'RoiAlign'
        ? [attrInt(node, 'output_height', 1), attrInt(node, 'output_width', 1)]
        : (attrInts(node, 'pooled_shape') ?? [null, null])
    return [tensor(ctx.dtype(0), [ctx.shape(1)?.[0] ?? null, ctx.shape(0)?.[1] ?? null, ...size])]
  },
}
