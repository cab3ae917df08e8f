// Operators that move, repeat, cut or join values and compute shapes.
import { elementCount } from '../../base/dtype.ts'
import { elementOf } from '../../formats/openvino.ts'
import { attrTensor } from '../../ir/model.ts'
import type { Port } from './net.ts'
import { constantOf, type Lowering, type NodeWriter } from './node.ts'

const reshape: Lowering = n => {
  const shape = n.ints('shape')
  n.give('Reshape', [n.port(0), shape ? n.whole(shape) : n.port(1)], { special_zero: n.int('allowzero', 0) === 0 })
}

const flatten: Lowering = n => {
  const axis = n.int('axis', 1)
  if (axis === 1) return n.give('Reshape', [n.port(0), n.whole([0, -1])], { special_zero: true })
  if (axis === 0) return n.give('Reshape', [n.port(0), n.whole([1, -1])], { special_zero: false })
  const after = n.dims(0).slice(axis)
  if (!after.every(dim => typeof dim === 'number')) n.refuse('dimensions behind its axis are not known')
  n.give('Reshape', [n.port(0), n.whole([-1, elementCount(after as number[])])], { special_zero: false })
}

const transpose: Lowering = n => {
  const rank = n.rank(0)
  const order = n.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  n.give('Transpose', [n.port(0), n.whole(order)])
}

const concat: Lowering = n =>
  n.give(
    'Concat',
    n.node.inputs.map((_, i) => n.port(i)),
    { axis: n.int('axis', 0) },
  )

const withAxes =
  (type: 'Squeeze' | 'Unsqueeze'): Lowering =>
  n => {
    const axes = n.ints('axes')
    if (axes) return n.give(type, [n.port(0), n.whole(axes)])
    n.give(type, n.has(1) ? [n.port(0), n.port(1)] : [n.port(0)])
  }

const split: Lowering = n => {
  const axis = n.whole(n.int('axis', 0))
  const lengths = n.list('split', 1)
  if (lengths) return n.give('VariadicSplit', [n.port(0), axis, n.whole(lengths)])
  const count = n.node.outputs.length
  const whole = n.dims(0).at(n.int('axis', 0))
  if (typeof whole !== 'number' || whole % count !== 0) n.refuse(`its input does not divide into ${count} equal parts`)
  n.give('Split', [n.port(0), axis], { num_splits: count })
}

const slice: Lowering = (n: NodeWriter) => {
  const at = (attribute: string, input: number) => {
    const values = n.ints(attribute)
    return values ? n.whole(values) : n.has(input) ? n.port(input) : null
  }
  const [start, stop, axes] = [at('starts', 1), at('ends', 2), at('axes', 3)]
  if (!start || !stop) n.refuse('it has no bounds')
  const [count] = start.dims ?? []
  if (typeof count !== 'number') n.refuse('the number of its axes is not known')
  const step = n.has(4) ? n.port(4) : n.whole(new Array<number>(count).fill(1))
  n.give('Slice', [n.port(0), start, stop, step, ...(axes ? [axes] : [])], {}, 8)
}

const pad: Lowering = n => {
  const mode = n.string('mode', 'constant')
  if (!['constant', 'edge', 'reflect'].includes(mode)) n.refuse(`it pads in the mode ${mode}`)
  const pads = n.ints('pads') ?? (n.has(3) ? n.must(1, 'pads') : n.numbers(1))
  const rank = n.rank(0)
  const axes = n.has(3) ? n.must(3, 'axes').map(a => (a < 0 ? a + rank : a)) : Array.from({ length: rank }, (_, i) => i)
  const side = (pads: readonly number[], from: number): number[] =>
    Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? pads[from + axes.indexOf(axis)] : 0))
  const given = n.has(2) ? scalar(n, 2) : n.real(n.float('value', 0))
  const same = given.dtype === n.port(0).dtype
  const value = same ? given : n.layer('ConvertLike', [given, n.port(0)], {}, 1, { dtype: n.port(0).dtype })
  const sides = pads ? [n.whole(side(pads, 0)), n.whole(side(pads, axes.length))] : halves(n, 1)
  const reads = [n.port(0), ...sides]
  // Older versions of the layer do not cut where a pad is negative.
  const version = pads?.every(p => p >= 0) ? 1 : 12
  n.give('Pad', mode === 'constant' ? [...reads, value] : reads, { pad_mode: mode }, version)
}

