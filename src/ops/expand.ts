// Repetition and padding: Expand, Tile, Pad, CenterCropPad, Trilu. https://onnx.ai/onnx/operators/onnx__Pad.html
import { attrInts, type Dim, type Node } from '../ir/model.ts'
import { mapContent } from './content.ts'
import { asDims, axisOf, broadcast, filled, nulls, ofRank, product, show, sum, tensor } from './dims.ts'
import type { InferContext, OpDef, Scalar } from './types.ts'

export const expand: OpDef = {
  type: 'Expand',
  kind: 'layout',
  infer: (_, ctx) => {
    const x = ctx.shape(0)
    const wanted = asDims(ctx.content(1))
    if (x === null) return [tensor(ctx.dtype(0), null)]
    const shape = broadcast([x, wanted ?? ofRank(ctx.shape(1)?.[0])], ctx)
    return [
      filled(
        ctx.dtype(0),
        shape,
        mapContent(ctx, [0], shape, v => v),
      ),
    ]
  },
}

export const tile: OpDef = {
  type: 'Tile',
  kind: 'layout',
  infer: (_, ctx) => {
    const x = ctx.shape(0)
    if (x === null || ctx.opset < 6) return [tensor(ctx.dtype(0), x && nulls(x.length))]
    const repeats = asDims(ctx.content(1))
    if (repeats && repeats.length !== x.length) ctx.fail(`its repeats ${show(repeats)} do not fit ${show(x)}`)
    return [
      tensor(
        ctx.dtype(0),
        x.map((d, i) => product([d, repeats?.[i] ?? null])),
      ),
    ]
  },
}

/** Amounts before and after each axis: attribute before operator set 11, then an input, since 18 for chosen axes. */
function padded(node: Node, x: readonly Dim[], ctx: InferContext): Dim[] {
  const pads: readonly Scalar[] | null =
    ctx.opset < 11 ? (attrInts(node, 'pads') ?? attrInts(node, 'paddings')) : ctx.content(1)
  const axes = ctx.opset >= 18 && ctx.has(3) ? ctx.numbers(3) : x.map((_, i) => i)
  if (pads === null || axes === null) return nulls(x.length)
  if (pads.length !== 2 * axes.length)
    ctx.fail(`it has ${pads.length} amounts of padding for ${axes.length} axes, which need ${2 * axes.length}`)
  const out = [...x]
  axes.forEach((a, i) => {
    const axis = axisOf(a, x.length, ctx)
    out[axis] = sum([x[axis], pads[i], pads[i + axes.length]])
  })
  return out
}

export const pad: OpDef = {
  type: 'Pad',
  kind: 'layout',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    return [tensor(ctx.dtype(0), x && padded(node, x, ctx))]
  },
}

/** x, wanted sizes of the named axes. */
export const centerCropPad: OpDef = {
  type: 'CenterCropPad',
  kind: 'layout',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    if (x === null) return [tensor(ctx.dtype(0), null)]
    const axes = attrInts(node, 'axes') ?? x.map((_, i) => i)
    const sizes = asDims(ctx.content(1))
    const out: Dim[] = [...x]
    axes.forEach((a, i) => {
      out[axisOf(a, x.length, ctx)] = sizes?.[i] ?? null
    })
    return [tensor(ctx.dtype(0), out)]
  },
}

export const trilu: OpDef = {
  type: 'Trilu',
  kind: 'layout',
  infer: (_, ctx) => [tensor(ctx.dtype(0), ctx.shape(0))],
}
export const triluMicrosoft: OpDef = { ...trilu, domain: 'com.microsoft' }
