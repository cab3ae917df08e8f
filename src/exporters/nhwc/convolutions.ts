// Convolutions, fully connected layers and pools. What their padding is not SAME as TensorFlow has it, a PAD in front does.
import { type DType, elementCount } from '../../base/dtype.ts'
import { attrFloat, attrInt, attrInts, attrString } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { windowOf } from '../../ops/conv.ts'
import type { Kernel, Rule } from './kernel.ts'
import { type Layout, Refusal, toNhwc } from './lowering.ts'
import type { Operand } from './pairs.ts'
import type { Kind, Padding, Pair } from './types.ts'

interface Windows {
  kernel: Pair
  strides: Pair
  dilations: Pair
  /** Before and after height, before and after width. */
  pads: readonly [number, number, number, number]
  same: boolean
}

/** Windows over height and width; a row is an image of height 1. */
function windows(k: Kernel, kernel: readonly number[]): Windows {
  const shape = k.g.shape(k.name(0))
  const rank = shape.length - 2
  if (rank < 1 || rank > 2) throw new Refusal(`it has ${rank} spatial axes`)
  const w = windowOf(k.node, rank)
  const two = (values: readonly number[], one: number): Pair => (rank === 2 ? [values[0], values[1]] : [one, values[0]])
  const sizes = two(shape.slice(2), 1)
  const windows = { kernel: two(kernel, 1), strides: two(w.strides, 1), dilations: two(w.dilations, 1) }
  const total = sizes.map((size, i) => {
    const span = windows.dilations[i] * (windows.kernel[i] - 1) + 1
    const out = Math.ceil(size / windows.strides[i])
    return Math.max(0, (out - 1) * windows.strides[i] + span - size)
  })
  const sameUpper = total.flatMap(n => [Math.floor(n / 2), Math.ceil(n / 2)]) as unknown as Windows['pads']
  const sameLower = total.flatMap(n => [Math.ceil(n / 2), Math.floor(n / 2)]) as unknown as Windows['pads']
  const begin = two(w.pads.slice(0, rank), 0)
  const end = two(w.pads.slice(rank), 0)
  const explicit = [begin[0], end[0], begin[1], end[1]] as const
  const pads =
    w.autoPad === 'VALID'
      ? ([0, 0, 0, 0] as const)
      : w.autoPad === 'SAME_UPPER'
        ? sameUpper
        : w.autoPad === 'SAME_LOWER'
          ? sameLower
          : explicit
  if (attrInt(k.node, 'ceil_mode', 0) === 1 && !wholeSteps(sizes, windows, pads))
    throw new Refusal('it rounds its size up')
  return { ...windows, pads, same: pads.some(n => n !== 0) && pads.join() === sameUpper.join() }
}

const wholeSteps = (
  sizes: readonly number[],
  { kernel, strides, dilations }: Pick<Windows, 'kernel' | 'strides' | 'dilations'>,
  pads: Windows['pads'],
): boolean =>
  sizes.every(
    (size, i) => (size + pads[2 * i] + pads[2 * i + 1] - dilations[i] * (kernel[i] - 1) - 1) % strides[i] === 0,
  )

/** The input and the padding that the kernel is told; other paddings are put around the input. */
function paddedInput(k: Kernel, { pads, same }: Windows, value?: number): { x: number; padding: Padding } {
  const x = k.input(0, 'nhwc')
  if (same) return { x, padding: 'same' }
  return { x: pads.some(n => n !== 0) ? padded(k, x, pads, value) : x, padding: 'valid' }
}

function padded(k: Kernel, x: number, [top, bottom, left, right]: Windows['pads'], value?: number): number {
  const { g } = k
  if ([top, bottom, left, right].some(n => n < 0)) throw new Refusal('its padding is negative')
  const tensor = g.tensors[x]
  const [n, height, width, channels] = tensor.shape
  const table = g.int32s([0, 0, top, bottom, left, right, 0, 0], [4, 2])
  const shape = [n, height + top + bottom, width + left + right, channels]
  if (value === undefined) return g.step('PAD', [x, table], {}, shape)
  const filling =
    tensor.dtype === 'float32' ? g.floats([value]) : g.own(tensor.dtype, [], lowest(tensor.dtype), tensor.quant)
  return g.step('PADV2', [x, table, filling], {}, shape)
}