/** The first and the second half of a vector. */
function halves(n: NodeWriter, input: number): Port[] {
  const half = { dtype: 'int64' as const, dims: [n.rank(0)] }
  const inputs = [n.port(input), n.whole(0)]
  return n.writing.net.layer({
    name: `${n.node.id}/Split`,
    type: 'Split',
    data: { num_splits: 2 },
    inputs,
    outputs: [half, half],
  })
}

/** An input of one element without dimensions. */
function scalar(n: NodeWriter, input: number) {
  const tensor = n.tensor(input)
  if (tensor) return constantOf(n.name(input), tensor, n.writing, [])
  return n.rank(input) === 0 ? n.port(input) : n.layer('Squeeze', [n.port(input)], {}, 1, { dims: [] })
}

const shape: Lowering = n => {
  const start = n.int('start', 0)
  const whole = n.node.attrs.has('end') || start !== 0
  if (!whole) return n.give('ShapeOf', [n.port(0)], { output_type: 'i64' }, 3)
  const all = n.layer('ShapeOf', [n.port(0)], { output_type: 'i64' }, 3, { dtype: 'int64', dims: [n.rank(0)] })
  const end = n.int('end', n.rank(0))
  n.give('Slice', [all, n.whole([start]), n.whole([end]), n.whole([1])], {}, 8)
}

const constantOfShape: Lowering = n => {
  const value = attrTensor(n.node, 'value')
  const filled = value ? constantOf(`${n.node.id}/value`, value, n.writing, []) : n.real(0)
  n.give('Broadcast', [filled, n.port(0)], { mode: 'numpy' }, 3)
}

const constant: Lowering = (n: NodeWriter) => {
  const value = attrTensor(n.node, 'value')
  if (!value) n.refuse('its value is no dense tensor')
  n.set(constantOf(n.node.id, value, n.writing))
}

const range: Lowering = n => {
  const { dtype } = n.port(0)
  const reads = [0, 1, 2].map(i => scalar(n, i))
  n.give('Range', reads, { output_type: elementOf(dtype) ?? '' }, 4)
}

const depthToSpace: Lowering = n =>
  n.give('DepthToSpace', [n.port(0)], {
    block_size: n.int('blocksize', 1),
    mode: n.string('mode', 'DCR') === 'DCR' ? 'blocks_first' : 'depth_first',
  })

export const layout: Readonly<Record<string, Lowering>> = {
  Concat: concat,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  DepthToSpace: depthToSpace,
  Expand: n => n.give('Broadcast', [n.port(0), n.port(1)], { mode: 'bidirectional' }, 3),
  Flatten: flatten,
  Pad: pad,
  Range: range,
  Reshape: reshape,
  Shape: shape,
  Size: n => {
    const all = n.layer('ShapeOf', [n.port(0)], { output_type: 'i64' }, 3, { dtype: 'int64', dims: [n.rank(0)] })
    n.give('ReduceProd', [all, n.whole([0])], { keep_dims: false })
  },
  Slice: slice,
  SpaceToDepth: n => n.give('SpaceToDepth', [n.port(0)], { block_size: n.int('blocksize', 1), mode: 'blocks_first' }),
  Split: split,
  Squeeze: withAxes('Squeeze'),
  Tile: n => n.give('Tile', [n.port(0), n.port(1)]),
  Transpose: transpose,
  Unsqueeze: withAxes('Unsqueeze'),
}
