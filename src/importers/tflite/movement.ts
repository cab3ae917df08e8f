// Operators that move values: shapes, slices, joins, paddings.
import { elementCount, onnxCode, viewAs } from '../../base/dtype.ts'
import { int, ints, string, type ValueName } from '../../ir/model.ts'
import { tensorOf } from '../../ir/tensor.ts'
import type { Translate } from './convolutions.ts'
import { type Form, type Op, type TfliteGraph, toNchw, toNhwc } from './graph.ts'

const own = (g: TfliteGraph, index: number): Form => (g.home(index) === 'nchw' ? 'nchw' : 'plain')

/** Same elements in the same order, whatever of height and width, or channels, is 1. */
const isOneRow = (shape: readonly number[]): boolean =>
  shape.length === 4 && (shape[3] === 1 || (shape[1] === 1 && shape[2] === 1))

const reshape: Translate = (g, op) => {
  const [x, to] = op.inputs
  const y = op.outputs[0]
  const from = g.tensor(x).shape
  const image = g.home(x) === 'nchw'
  const flat = g.tensor(y).shape.length === 2 && g.tensor(y).shape[1] === elementCount(from.slice(1))
  if (image && flat && !isOneRow(from) && g.isForLayers(y)) {
    g.flatten(x, y)
    return
  }
  const data = g.real(x, image && isOneRow(from) ? 'nchw' : 'plain')
  g.give(y, 'plain', 'Reshape', [data, newShape(g, op, to, y)])
}

/** From the second input, or from the options, or as the output is. */
function newShape(g: TfliteGraph, op: Op, index: number | undefined, y: number): ValueName {
  const told = op.options.newShape
  const given = g.numbers(index) ?? (told && typeof told !== 'number' ? Array.from(told) : null)
  if (!given && index !== undefined && index !== -1)
    return g.step('Cast', [g.real(index)], { to: int(onnxCode('int64')) })
  const fixed = given ?? g.tensor(y).shape
  // An example's batch of 1, in a file that leaves the batch free.
  const free =
    !g.isFixed(y, 0) && fixed.length === g.rank(y) && !fixed.includes(-1) && fixed[0] === g.tensor(y).shape[0]
  return g.int64('shape', free ? [-1, ...fixed.slice(1)] : fixed)
}

/** A new shape with the axes of the file's layout: SQUEEZE and EXPAND_DIMS. */
const asOutput: Translate = (g, op) => {
  const [x] = op.inputs
  const y = op.outputs[0]
  const data = g.real(x, g.home(x) === 'nchw' && isOneRow(g.tensor(x).shape) ? 'nchw' : 'plain')
  const free = g.tensor(y).dims.filter(dim => typeof dim !== 'number').length
  if (free > 1) throw g.refused('has more than one free dimension')
  const shape = g.tensor(y).dims.map(dim => (typeof dim === 'number' ? dim : -1))
  g.give(y, 'plain', 'Reshape', [data, g.int64('shape', shape)])
}

const transpose: Translate = (g, op) => {
  const [x, permIndex] = op.inputs
  const y = op.outputs[0]
  const perm = g.needNumbers(permIndex, 'permutation')
  const is = (other: readonly number[]): boolean => perm.join() === other.join()
  const sameScales = JSON.stringify(g.tensor(x).quant) === JSON.stringify(g.tensor(y).quant)
  if (g.home(x) === 'nchw' && is(toNchw) && sameScales) g.alias(y, 'plain', { index: x, form: 'nchw' })
  else if (g.home(x) === 'plain' && is(toNhwc) && sameScales) g.alias(y, 'nchw', { index: x, form: 'plain' })
  else if (g.home(x) === 'nchw') {
    const both = perm.map(axis => toNchw.indexOf(axis))
    g.give(y, 'plain', 'Transpose', [g.real(x, 'nchw')], { perm: ints(both) })
  } else g.give(y, 'plain', 'Transpose', [g.real(x)], { perm: ints(perm) })
}

/** Paddings are given as [[before, after], ...] in the order of the axes. */
function padsOf(g: TfliteGraph, op: Op, form: Form): ValueName {
  const table = g.needNumbers(op.inputs[1], 'padding')
  const pairs = Array.from({ length: table.length / 2 }, (_, i) => [table[2 * i], table[2 * i + 1]])
  const ordered = g.inForm(pairs, form)
  return g.int64('pads', [...ordered.map(pair => pair[0]), ...ordered.map(pair => pair[1])])
}

const pad: Translate = (g, op) => {
  const [x, , value] = op.inputs
  const form = g.commonForm([x], op.outputs[0])
  const filling =
    value === undefined || value === -1 ? [] : [g.step('Reshape', [g.real(value), g.int64('scalar', [], [0])])]
  g.give(op.outputs[0], form, 'Pad', [g.real(x, form), padsOf(g, op, form), ...filling])
}

