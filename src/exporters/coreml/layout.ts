// Operators that move, repeat, cut or join values. Shapes are known, so that what only renames dimensions is a reshape.
import { elementCount } from '../../base/dtype.ts'
import { attrTensor } from '../../ir/model.ts'
import type { Lowering, NodeWriter } from './node.ts'
import { flag, flags, int, ints, type Val, word } from './program.ts'
import { constantVal } from './weights.ts'

const reshape: Lowering = n => {
  const shape = n.outShape()
  if (shape.join() === n.shape(0).join()) return n.set(n.val(0))
  if (shape.length > 0) return n.give('reshape', { x: n.val(0), shape: ints(shape) })
  n.give('squeeze', { x: n.val(0), axes: ints(n.shape(0).map((_, i) => i)) })
}

const transpose: Lowering = n => {
  const rank = n.rank(0)
  const order = n.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  n.give('transpose', { x: n.val(0), perm: ints(order) })
}

const concat: Lowering = n => {
  const values = n.node.inputs.map((_, i) => n.val(i))
  n.give('concat', { values, axis: int(n.axis(n.int('axis', 0))), interleave: flag(false) })
}

const split: Lowering = n => {
  const axis = n.axis(n.int('axis', 0))
  const sizes = n.node.outputs.map((name, i) =>
    name === null ? n.refuse('one of its outputs has no name') : n.outShape(i)[axis],
  )
  if (sizes.length === 1) return n.set(n.val(0))
  n.give('split', { x: n.val(0), split_sizes: ints(sizes), axis: int(axis) })
}

const slice: Lowering = (n: NodeWriter) => {
  const shape = n.shape(0)
  const list = (attribute: string, input: number) =>
    n.ints(attribute) ?? (n.has(input) ? n.must(input, attribute) : null)
  const [starts, ends] = [list('starts', 1), list('ends', 2)]
  if (!starts || !ends) n.refuse('it has no bounds')
  const axes = list('axes', 3) ?? starts.map((_, i) => i)
  const steps = list('steps', 4) ?? starts.map(() => 1)
  const begin = shape.map(() => 0)
  const end = [...shape]
  const stride = shape.map(() => 1)
  const toTheEnd = shape.map(() => false)
  for (const [k, given] of axes.entries()) {
    const axis = n.axis(given)
    const size = shape[axis]
    const within = (value: number, low: number, high: number): number =>
      Math.min(high, Math.max(low, value < 0 ? value + size : value))
    stride[axis] = steps[k]
    if (steps[k] > 0) {
      begin[axis] = within(starts[k], 0, size)
      end[axis] = within(ends[k], 0, size)
    } else {
      begin[axis] = within(starts[k], 0, size - 1)
      // Backwards the first element is the last: there is no number for what lies before it.
      const last = ends[k] < -size ? -1 : within(ends[k], -1, size - 1)
      toTheEnd[axis] = last < 0
      end[axis] = Math.max(0, last)
    }
  }
  n.give('slice_by_index', {
    x: n.val(0),
    begin: ints(begin),
    end: ints(end),
    stride: ints(stride),
    begin_mask: flags(shape.map(() => false)),
    end_mask: flags(toTheEnd),
    squeeze_mask: flags(shape.map(() => false)),
  })
}

const padModes: Readonly<Record<string, string>> = { constant: 'constant', reflect: 'reflect', edge: 'replicate' }

