// A part of a tensor by start, end and step on each axis. https://onnx.ai/onnx/operators/onnx__Slice.html
import { attrInts, type Dim, type Node } from '../ir/model.ts'
import { stridesOf } from './content.ts'
import { axisOf, filled, nulls, numeric, tensor } from './dims.ts'
import type { InferContext, OpDef, Scalar } from './types.ts'

// Exporters write the largest integer of some width for "to the end".
const far = 2147483647

interface Cut {
  axis: number
  start: Scalar
  end: Scalar
  step: Scalar
}

function cutsOf(node: Node, rank: number, ctx: InferContext): Cut[] | null {
  const old = ctx.opset < 10
  const starts = old ? attrInts(node, 'starts') : ctx.content(1)
  const ends = old ? attrInts(node, 'ends') : ctx.content(2)
  const named = old ? attrInts(node, 'axes') : ctx.has(3) ? ctx.numbers(3) : undefined
  if (named === null && !old) return null
  const count = starts?.length ?? ends?.length ?? named?.length ?? ctx.shape(1)?.[0]
  if (typeof count !== 'number') return null
  const axes = named ?? nulls(count).map((_, i) => i)
  const steps = old || !ctx.has(4) ? null : ctx.content(4)
  const stepped = !old && ctx.has(4)
  return axes.map((a, i) => ({
    axis: axisOf(a, rank, ctx),
    start: starts?.[i] ?? null,
    end: ends?.[i] ?? null,
    step: stepped ? (steps?.[i] ?? null) : 1,
  }))
}

/** First index and count of a cut through `size`. */
function range(size: number, start: number, end: number, step: number): { first: number; count: number } {
  const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x < 0 ? x + size : x))
  if (step > 0) {
    const first = clamp(start, 0, size)
    return { first, count: Math.max(0, Math.ceil((clamp(end, 0, size) - first) / step)) }
  }
  const first = clamp(start, 0, size - 1)
  return { first, count: Math.max(0, Math.ceil((first - clamp(end, -1, size - 1)) / -step)) }
}

function cutDim(size: Dim, { start, end, step }: Cut): Dim {
  if (typeof start !== 'number' || typeof step !== 'number' || step === 0) return null
  if (typeof end === 'string') return start === 0 && step === 1 && end === size ? size : null
  if (end === null) return null
  if (typeof size === 'number') return range(size, start, end, step).count
  const whole =
    (step === 1 && start === 0 && end >= far) || (step === -1 && (start === -1 || start >= far) && end <= -far)
  return whole ? size : null
}

export const slice: OpDef = {
  type: 'Slice',
  kind: 'layout',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const dtype = ctx.dtype(0)
    if (x === null) return [tensor(dtype, null)]
    const cuts = cutsOf(node, x.length, ctx)
    if (cuts === null) return [tensor(dtype, nulls(x.length))]
    const shape: Dim[] = [...x]
    for (const cut of cuts) shape[cut.axis] = cutDim(x[cut.axis], cut)
    return [filled(dtype, shape, cutContent(ctx, cuts))]
  },
}

/** The content along the cuts; null where one of them is not known. */
function cutContent(ctx: InferContext, cuts: readonly Cut[]): Scalar[] | null {
  const content = ctx.content(0)
  const size = numeric(ctx.shape(0))
  if (!content || !size) return null
  const strides = stridesOf(size)
  let picked = [0]
  for (const [axis, extent] of size.entries()) {
    const { start, end, step } = cuts.find(c => c.axis === axis) ?? { start: 0, end: extent, step: 1 }
    if (typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number' || step === 0) return null
    const { first, count } = range(extent, start, end, step)
    picked = picked.flatMap(at => Array.from({ length: count }, (_, i) => at + (first + i * step) * strides[axis]))
  }
  return picked.map(at => content[at])
}