const mirrorPad: Translate = (g, op) => {
  if (Number(op.options.mode ?? 0) !== 0) throw g.refused('mirrors with the edge itself')
  const form = g.commonForm([op.inputs[0]], op.outputs[0])
  g.give(op.outputs[0], form, 'Pad', [g.real(op.inputs[0], form), padsOf(g, op, form)], { mode: string('reflect') })
}

const concatenation: Translate = (g, op) => {
  const y = op.outputs[0]
  const form = g.commonForm(op.inputs, y)
  const axis = g.axisIn(Number(op.options.axis ?? 0), g.rank(y), form)
  const inputs = op.inputs.map(index => g.real(index, form))
  g.give(y, form, 'Concat', inputs, { axis: int(axis) }, Number(op.options.activation ?? 0))
}

const packed: Translate = (g, op) => {
  const y = op.outputs[0]
  const axis = g.axisIn(Number(op.options.axis ?? 0), g.rank(y), 'plain')
  const axes = g.int64('axes', [axis])
  const inputs = op.inputs.map(index => g.step('Unsqueeze', [g.real(index), axes]))
  g.give(y, 'plain', 'Concat', inputs, { axis: int(axis) })
}

const unpack: Translate = (g, op) => {
  const [x] = op.inputs
  const axis = g.axisIn(Number(op.options.axis ?? 0), g.rank(x), 'plain')
  const data = g.real(x)
  for (const [i, y] of op.outputs.entries())
    g.give(y, 'plain', 'Gather', [data, g.int64('index', [i], [])], { axis: int(axis) })
}

/** SPLIT has its axis first, SPLIT_V last; the parts have the sizes of the outputs. */
const split =
  (data: number, along: number): Translate =>
  (g, op) => {
    const x = op.inputs[data]
    const [axis] = g.needNumbers(op.inputs[along], 'axis')
    const form = own(g, x)
    const positive = g.axisIn(axis, g.rank(x), 'plain')
    const sizes = op.outputs.map(y => g.tensor(y).shape[positive])
    const inputs = [g.real(x, form), g.int64('sizes', sizes)]
    g.giveAll(op.outputs, form, 'Split', inputs, { axis: int(g.axisIn(axis, g.rank(x), form)) })
  }

function sliced(
  g: TfliteGraph,
  op: Op,
  form: Form,
  bounds: readonly { from: number; to: number; step: number }[],
): (ValueName | null)[] {
  const ordered = g.inForm(bounds, form)
  const touched = ordered.flatMap((b, axis) => (b.from === 0 && b.to === end && b.step === 1 ? [] : [{ ...b, axis }]))
  const of = (what: 'from' | 'to' | 'axis' | 'step'): ValueName =>
    g.int64(
      what,
      touched.map(b => b[what]),
    )
  return [g.real(op.inputs[0], form), of('from'), of('to'), of('axis'), of('step')]
}
const end = 2147483647

const slice: Translate = (g, op) => {
  const [x, begin, size] = op.inputs
  const starts = g.needNumbers(begin, 'start')
  const sizes = g.needNumbers(size, 'size')
  const form = g.commonForm([x], op.outputs[0])
  const bounds = starts.map((from, i) => ({ from, to: sizes[i] === -1 ? end : from + sizes[i], step: 1 }))
  const whole = bounds.map((b, i) =>
    b.from === 0 && b.to === g.tensor(x).shape[i] && g.isFixed(x, i) ? { ...b, to: end } : b,
  )
  g.give(op.outputs[0], form, 'Slice', sliced(g, op, form, whole))
}

/** Python's slices; masks say which bounds are left out, and which axes go. */
const stridedSlice: Translate = (g, op) => {
  const [x, beginIndex, endIndex, stepIndex] = op.inputs
  const mask = (field: string): number => Number(op.options[field] ?? 0)
  if (mask('ellipsisMask') || mask('newAxisMask') || op.options.offset) throw g.refused('has an ellipsis or new axes')
  const starts = g.needNumbers(beginIndex, 'start')
  const ends = g.needNumbers(endIndex, 'end')
  const steps = g.needNumbers(stepIndex, 'step')
  const has = (field: string, axis: number): boolean => ((mask(field) >> axis) & 1) === 1
  const shrunk = starts.flatMap((_, axis) => (has('shrinkAxisMask', axis) ? [axis] : []))
  const bounds = g.tensor(x).shape.map((_, axis) => {
    if (axis >= starts.length) return { from: 0, to: end, step: 1 }
    const [start, step] = [starts[axis], steps[axis]]
    if (has('shrinkAxisMask', axis)) return { from: start, to: start === -1 ? end : start + 1, step: 1 }
    const from = has('beginMask', axis) ? (step < 0 ? end : 0) : start
    return { from, to: has('endMask', axis) ? (step < 0 ? -end : end) : ends[axis], step }
  })
  const form = shrunk.length > 0 ? 'plain' : g.commonForm([x], op.outputs[0])
  const inputs = sliced(g, op, form, bounds)
  if (shrunk.length === 0) g.give(op.outputs[0], form, 'Slice', inputs)
  else g.give(op.outputs[0], 'plain', 'Squeeze', [g.step('Slice', inputs), g.int64('axes', shrunk)])
}

