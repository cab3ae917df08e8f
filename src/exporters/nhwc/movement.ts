// Operators that move values. Where they only move codes, input and output have the same scale.
import { elementCount } from '../../base/dtype.ts'
import { attrInt, attrInts, attrString, type ValueName } from '../../ir/model.ts'
import type { Kernel, Rule } from './kernel.ts'
import { type Form, type Lowering, Refusal, toNchw, toNhwc } from './lowering.ts'

const refuses: Rule['refuses'] = (_, { inputs: [x], params }) =>
  x!.scale[0] === params.scale[0] && x!.zeroPoint[0] === params.zeroPoint[0] ? null : 'its scales differ'

const moving = (lower: Rule['lower'], rest: Partial<Rule> = {}): Rule => ({
  data: [0],
  moves: true,
  refuses,
  lower,
  ...rest,
})

const source = (k: Kernel): ValueName => k.operand(0)?.codes ?? k.name(0)

/** Channels last and channels first are the same sequence. */
const isOneRow = (shape: readonly number[]): boolean =>
  shape.length >= 3 && (shape[1] === 1 || elementCount(shape.slice(2)) === 1)

const reshape = moving(k => {
  const { g } = k
  const from = g.shape(k.name(0))
  const to = g.shape(k.node.outputs[0]!)
  const home = g.home(source(k))
  const rows = to.length === 2 && to[0] === from[0] && to[1] === elementCount(from.slice(1))
  if (home === 'flat' && to.join() === from.join()) {
    g.flattenedAs(source(k), k.output)
    k.give('RESHAPE', 'flat', [k.input(0, 'flat'), g.int32s(to)], {})
    return
  }
  if (home === 'nhwc' && rows && !isOneRow(from) && isForLayers(g, k.output)) {
    g.flatten(k.input(0, 'nhwc'), k.output, k.params, g.dtype(k.node.outputs[0]!))
    return
  }
  const x = k.input(0, home === 'nhwc' && isOneRow(from) ? 'nhwc' : 'plain')
  k.give('RESHAPE', 'plain', [x, g.int32s(to)], {})
})

/** Whether rows are only read by layers whose weights can be put into another order. */
function isForLayers(g: Lowering, name: ValueName): boolean {
  const readers = g.pairs.readersOf(name)
  if (readers.length === 0 || g.pairs.graph.outputs.includes(name)) return false
  return readers.every(node => {
    if (['QuantizeLinear', 'DequantizeLinear', 'Relu', 'Identity'].includes(node.op))
      return isForLayers(g, node.outputs[0]!)
    const layer = node.op === 'Gemm' || node.op === 'MatMul'
    return layer && node.inputs[0] === name && g.isConstant(node.inputs[1]!) && attrInt(node, 'transA', 0) === 0
  })
}