const lowest = (dtype: DType): Uint8Array => (dtype === 'int16' ? Uint8Array.of(0, 128) : Uint8Array.of(128))

/** A constant of a product: weights as they are kept, or as the floats that they stand for. */
function weights(k: Kernel, i: number, layout: Partial<Layout>): number {
  const { g } = k
  const name = k.name(i)
  const unit = k.operand(i)
  const operand = unit ?? g.pairs.operand(name)
  const constant = operand ? operand.constant : g.pairs.constant(name)
  if (!constant) {
    const cast = halfBehind(k, name)
    if (cast) return g.dequantized(g.constant(name, cast, null, layout))
    throw new Refusal('its weights are computed at run time')
  }
  const index = g.constant(operand?.codes ?? name, constant, operand, layout)
  if (unit || (operand && isHybrid(k, operand))) return index
  return operand || constant.dtype === 'float16' ? g.dequantized(index) : index
}

/** Weights of int8 beside floats go as they are where the target rounds the activations as it goes. */
const isHybrid = (k: Kernel, { dtype, zeroPoint }: Operand): boolean =>
  k.g.hybrid && dtype === 'int8' && zeroPoint.every(z => z === 0) && ['Conv', 'Gemm', 'MatMul'].includes(k.node.op)

function halfBehind(k: Kernel, name: string): Tensor | null {
  const node = k.g.pairs.producer(name)
  const tensor = node?.op === 'Cast' ? k.g.pairs.constant(node.inputs[0]) : null
  return tensor?.dtype === 'float16' ? tensor : null
}

/** The bias; zeros where there is none, since not every kernel can do without. */
function bias(k: Kernel, i: number, channels: number): number {
  const { g } = k
  const x = k.operand(0)
  const w = k.operand(1)
  if (k.has(i)) {
    const operand = k.operand(i)
    if (!operand) return weights(k, i, { perm: [0], shape: [channels], axis: 0 })
    const tensor = operand.constant!
    if (elementCount(tensor.shape) !== channels) throw new Refusal('its bias is no vector over the output channels')
    return x!.dtype === 'int16'
      ? g.wideBias(operand.codes, tensor, operand)
      : g.constant(operand.codes, tensor, operand, { perm: [0], shape: [channels], axis: 0 })
  }
  if (!x || !w) return g.own('float32', [channels], new Uint8Array(4 * channels))
  const scale = w.scale.map(s => Math.fround(s * x.scale[0]))
  const width = x.dtype === 'int16' ? 8 : 4
  const quant = { scale, zeroPoint: scale.map(() => 0), axis: 0 }
  return g.own(width === 8 ? 'int64' : 'int32', [channels], new Uint8Array(width * channels), quant)
}

const conv: Rule = {
  data: null,
  fuses: true,
  refuses: (_, unit) => {
    const [, w, b] = unit.inputs
    if (!w?.constant || (b && !b.constant)) return 'its weights are computed at run time'
    if (w.scale.length > 1 && w.axis !== 0) return 'its scales are not per output channel'
    return w.constant.shape.length > 4 ? 'it has three spatial axes' : refusesProduct(unit.inputs)
  },
  lower(k) {
    const { g, node } = k
    const shape = constantShape(k, 1) // [O, I / groups, (H,) W]
    const [out, perGroup] = shape
    const four = shape.length === 3 ? [out, perGroup, 1, shape[2]] : shape
    const group = attrInt(node, 'group', 1)
    const w = windows(k, shape.slice(2))
    const { x, padding } = paddedInput(k, w)
    const common = { padding, strides: w.strides, dilations: w.dilations, fused: k.fused }
    if (group > 1 && perGroup === 1 && group === g.shape(k.name(0))[1]) {
      const filter = weights(k, 1, { perm: [1, 2, 3, 0], shape: four, to: [1, four[2], four[3], out], axis: 3 })
      const options = { ...common, multiplier: out / group }
      k.give('DEPTHWISE_CONV_2D', 'nhwc', [x, filter, bias(k, 2, out)], options)
      return
    }
    k.give('CONV_2D', 'nhwc', [x, weights(k, 1, { perm: toNhwc, shape: four, axis: 0 }), bias(k, 2, out)], common)
  },
}