const reverse: Translate = (g, op) => {
  const [x, axisIndex] = op.inputs
  const form = g.commonForm([x], op.outputs[0])
  const axes = g.needNumbers(axisIndex, 'axes').map(axis => g.axisIn(axis, g.rank(x), 'plain'))
  const bounds = g
    .tensor(x)
    .shape.map((_, i) => (axes.includes(i) ? { from: end, to: -end, step: -1 } : { from: 0, to: end, step: 1 }))
  g.give(op.outputs[0], form, 'Slice', sliced(g, op, form, bounds))
}

const gather: Translate = (g, op) => {
  const [x, indices] = op.inputs
  if (Number(op.options.batchDims ?? 0) !== 0) throw g.refused('gathers within batches')
  const axis = g.axisIn(Number(op.options.axis ?? 0), g.rank(x), 'plain')
  g.give(op.outputs[0], 'plain', 'Gather', [g.real(x), g.real(indices)], { axis: int(axis) })
}

const embedding: Translate = (g, op) => {
  const [indices, x] = op.inputs
  g.give(op.outputs[0], 'plain', 'Gather', [g.real(x), g.real(indices)], { axis: int(0) })
}

const wide = (g: TfliteGraph, index: number): ValueName =>
  g.step('Cast', [g.real(index)], { to: int(onnxCode('int64')) })

const gatherNd: Translate = (g, op) =>
  g.give(op.outputs[0], 'plain', 'GatherND', [g.real(op.inputs[0]), wide(g, op.inputs[1])])

/** Data and a list of whole numbers that ONNX wants in 64 bits. */
const withList =
  (operator: string): Translate =>
  (g, op) => {
    const [x, list] = op.inputs
    const numbers = g.numbers(list)
    const given = numbers ? g.int64('list', numbers) : wide(g, list)
    g.give(op.outputs[0], 'plain', operator, [g.real(x), given])
  }

const shapeOf: Translate = (g, op) => {
  const [x] = op.inputs
  const y = op.outputs[0]
  const form = own(g, x)
  const shape = g.step('Shape', [g.codes(x, form)])
  const ordered = form === 'plain' ? shape : g.step('Gather', [shape, g.int64('order', toNhwc)], { axis: int(0) })
  g.give(y, 'plain', 'Cast', [ordered], { to: int(onnxCode(g.tensor(y).dtype)) })
}

const fill: Translate = (g, op) => {
  const [dims, value] = op.inputs
  const shape = g.numbers(dims)
  g.give(op.outputs[0], 'plain', 'Expand', [g.real(value), shape ? g.int64('shape', shape) : wide(g, dims)])
}

const range: Translate = (g, op) =>
  g.give(
    op.outputs[0],
    'plain',
    'Range',
    op.inputs.map(index => g.real(index)),
  )

const zerosLike: Translate = (g, op) => {
  const { dtype } = g.tensor(op.outputs[0])
  const zero = g.initializer(
    `${op.id}_zero`,
    tensorOf({ dtype, shape: [1], data: viewAs(dtype, new Uint8Array(8)).slice(0, 1) }),
  )
  const shape = g.step('Shape', [g.real(op.inputs[0])])
  g.give(op.outputs[0], 'plain', 'Expand', [zero, shape])
}

export const movements: Readonly<Record<string, Translate>> = {
  RESHAPE: reshape,
  SQUEEZE: asOutput,
  EXPAND_DIMS: asOutput,
  TRANSPOSE: transpose,
  PAD: pad,
  PADV2: pad,
  MIRROR_PAD: mirrorPad,
  CONCATENATION: concatenation,
  PACK: packed,
  UNPACK: unpack,
  SPLIT: split(1, 0),
  SPLIT_V: split(0, 2),
  SLICE: slice,
  STRIDED_SLICE: stridedSlice,
  REVERSE_V2: reverse,
  GATHER: gather,
  GATHER_ND: gatherNd,
  EMBEDDING_LOOKUP: embedding,
  TILE: withList('Tile'),
  BROADCAST_TO: withList('Expand'),
  SHAPE: shapeOf,
  FILL: fill,
  RANGE: range,
  ZEROS_LIKE: zerosLike,
}