const pad: Lowering = n => {
  const mode = n.string('mode', 'constant')
  if (!Object.hasOwn(padModes, mode)) n.refuse(`it pads in the mode ${mode}`)
  const pads = n.ints('pads') ?? n.must(1, 'pads')
  const rank = n.rank(0)
  const axes = n.has(3) ? n.must(3, 'axes').map(a => n.axis(a)) : Array.from({ length: rank }, (_, i) => i)
  const both = Array.from({ length: rank }, (_, axis) => {
    const k = axes.indexOf(axis)
    return k < 0 ? [0, 0] : [pads[k], pads[axes.length + k]]
  })
  if (both.flat().some(p => p < 0)) n.refuse('it pads by less than nothing', 'Crop before it.')
  // Other modes than constants are known for the last two dimensions alone.
  if (
    mode !== 'constant' &&
    both
      .slice(0, -2)
      .flat()
      .some(p => p > 0)
  )
    n.refuse(`it pads more than images in the mode ${mode}`)
  const from = mode === 'constant' ? both.findIndex(sides => sides.some(p => p > 0)) : Math.max(0, rank - 2)
  if (from < 0) return n.set(n.val(0))
  const value = n.has(2) ? n.must(2, 'value')[0] : n.float('value', 0)
  n.give('pad', {
    x: n.val(0),
    pad: ints(both.slice(from).flat()),
    mode: word(padModes[mode]),
    constant_val: n.real(value),
  })
}

/** A value repeated along the axes of length 1 that are longer in `to`. */
function stretched(n: NodeWriter, x: Val, to: readonly number[]): void {
  const shape = [...new Array<number>(to.length - x.shape.length).fill(1), ...x.shape]
  const reps = to.map((size, i) => size / shape[i])
  const whole = shape.join() === x.shape.join() ? x : n.step('reshape', { x, shape: ints(shape) }, shape)
  n.give('tile', { x: whole, reps: ints(reps) })
}

/** From the known shape, whatever its shape was computed from. */
const expand: Lowering = n => stretched(n, n.val(0), n.outShape())

const constant: Lowering = n => {
  const value = attrTensor(n.node, 'value') ?? n.refuse('its value is no dense tensor')
  n.set(constantVal(n.node.outputs[0]!, value, n.writing))
}

const constantOfShape: Lowering = n => {
  const value = attrTensor(n.node, 'value')
  const shape = n.outShape()
  const dtype = n.outType()
  const filled = value ? constantVal(`${n.node.id}/value`, { ...value, shape: [] }, n.writing) : null
  const x = filled ?? n.writing.program.constant(`${n.node.id}/value`, { dtype, shape: [], values: [0] })
  const one = n.step(
    'expand_dims',
    { x, axes: ints(shape.map((_, i) => i)) },
    shape.map(() => 1),
  )
  n.give('tile', { x: one, reps: ints(shape) })
}

const shape: Lowering = n => {
  const all = n.shape(0)
  const rank = all.length
  const values = all.slice(n.axis(n.int('start', 0), rank), n.axis(n.int('end', rank), rank) || rank)
  n.set(n.writing.program.constant(n.node.outputs[0]!, ints(values)))
}

const depthToSpace: Lowering = n => {
  const size = n.int('blocksize', 1)
  if (n.string('mode', 'DCR') === 'DCR') n.give('depth_to_space', { x: n.val(0), block_size: int(size) })
  else n.give('pixel_shuffle', { x: n.val(0), upscale_factor: int(size) })
}

export const layout: Readonly<Record<string, Lowering>> = {
  Concat: concat,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  DepthToSpace: depthToSpace,
  Expand: expand,
  Flatten: reshape,
  Gather: n =>
    n.give('gather', { x: n.val(0), indices: n.val(1), axis: int(n.axis(n.int('axis', 0))), batch_dims: int(0) }),
  GatherElements: n =>
    n.give('gather_along_axis', { x: n.val(0), indices: n.val(1), axis: int(n.axis(n.int('axis', 0))) }),
  GatherND: n => n.give('gather_nd', { x: n.val(0), indices: n.val(1), batch_dims: int(n.int('batch_dims', 0)) }),
  Pad: pad,
  Reshape: reshape,
  Shape: shape,
  Size: n => n.set(n.writing.program.constant(n.node.outputs[0]!, int(elementCount(n.shape(0))))),
  Slice: slice,
  SpaceToDepth: n => n.give('space_to_depth', { x: n.val(0), block_size: int(n.int('blocksize', 1)) }),
  Split: split,
  Squeeze: reshape,
  Tile: n => n.give('tile', { x: n.val(0), reps: ints(n.outShape().map((size, i) => size / n.shape(0)[i])) }),
  Transpose: transpose,
  Unsqueeze: reshape,
}