const refusesProduct = ([x, w, b]: readonly (Operand | null)[]): string | null => {
  if (!['int8', 'int4', 'int2'].includes(w!.dtype)) return `its weights are ${w!.dtype}`
  if (w!.zeroPoint.some(z => z !== 0)) return 'its weights are not symmetric'
  return b && b.dtype !== 'int32'
    ? `its bias is ${b.dtype}`
    : x!.scale.length > 1
      ? 'its input has several scales'
      : null
}

function constantShape(k: Kernel, i: number): readonly number[] {
  return k.g.shape(k.operand(i)?.codes ?? k.g.pairs.operand(k.name(i))?.codes ?? k.name(i))
}

/** The forward pass of a gradient: TRANSPOSE_CONV takes the shape of what it gives. */
const convTranspose: Rule = {
  lower(k) {
    const { g, node } = k
    const [, out, ...kernel] = constantShape(k, 1) // [I, O, H, W]
    if (kernel.length !== 2) throw new Refusal('it is not two-dimensional')
    if (attrInt(node, 'group', 1) !== 1) throw new Refusal('it has groups')
    const w = windowOf(node, 2)
    if (w.dilations.some(d => d !== 1)) throw new Refusal('its windows have gaps')
    const [n, , ...sizes] = g.shape(k.name(0))
    const to = g.shape(node.outputs[0]!).slice(2)
    const strides: Pair = [w.strides[0], w.strides[1]]
    // Everything that the windows reach, of which the paddings are cut off.
    const full = sizes.map((size, i) => (size - 1) * strides[i] + kernel[i])
    const begin = beginOf(k, full, to)
    const whole = full.map((size, i) => Math.max(size, begin[i] + to[i]))
    const filter = weights(k, 1, { perm: [1, 2, 3, 0] })
    const inputs = [g.int32s([n, ...whole, out]), filter, g.real(k.name(0), 'nhwc'), bias(k, 2, out)]
    const options = { padding: 'valid', strides, fused: 'none' } as const
    if (whole.join() === to.join()) {
      k.give('TRANSPOSE_CONV', 'nhwc', inputs, options)
      return
    }
    const index = g.add({
      name: g.fresh(`${node.id}_whole`),
      shape: [n, ...whole, out],
      dtype: 'float32',
      quant: null,
      data: null,
      value: null,
    })
    g.emit('TRANSPOSE_CONV', inputs, [index], options)
    k.give('SLICE', 'nhwc', [index, g.int32s([0, ...begin, 0]), g.int32s([n, ...to, out])], {})
  },
}

function beginOf(k: Kernel, full: readonly number[], to: readonly number[]): number[] {
  const auto = attrString(k.node, 'auto_pad', 'NOTSET')
  if (auto === 'NOTSET') return (attrInts(k.node, 'pads') ?? [0, 0, 0, 0]).slice(0, 2)
  const total = full.map((size, i) => Math.max(0, size - to[i]))
  return total.map(n => (auto === 'VALID' ? 0 : auto === 'SAME_LOWER' ? Math.ceil(n / 2) : Math.floor(n / 2)))
}

const gemm: Rule = {
  data: null,
  fuses: true,
  refuses: (k, unit) => {
    const [, w, b] = unit.inputs
    if (!w?.constant || (b && !b.constant)) return 'its weights are computed at run time'
    if (!isPlain(k)) return 'alpha or beta is not 1'
    const axis = attrInt(k.node, 'transB', 0) === 1 ? 0 : 1
    if (w.scale.length > 1 && w.axis !== axis) return 'its scales are not per output channel'
    if (b && ![1, w.constant.shape[axis]].includes(elementCount(b.constant!.shape))) return 'its bias is no vector'
    return refusesProduct(unit.inputs)
  },
  lower(k) {
    if (!isPlain(k) || attrInt(k.node, 'transA', 0) === 1) throw new Refusal('alpha, beta or transA is not the default')
    dense(k, attrInt(k.node, 'transB', 0) === 1 ? [0, 1] : [1, 0])
  },
}

const isPlain = ({ node }: Kernel): boolean => attrFloat(node, 'alpha', 1) === 1 && attrFloat(node, 'beta', 1) === 1

