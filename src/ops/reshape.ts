// The same elements under another shape. https://onnx.ai/onnx/operators/onnx__Reshape.html
import { attrInt, attrInts, type Dim, type Node } from '../ir/model.ts'
import { axisOf, filled, nulls, numeric, ofRank, product, show, tensor } from './dims.ts'
import type { Dims, Fact, InferContext, OpDef, Scalar } from './types.ts'

const layout = { kind: 'layout', view: true } as const

const keeping = (ctx: InferContext, shape: Dims | null): Fact => filled(ctx.dtype(0), shape, ctx.content(0))

/** What remains for -1: equal factors on both sides cancel; null where that does not settle it. */
function remainder(from: Dims, to: Dims, ctx: InferContext): Dim {
  const left = [...from]
  const right: Dim[] = []
  for (const d of to) {
    const at = typeof d === 'string' ? left.indexOf(d) : -1
    if (at >= 0) left.splice(at, 1)
    else right.push(d)
  }
  const have = numeric(right)
  if (have === null) return null
  const divisor = have.reduce((a, b) => a * b, 1)
  const numbers = left.filter(d => typeof d === 'number')
  const n = numbers.reduce((a, b) => a * b, 1)
  if (numbers.length === left.length) {
    if (divisor === 0) return null
    if (n % divisor !== 0) ctx.fail(`${show(from)} cannot be reshaped into multiples of ${divisor} elements`)
    return n / divisor
  }
  return n === divisor ? product(left.filter(d => typeof d !== 'number')) : null
}

function reshaped(x: Dims | null, wanted: readonly Scalar[], allowZero: boolean, ctx: InferContext): Dims | null {
  const copies = wanted.map((d, i) => d === 0 && !allowZero && i < (x?.length ?? Number.POSITIVE_INFINITY))
  const shape = wanted.map((d, i): Dim => (copies[i] ? (x?.[i] ?? null) : typeof d === 'number' && d < 0 ? null : d))
  const open = wanted.indexOf(-1)
  if (x === null) return shape
  // Copied axes are on both sides, known or not.
  const from = x.filter((_, i) => !copies[i])
  const to = shape.filter((_, i) => !copies[i] && i !== open)
  if (open >= 0) {
    shape[open] = wanted.includes(null) ? null : remainder(from, to, ctx)
    return shape
  }
  const before = numeric(x)
  const after = numeric(shape)
  if (before && after && product(before) !== product(after))
    ctx.fail(`${show(x)} cannot be reshaped to ${show(shape)}: the numbers of elements differ`)
  return shape
}

export const reshape: OpDef = {
  type: 'Reshape',
  ...layout,
  infer: (node, ctx) => {
    const wanted = ctx.opset < 5 ? attrInts(node, 'shape') : ctx.content(1)
    if (wanted) return [keeping(ctx, reshaped(ctx.shape(0), wanted, attrInt(node, 'allowzero', 0) !== 0, ctx))]
    return [tensor(ctx.dtype(0), ofRank(ctx.shape(1)?.[0]))]
  },
}

export const flatten: OpDef = {
  type: 'Flatten',
  ...layout,
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    if (x === null) return [tensor(ctx.dtype(0), [null, null])]
    const given = attrInt(node, 'axis', 1)
    const axis = given === x.length ? given : axisOf(given, x.length, ctx)
    return [keeping(ctx, [product(x.slice(0, axis)), product(x.slice(axis))])]
  },
}

/** Axes from the attribute or, since operator set 13, from the input: null where they are not known, undefined where not given. */
function axesOf(node: Node, ctx: InferContext): number[] | null | undefined {
  if (ctx.opset < 13) return attrInts(node, 'axes') ?? undefined
  return ctx.has(1) ? ctx.numbers(1) : undefined
}

export const squeeze: OpDef = {
  type: 'Squeeze',
  ...layout,
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const axes = axesOf(node, ctx)
    if (x === null || axes === null) return [tensor(ctx.dtype(0), null)]
    if (axes === undefined) {
      const all = numeric(x)
      return [
        all
          ? keeping(
              ctx,
              all.filter(d => d !== 1),
            )
          : tensor(ctx.dtype(0), null),
      ]
    }
    const drop = new Set(axes.map(a => axisOf(a, x.length, ctx)))
    for (const a of drop) {
      const d = x[a]
      if (typeof d === 'number' && d !== 1) ctx.fail(`it removes axis ${a} of ${show(x)}, which is not 1`)
    }
    return [
      keeping(
        ctx,
        x.filter((_, i) => !drop.has(i)),
      ),
    ]
  },
}

export const unsqueeze: OpDef = {
  type: 'Unsqueeze',
  ...layout,
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const axes = axesOf(node, ctx)
    if (x === null || !axes) return [tensor(ctx.dtype(0), null)]
    const rank = x.length + axes.length
    const put = new Set(axes.map(a => axisOf(a, rank, ctx)))
    let at = 0
    return [
      keeping(
        ctx,
        nulls(rank).map((_, i) => (put.has(i) ? 1 : (x[at++] ?? null))),
      ),
    ]
  },
}

export const identity: OpDef = { type: 'Identity', ...layout, infer: (_, ctx) => [keeping(ctx, ctx.shape(0))] }

/** Outside training, a copy and a mask of ones. A third input may ask for training. */
export const dropout: OpDef = {
  type: 'Dropout',
  kind: 'elementwise',
  random: node => node.inputs[2] != null,
  infer: (_, ctx) => [tensor(ctx.dtype(0), ctx.shape(0)), tensor(ctx.opset < 10 ? ctx.dtype(0) : 'bool', ctx.shape(0))],
}
