// Changes of the spatial size. https://onnx.ai/onnx/operators/onnx__Resize.html  out = floor(in * scale), or the given sizes.
import { attrInt, attrInts, attrString, type Dim, type Node } from '../ir/model.ts'
import { axisOf, nulls, ofRank, product, show, tensor } from './dims.ts'
import type { Dims, InferContext, OpDef } from './types.ts'

// Runtimes multiply in float32.
function scaled(size: Dim, scale: number | undefined): Dim {
  if (scale === 1) return size
  return typeof size === 'number' && scale !== undefined ? Math.floor(Math.fround(Math.fround(scale) * size)) : null
}

function scalesOf(node: Node, ctx: InferContext): readonly number[] | null {
  if (node.op === 'Upsample' && ctx.opset < 9) return attrList(node, 'scales')
  return ctx.numbers(node.op === 'Upsample' || ctx.opset < 11 ? 1 : 2)
}

function attrList(node: Node, name: string): readonly number[] | null {
  const attr = node.attrs.get(name)
  return attr?.kind === 'floats' ? attr.value : null
}

/** Sizes with the ratio of the sides kept, rounded half up. */
function keepRatio(x: Dims, axes: readonly number[], sizes: readonly number[], larger: boolean): Dim[] {
  const from = axes.map(a => x[a])
  if (!from.every(d => typeof d === 'number')) return nulls(axes.length)
  const ratios = sizes.map((s, i) => Math.fround(s / from[i]))
  const scale = larger ? Math.max(...ratios) : Math.min(...ratios)
  return from.map(d => Math.floor(Math.fround(scale * d) + 0.5))
}

export const resize: OpDef = {
  type: ['Resize', 'Upsample'],
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const dtype = ctx.dtype(0)
    if (x === null) return [tensor(dtype, null)]
    const axes = (attrInts(node, 'axes') ?? [...x.keys()]).map(a => axisOf(a, x.length, ctx))
    const shape: Dim[] = [...x]
    const put = (dims: Dims): void => {
      axes.forEach((a, i) => {
        shape[a] = dims[i] ?? null
      })
    }
    const sizes = ctx.has(3) ? ctx.content(3) : null
    const scales = scalesOf(node, ctx)
    const policy = attrString(node, 'keep_aspect_ratio_policy', 'stretch')
    if (ctx.has(3)) {
      const known = ctx.numbers(3)
      if (policy === 'stretch') put(sizes ?? nulls(axes.length))
      else put(known ? keepRatio(x, axes, known, policy === 'not_smaller') : nulls(axes.length))
    } else if (
      scales &&
      scales.length > 0 &&
      attrString(node, 'coordinate_transformation_mode', '') !== 'tf_crop_and_resize'
    ) {
      if (scales.length !== axes.length) ctx.fail(`it has ${scales.length} scales for ${show(x)}`)
      put(axes.map((a, i) => scaled(x[a], scales[i])))
    } else put(nulls(axes.length))
    return [tensor(dtype, shape)]
  },
}

/** x [N, C, ...], grid [N, out..., axes]. */
export const gridSample: OpDef = {
  type: 'GridSample',
  infer: (_, ctx) => {
    const x = ctx.shape(0)
    const grid = ctx.shape(1)
    const rank = x?.length ?? grid?.length
    if (rank === undefined) return [tensor(ctx.dtype(0), null)]
    const spatial = grid?.slice(1, -1) ?? nulls(rank - 2)
    return [tensor(ctx.dtype(0), [x?.[0] ?? grid?.[0] ?? null, x?.[1] ?? null, ...spatial])]
  },
}

/** Blocks of b x b pixels to channels, and back. */
export const depthSpace: OpDef = {
  type: ['DepthToSpace', 'SpaceToDepth'],
  kind: 'layout',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const b = attrInt(node, 'blocksize', 1)
    if (x === null) return [tensor(ctx.dtype(0), nulls(4))]
    if (x.length !== 4) ctx.fail(`its input ${show(x)} must have 4 axes`)
    const over = (d: Dim, n: number): Dim => {
      if (typeof d !== 'number') return n === 1 ? d : null
      if (d % n !== 0) ctx.fail(`${d} is not a multiple of ${n}`)
      return d / n
    }
    const [n, c, h, w] = x
    const shape =
      node.op === 'DepthToSpace'
        ? [n, over(c, b * b), product([h, b]), product([w, b])]
        : [n, product([c, b * b]), over(h, b), over(w, b)]
    return [tensor(ctx.dtype(0), shape)]
  },
}

/** Blocks [N, C * block, count], image shape, block shape. */
export const col2Im: OpDef = {
  type: 'Col2Im',
  infer: (_, ctx) => {
    const x = ctx.shape(0)
    const block = ctx.numbers(2)?.reduce((a, b) => a * b, 1)
    const c = x?.[1]
    const image = ctx.numbers(1) ?? ofRank(ctx.shape(1)?.[0])
    const channels = typeof c === 'number' && block ? c / block : null
    return [tensor(ctx.dtype(0), image && [x?.[0] ?? null, channels, ...image])]
  },
}

/** An encoded image in bytes. */
export const imageDecoder: OpDef = {
  type: 'ImageDecoder',
  infer: node => [tensor('uint8', [null, null, attrString(node, 'pixel_format', 'RGB') === 'Grayscale' ? 1 : 3])],
}
