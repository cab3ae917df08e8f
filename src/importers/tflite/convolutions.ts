// Convolutions, fully connected layers and pools: NHWC with SAME or VALID padding, told in NCHW with explicit pads.
import { elementCount } from '../../base/dtype.ts'
import { padding } from '../../formats/tflite-schema.ts'
import { type Attr, int, ints, string, type ValueName } from '../../ir/model.ts'
import { type Op, type TfliteGraph, toNchw } from './graph.ts'

export type Translate = (g: TfliteGraph, op: Op) => void
type Attrs = Record<string, Attr>

const number = (op: Op, field: string, fallback = 0): number => Number(op.options[field] ?? fallback)

/** Padding of height and width; at sizes that are free at run time the runtime computes it. */
function pads(g: TfliteGraph, op: Op, x: number, kernel: readonly number[], dilations: readonly number[]): Attrs {
  const { pads: given } = op.options // of a dilated convolution that was told in three operators
  if (given) return { pads: ints(given as readonly number[]) }
  if (number(op, 'padding') === padding.valid) return { pads: ints([0, 0, 0, 0]) }
  if (!g.isFixed(x, 1) || !g.isFixed(x, 2)) return { auto_pad: string('SAME_UPPER') }
  const strides = stridesOf(op)
  const total = kernel.map((size, i) => {
    const length = g.tensor(x).shape[i + 1]
    const out = Math.ceil(length / strides[i])
    return Math.max(0, (out - 1) * strides[i] + (size - 1) * dilations[i] + 1 - length)
  })
  const begin = total.map(n => Math.floor(n / 2))
  return { pads: ints([...begin, total[0] - begin[0], total[1] - begin[1]]) }
}

const stridesOf = (op: Op): number[] => [number(op, 'strideH'), number(op, 'strideW')]

function checked(g: TfliteGraph, op: Op): void {
  if (stridesOf(op).some(s => s < 1)) throw g.refused('has no stride')
  for (const index of [op.inputs[0], op.outputs[0]])
    if (g.rank(index) !== 4) throw g.refused(`has a tensor of rank ${g.rank(index)}`)
}

function bias(g: TfliteGraph, op: Op, at = 2): ValueName[] {
  const index = op.inputs[at]
  return index === undefined || index === -1 ? [] : [g.weight(index, null)]
}

/** OHWI; input and filter may differ in channels by a whole number of groups. */
const conv: Translate = (g, op) => {
  checked(g, op)
  const [x, w] = op.inputs
  const [out, height, width, depth] = g.tensor(w).shape
  const channels = g.tensor(x).shape[3]
  if (g.rank(w) !== 4 || depth < 1 || channels % depth !== 0)
    throw g.refused(`has filters of shape [${g.tensor(w).shape}] for ${channels} channels`)
  const dilations = [number(op, 'dilationH', 1), number(op, 'dilationW', 1)]
  const attrs = {
    ...pads(g, op, x, [height, width], dilations),
    kernel_shape: ints([height, width]),
    strides: ints(stridesOf(op)),
    dilations: ints(dilations),
    group: int(channels / depth),
  }
  if (out % (channels / depth) !== 0) throw g.refused(`has ${out} outputs for ${channels / depth} groups`)
  const inputs = [g.real(x, 'nchw'), g.weight(w, toNchw), ...bias(g, op)]
  g.give(op.outputs[0], 'nchw', 'Conv', inputs, attrs, number(op, 'activation'))
}

/** Filters [1, H, W, C m]: m outputs of each channel lie side by side, as those of a group do. */
const depthwise: Translate = (g, op) => {
  checked(g, op)
  const [x, w] = op.inputs
  const [one, height, width, out] = g.tensor(w).shape
  const channels = g.tensor(x).shape[3]
  if (g.rank(w) !== 4 || one !== 1 || channels < 1 || out % channels !== 0)
    throw g.refused(`has filters of shape [${g.tensor(w).shape}] for ${channels} channels`)
  const dilations = [number(op, 'dilationH', 1), number(op, 'dilationW', 1)]
  const attrs = {
    ...pads(g, op, x, [height, width], dilations),
    kernel_shape: ints([height, width]),
    strides: ints(stridesOf(op)),
    dilations: ints(dilations),
    group: int(channels),
  }
  const inputs = [g.real(x, 'nchw'), g.weight(w, [3, 0, 1, 2]), ...bias(g, op)]
  g.give(op.outputs[0], 'nchw', 'Conv', inputs, attrs, number(op, 'activation'))
}

/** Inputs: output shape, filters OHWI, data, bias. The padding is that of the convolution whose gradient this is. */
const transposeConv: Translate = (g, op) => {
  const [, w, x] = op.inputs
  const y = op.outputs[0]
  if (g.rank(x) !== 4 || g.rank(w) !== 4) throw g.refused('is not two-dimensional')
  const kernel = g.tensor(w).shape.slice(1, 3)
  const strides = stridesOf(op)
  const sizes = g.tensor(y).shape.slice(1, 3)
  if (!g.isFixed(y, 1) || !g.isFixed(y, 2)) throw g.refused('has a size that is free at run time')
  const same = number(op, 'padding') === padding.same
  const total = kernel.map((size, i) => (same ? Math.max(0, size - strides[i]) : 0))
  const begin = total.map(n => Math.floor(n / 2))
  const more = kernel.map((size, i) => {
    const full = (g.tensor(x).shape[i + 1] - 1) * strides[i] + size
    return sizes[i] - (full - total[i])
  })
  const end = total.map((n, i) => n - begin[i] - Math.min(0, more[i]))
  const attrs = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    pads: ints([...begin, ...end]),
    output_padding: ints(more.map(n => Math.max(0, n))),
  }
  const inputs = [g.real(x, 'nchw'), g.weight(w, [3, 0, 1, 2]), ...bias(g, op, 3)]
  g.give(y, 'nchw', 'ConvTranspose', inputs, attrs, number(op, 'activation'))
}