const matmul: Rule = {
  data: null,
  fuses: true,
  refuses: (_, unit) => {
    const [a, b] = unit.inputs
    if (!b || a!.scale.length > 1) return 'an activation has more than one scale'
    if (b.scale.length > 1 && !(b.constant?.shape.length === 2 && b.axis === 1))
      return 'its scales are not per output channel'
    if (b.constant) return b.constant.shape.length === 2 ? refusesProduct(unit.inputs) : 'its constant is no matrix'
    return null
  },
  lower(k) {
    const { g } = k
    const b = k.name(1)
    if (g.isConstant(b) && constantShape(k, 1).length === 2) {
      dense(k, [1, 0])
      return
    }
    if (k.fused !== 'none') throw new Refusal('an activation function behind a product of activations')
    k.give('BATCH_MATMUL', 'plain', [k.input(0, 'plain'), k.input(1, 'plain')], {})
  },
}

/** Weights as [O, I] by `perm`; those of a flattened image in the order of its channels-last rows. */
function dense(k: Kernel, perm: readonly number[]): void {
  const { g } = k
  const shape = constantShape(k, 1)
  const [out, depth] = perm.map(axis => shape[axis])
  const x = k.operand(0)?.codes ?? k.name(0)
  const spatial = g.home(x) === 'flat' ? g.spatial(x) : null
  const keepDims = g.rank(k.output) > 2
  const rows = (): number => {
    if (!spatial) return weights(k, 1, { perm, axis: 0 })
    const [height, width, channels] = spatial
    const layout = { to: [out, depth], axis: 0 }
    return perm[0] === 0
      ? weights(k, 1, { ...layout, perm: toNhwc, shape: [out, channels, height, width] })
      : weights(k, 1, { ...layout, perm: [3, 1, 2, 0], shape: [channels, height, width, out] })
  }
  const inputs = [k.input(0, spatial ? 'flat' : 'plain'), rows(), bias(k, 2, out)]
  k.give('FULLY_CONNECTED', 'plain', inputs, { fused: k.fused, keepDims })
}

const pool = (kind: 'AVERAGE_POOL_2D' | 'MAX_POOL_2D'): Rule => ({
  data: null,
  fuses: true,
  ...(kind === 'MAX_POOL_2D' ? { moves: true as const } : {}),
  refuses: (k, { inputs: [x], params }) => {
    if (k.node.outputs.length > 1) return 'it also gives indices'
    if ((attrInts(k.node, 'dilations') ?? []).some(d => d !== 1)) return 'its windows have gaps'
    return x!.scale[0] === params.scale[0] && x!.zeroPoint[0] === params.zeroPoint[0] ? null : 'its scales differ'
  },
  lower(k) {
    const w = windows(k, attrInts(k.node, 'kernel_shape')!)
    if (w.dilations.some(d => d !== 1)) throw new Refusal('its windows have gaps')
    const average = kind === 'AVERAGE_POOL_2D'
    const counted = attrInt(k.node, 'count_include_pad', 0) === 1
    const around = w.pads.some(n => n !== 0)
    // SAME counts what lies inside; a PAD in front counts all.
    if (average && around && !counted && !w.same) throw new Refusal('it averages without a padding that is not SAME')
    const { x, padding } = paddedInput(
      k,
      average && counted ? { ...w, same: false } : w,
      average ? undefined : -3.4028234663852886e38,
    )
    k.give(kind, 'nhwc', [x], { padding, strides: w.strides, kernel: w.kernel, fused: k.fused })
  },
})

/** Over the whole image. */
const globalPool = (kind: Extract<Kind, 'MEAN' | 'REDUCE_MAX'>): Rule => ({
  ...(kind === 'MEAN' ? { data: null } : {}),
  lower(k) {
    const { g } = k
    if (g.rank(k.name(0)) > 4) throw new Refusal('it has three spatial axes')
    k.give(kind, 'nhwc', [k.input(0, 'nhwc'), g.int32s([1, 2])], { keepDims: true })
  },
})

export const convolutions: Readonly<Record<string, Rule>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  Gemm: gemm,
  MatMul: matmul,
  MaxPool: pool('MAX_POOL_2D'),
  AveragePool: pool('AVERAGE_POOL_2D'),
  GlobalAveragePool: globalPool('MEAN'),
  GlobalMaxPool: globalPool('REDUCE_MAX'),
}