const transpose = moving(k => {
  const { g } = k
  const rank = g.rank(k.name(0))
  const perm = attrInts(k.node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  const is = (other: readonly number[]): boolean => perm.join() === other.join()
  const home = g.home(source(k))
  // Only another name for what is there.
  if (home === 'plain' && is(toNchw)) g.alias(k.output, 'nhwc', k.input(0, 'plain'))
  else if (home === 'nhwc' && is(toNhwc)) g.alias(k.output, 'plain', k.input(0, 'nhwc'))
  else if (home === 'nhwc' && rank === 4) {
    const both = perm.map(axis => toNhwc.indexOf(axis))
    k.give('TRANSPOSE', 'plain', [k.input(0, 'nhwc'), g.int32s(both)], {})
  } else k.give('TRANSPOSE', 'plain', [k.input(0, 'plain'), g.int32s(perm)], {})
})

const pad = moving(
  k => {
    const { g, node } = k
    const rank = g.rank(k.name(0))
    const given = k.numbers(1, 'pads') ?? attrInts(node, 'paddings')
    if (!given || given.some(n => n < 0)) throw new Refusal('it crops')
    const axes = (k.has(3) ? k.numbers(3)! : Array.from({ length: rank }, (_, i) => i)).map(a => (a < 0 ? a + rank : a))
    const pairs = Array.from({ length: rank }, () => [0, 0])
    for (const [i, axis] of axes.entries()) pairs[axis] = [given[i], given[i + axes.length]]
    const form = k.form([0])
    const table = g.perAxis(pairs, form, [0, 0])
    const paddings = g.int32s(table.flat(), [table.length, 2])
    const mode = attrString(node, 'mode', 'constant')
    if (mode === 'reflect') k.give('MIRROR_PAD', form, [k.input(0, form), paddings], {})
    else if (mode !== 'constant') throw new Refusal(`it pads by ${mode}`)
    else if (k.has(2) && !padsWithZero(k))
      k.give('PADV2', form, [k.input(0, form), paddings, g.input(k.name(2), 'plain', 0)], {})
    else k.give('PAD', form, [k.input(0, form), paddings], {})
  },
  {
    refuses: (k, unit) =>
      padsWithZero(k) && attrString(k.node, 'mode', 'constant') === 'constant'
        ? refuses(k, unit)
        : 'it pads with something else than zero',
  },
)

function padsWithZero(k: Kernel): boolean {
  const name = k.node.inputs[2]
  if (name == null) return true
  const tensor = k.g.pairs.constant(name)
  return tensor !== null && k.g.pairs.bytesOf(tensor).every(byte => byte === 0)
}

/** Starts and ends are taken as Python does; steps may be negative. */
const slice = moving(k => {
  const { g, node } = k
  const shape = g.shape(k.name(0))
  const rank = shape.length
  const starts = k.numbers(1, 'starts')!
  const axes = (k.numbers(3, 'axes') ?? starts.map((_, i) => i)).map(a => (a < 0 ? a + rank : a))
  const steps = k.numbers(4) ?? starts.map(() => 1)
  const bounds = shape.map(size => ({ from: 0, count: size, step: 1 }))
  const to = g.shape(node.outputs[0]!)
  for (const [i, axis] of axes.entries()) {
    const [size, step] = [shape[axis], steps[i]]
    const start = starts[i] < 0 ? starts[i] + size : starts[i]
    const from = step > 0 ? Math.min(Math.max(start, 0), size) : Math.min(Math.max(start, 0), size - 1)
    bounds[axis] = { from, count: to[axis], step }
  }
  const form = k.form([0])
  const ordered = g.perAxis(bounds, form, { from: 0, count: 1, step: 1 })
  const of = (value: (b: (typeof bounds)[0]) => number): number => g.int32s(ordered.map(value))
  if (ordered.every(b => b.step === 1)) {
    k.give('SLICE', form, [k.input(0, form), of(b => b.from), of(b => b.count)], {})
    return
  }
  if (ordered.some(b => b.step < 0 && b.from + (b.count - 1) * b.step === 0))
    throw new Refusal('it runs backwards to the first element')
  const end = (b: (typeof bounds)[0]): number => b.from + (b.count - 1) * b.step + Math.sign(b.step)
  k.give('STRIDED_SLICE', form, [k.input(0, form), of(b => b.from), of(end), of(b => b.step)], {})
})

const split: Rule = {
  lower: k => {
    const { g, node } = k
    const rank = g.rank(k.name(0))
    const names = node.outputs.filter(name => name !== null)
    const axis = attrInt(node, 'axis', 0)
    const form: Form = g.home(k.name(0)) === 'nhwc' ? 'nhwc' : 'plain'
    const sizes = names.map(name => g.shape(name)[axis < 0 ? axis + rank : axis])
    const inputs = [k.input(0, form), g.int32s(sizes), g.int32s([g.axisIn(axis, rank, form)], [])]
    const outputs = names.map(name => g.tensorOf(name, form, null, g.dtype(name)))
    g.emit('SPLIT_V', inputs, outputs, {})
  },
}

const gather = moving(k => {
  const { g } = k
  const tensor = g.pairs.constant(k.name(1))
  const axis = attrInt(k.node, 'axis', 0)
  const rank = g.rank(k.name(0))
  const plain = (i: number): number => k.input(i, 'plain')
  const indices = tensor
    ? g.int32s(
        g.pairs.numbersOf(tensor).map(i => (i < 0 ? i + g.shape(k.name(0))[axis < 0 ? axis + rank : axis] : i)),
        tensor.shape,
      )
    : g.input(k.name(1), 'plain', 0)
  k.give('GATHER', 'plain', [plain(0), indices], { axis: g.axisIn(axis, rank, 'plain') })
})

const tile = moving(k => {
  const form = k.form([0])
  const repeats = k.g.perAxis(k.numbers(1)!, form, 1)
  k.give('TILE', form, [k.input(0, form), k.g.int32s(repeats)], {})
})

const expand = moving(k => {
  const { g } = k
  const to = g.shape(k.node.outputs[0]!)
  const from = g.shape(k.name(0))
  const full = g.reshaped(
    k.input(0, 'plain'),
    [...new Array<number>(to.length - from.length).fill(1), ...from],
    `${k.node.id}_full`,
  )
  k.give('BROADCAST_TO', 'plain', [full, g.int32s(to)], {})
})

const identity = moving(k => {
  const form = k.g.home(source(k))
  const x = k.input(0, form)
  k.give('RESHAPE', form, [x, k.g.int32s(k.g.tensors[x].shape)], {})
})

const blocks = (kind: 'DEPTH_TO_SPACE' | 'SPACE_TO_DEPTH'): Rule =>
  moving(k => {
    if (kind === 'DEPTH_TO_SPACE' && attrString(k.node, 'mode', 'DCR') !== 'DCR')
      throw new Refusal('it takes channels in the order CRD')
    k.give(kind, 'nhwc', [k.input(0, 'nhwc')], { blockSize: attrInt(k.node, 'blocksize', 1) })
  })

const resize = moving(k => {
  const { g, node } = k
  const from = g.shape(k.name(0))
  const to = g.shape(node.outputs[0]!)
  if (from.length !== 4 || from[0] !== to[0] || from[1] !== to[1])
    throw new Refusal('it resizes more than height and width')
  const mode = attrString(node, 'mode', 'nearest')
  const inputs = [k.input(0, 'nhwc'), g.int32s(to.slice(2))]
  if (mode === 'linear') k.give('RESIZE_BILINEAR', 'nhwc', inputs, linearLike(k))
  else if (mode === 'nearest')
    k.give('RESIZE_NEAREST_NEIGHBOR', 'nhwc', inputs, nearestLike(k, from.slice(2), to.slice(2)))
  else throw new Refusal(`it is ${mode}`)
})

const coordinates = (k: Kernel): string =>
  attrString(k.node, 'coordinate_transformation_mode', k.node.op === 'Upsample' ? 'asymmetric' : 'half_pixel')

function linearLike(k: Kernel) {
  if (attrInt(k.node, 'antialias', 0) === 1) throw new Refusal('it smooths where it shrinks')
  const mode = coordinates(k)
  if (!['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'].includes(mode))
    throw new Refusal(`its coordinates are ${mode}`)
  return { alignCorners: mode === 'align_corners', halfPixelCenters: mode.endsWith('half_pixel') }
}

/** The way of choosing neighbours that gives, for these sizes, the ones that the model chooses. */
function nearestLike(k: Kernel, from: readonly number[], to: readonly number[]) {
  const ways = [
    { alignCorners: false, halfPixelCenters: true },
    { alignCorners: false, halfPixelCenters: false },
    { alignCorners: true, halfPixelCenters: false },
  ]
  const wanted = from.map((size, i) =>
    neighbours(coordinates(k), attrString(k.node, 'nearest_mode', 'round_prefer_floor'), size, to[i]),
  )
  const found = ways.find(way => from.every((size, i) => chosen(way, size, to[i]).join() === wanted[i].join()))
  if (found) return found
  throw new Refusal('its choice of neighbours is none of the three that there are')
}

function neighbours(mode: string, rounding: string, from: number, to: number): number[] {
  const scale = to / from
  const at = (i: number): number => {
    if (mode === 'asymmetric') return i / scale
    if (mode === 'align_corners') return to === 1 ? 0 : (i * (from - 1)) / (to - 1)
    if (mode === 'pytorch_half_pixel' && to === 1) return 0
    return (i + 0.5) / scale - 0.5
  }
  const round = (x: number): number =>
    rounding === 'floor'
      ? Math.floor(x)
      : rounding === 'ceil'
        ? Math.ceil(x)
        : rounding === 'round_prefer_ceil'
          ? Math.floor(x + 0.5)
          : Math.ceil(x - 0.5)
  return Array.from({ length: to }, (_, i) => Math.min(from - 1, Math.max(0, round(at(i)))))
}

/** resize_nearest_neighbor.h. */
function chosen(way: { alignCorners: boolean; halfPixelCenters: boolean }, from: number, to: number): number[] {
  const scale = Math.fround(way.alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to)
  const offset = way.halfPixelCenters ? 0.5 : 0
  return Array.from({ length: to }, (_, i) => {
    const at = Math.fround((i + offset) * scale)
    return Math.min(from - 1, way.alignCorners ? Math.round(at) : Math.floor(at))
  })
}

const concat: Rule = {
  data: null,
  alike: true,
  lower: k => {
    const { g, node, unit, params } = k
    const form = k.form()
    const rank = g.rank(k.output)
    const inputs = node.inputs.map((_, i) => {
      const x = k.input(i, form)
      const { quant } = g.tensors[x]
      if (!unit || !params || (quant!.scale[0] === params.scale[0] && quant!.zeroPoint[0] === params.zeroPoint[0]))
        return x
      const same = { scale: params.scale, zeroPoint: params.zeroPoint, axis: 0 }
      const index = g.add({ ...g.tensors[x], name: g.fresh(`${node.id}_part`), quant: same, data: null, value: null })
      g.emit('QUANTIZE', [x], [index], {})
      return index
    })
    k.give('CONCATENATION', form, inputs, { axis: g.axisIn(attrInt(node, 'axis', 0), rank, form), fused: 'none' })
  },
}

export const movements: Readonly<Record<string, Rule>> = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Pad: pad,
  Slice: slice,
  Split: split,
  Gather: gather,
  Tile: tile,
  Expand: expand,
  Identity: identity,
  Dropout: identity,
  DepthToSpace: blocks('DEPTH_TO_SPACE'),
  SpaceToDepth: blocks('SPACE_TO_DEPTH'),
  Resize: resize,
  Upsample: resize,
  Concat: concat,
}