const fullyConnected: Translate = (g, op) => {
  const [x, w] = op.inputs
  const y = op.outputs[0]
  const weights = g.tensor(w)
  const shape = g.tensor(x).shape
  if (weights.shape.length !== 2 || number(op, 'weightsFormat') !== 0)
    throw g.refused('has weights in an order of its own')
  const [, depth] = weights.shape
  const last = shape.at(-1)
  const fused = number(op, 'activation')
  if (op.options.keepNumDims && shape.length !== 2 && last === depth) {
    const product = [g.real(x), g.weight(w, [1, 0])]
    const [b] = bias(g, op)
    if (b === undefined) g.give(y, 'plain', 'MatMul', product, {}, fused)
    else g.give(y, 'plain', 'Add', [g.step('MatMul', product), b], {}, fused)
    return
  }
  const form = g.home(x)
  // The order of the weights follows the data, so that no data are moved.
  const moved = form !== 'plain' && elementCount(g.spatial(x)) === depth && g.isConstant(w)
  const flat = shape.length === 2 && last === depth
  const data =
    form === 'chw' ? g.real(x, 'chw') : flat ? g.real(x) : g.reshaped(x, moved ? 'nchw' : 'plain', [-1, depth])
  const weight = moved ? g.weight(w, toNchw, [weights.shape[0], ...g.spatial(x)], weights.shape) : g.weight(w, null)
  g.give(y, 'plain', 'Gemm', [data, weight, ...bias(g, op)], { transB: int(1) }, fused)
}

const pool =
  (operator: string, extra: Attrs = {}): Translate =>
  (g, op) => {
    checked(g, op)
    const [x] = op.inputs
    const kernel = [number(op, 'filterH'), number(op, 'filterW')]
    const attrs = {
      ...pads(g, op, x, kernel, [1, 1]),
      kernel_shape: ints(kernel),
      strides: ints(stridesOf(op)),
      ...extra,
    }
    g.give(op.outputs[0], 'nchw', operator, [g.real(x, 'nchw')], attrs, number(op, 'activation'))
  }

const resize =
  (mode: 'linear' | 'nearest'): Translate =>
  (g, op) => {
    const [x, size] = op.inputs
    if (g.rank(x) !== 4) throw g.refused('is not of an image')
    const to = g.needNumbers(size, 'size')
    const corners = Boolean(op.options.alignCorners)
    const half = Boolean(op.options.halfPixelCenters)
    const attrs = {
      mode: string(mode),
      coordinate_transformation_mode: string(corners ? 'align_corners' : half ? 'half_pixel' : 'asymmetric'),
      // resize_nearest_neighbor.h: the corner below; with corners aligned, or centres at halves, the nearest, half up.
      ...(mode === 'nearest' ? { nearest_mode: string(corners || half ? 'round_prefer_ceil' : 'floor') } : {}),
    }
    const image = g.real(x, 'nchw')
    const [batch, , , channels] = g.tensor(x).shape
    const start = (): ValueName => g.step('Slice', [g.step('Shape', [image]), g.int64('from', [0]), g.int64('to', [2])])
    const sizes = g.isFixed(x, 0)
      ? g.int64('sizes', [batch, channels, ...to])
      : g.step('Concat', [start(), g.int64('size', to)], { axis: int(0) })
    g.give(op.outputs[0], 'nchw', 'Resize', [image, null, null, sizes], attrs)
  }

const blocks =
  (operator: string): Translate =>
  (g, op) => {
    const attrs = { blocksize: int(number(op, 'blockSize')) }
    g.give(op.outputs[0], 'nchw', operator, [g.real(op.inputs[0], 'nchw')], attrs)
  }

const localResponse: Translate = (g, op) => {
  const size = 2 * number(op, 'radius') + 1
  const attrs: Attrs = {
    size: int(size),
    alpha: { kind: 'float', value: number(op, 'alpha') * size },
    beta: { kind: 'float', value: number(op, 'beta') },
    bias: { kind: 'float', value: number(op, 'bias') },
  }
  g.give(op.outputs[0], 'nchw', 'LRN', [g.real(op.inputs[0], 'nchw')], attrs)
}

export const convolutions: Readonly<Record<string, Translate>> = {
  CONV_2D: conv,
  DEPTHWISE_CONV_2D: depthwise,
  TRANSPOSE_CONV: transposeConv,
  FULLY_CONNECTED: fullyConnected,
  AVERAGE_POOL_2D: pool('AveragePool'),
  MAX_POOL_2D: pool('MaxPool'),
  RESIZE_BILINEAR: resize('linear'),
  RESIZE_NEAREST_NEIGHBOR: resize('nearest'),
  DEPTH_TO_SPACE: blocks('DepthToSpace'),
  SPACE_TO_DEPTH: blocks('SpaceToDepth'),
  LOCAL_RESPONSE_NORMALIZATION: localResponse,
}
