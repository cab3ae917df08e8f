// Layers that move, repeat, cut or join values and compute shapes.
import { elementCount, onnxCode } from '../../base/dtype.ts'
import { dtypeOfElement } from '../../formats/openvino.ts'
import { string } from '../../ir/model.ts'
import { int64s } from '../../ir/tensor.ts'
import type { Layer, Lowering } from './layer.ts'
import { reshapeWeights } from './weights.ts'

// What ONNX's Slice takes as "from the end" and "to the end", whatever the length.
const last = 9223372036854775807n

const reshape: Lowering = async layer => {
  if (await reshapeWeights(layer)) return
  const zeroCopies = layer.flag('special_zero', false)
  const known = await layer.numbers(1)
  const zeros = known === null || known.includes(0)
  layer.give('Reshape', [layer.input(0), await layer.whole(1)], !zeroCopies && zeros ? { allowzero: 1 } : {})
}

const transpose: Lowering = async layer => {
  const order = await layer.must(1, 'order')
  const rank = layer.dims(0).length
  layer.give('Transpose', [layer.input(0)], {
    perm: order.length > 0 ? order : Array.from({ length: rank }, (_, i) => rank - 1 - i),
  })
}

/** A target shape with axes that the input's own are laid on; or aligned at the end as everywhere. */
const broadcast: Lowering = async layer => {
  let x = layer.input(0)
  if (layer.text('mode', 'numpy') === 'explicit') {
    const axes = await layer.must(2, 'axes')
    const rank = layer.outDims(0).length
    const others = Array.from({ length: rank }, (_, i) => i).filter(i => !axes.includes(i))
    if (others.length > 0) x = layer.node('Unsqueeze', [x, layer.whole64(others)])
  }
  layer.give('Expand', [x, await layer.whole(1)])
}

const pad: Lowering = async layer => {
  const mode = layer.text('pad_mode', 'constant')
  if (!['constant', 'edge', 'reflect'].includes(mode)) layer.refuse(`it pads by ${mode} values`)
  const begins = await layer.numbers(1)
  const ends = await layer.numbers(2)
  const pads =
    begins && ends
      ? layer.whole64([...begins, ...ends])
      : layer.node('Concat', [await layer.whole(1), await layer.whole(2)], { axis: 0 })
  const value = mode === 'constant' && layer.inputs > 3 ? layer.input(3) : null
  layer.give('Pad', [layer.input(0), pads, value], { mode: string(mode) })
}

const slice: Lowering = async layer => {
  const axes =
    layer.inputs > 4
      ? await layer.whole(4)
      : layer.whole64(Array.from({ length: Number(layer.dims(1)[0] ?? layer.dims(0).length) }, (_, i) => i))
  const [start, stop, step] = [await layer.whole(1), await layer.whole(2), await layer.whole(3)]
  layer.give('Slice', [layer.input(0), start, stop, axes, step])
}

/** Masks are read as bits by position: begin and end that are ignored, axes that are added, dropped, or stand for all others. */
const stridedSlice: Lowering = async layer => {
  const rank = layer.dims(0).length
  const bounds = [await layer.numbers(1), await layer.numbers(2)]
  const length = bounds[0]?.length ?? Number(layer.dims(1)[0] ?? rank)
  const strides = layer.inputs > 3 ? await layer.must(3, 'stride') : new Array<number>(length).fill(1)
  const mask = (key: string): boolean[] => Array.from({ length }, (_, i) => layer.list(key)[i] === 1)
  const [added, dropped, ellipsis] = ['new_axis_mask', 'shrink_axis_mask', 'ellipsis_mask'].map(mask)
  const spread = rank - (length - added.filter(Boolean).length - ellipsis.filter(Boolean).length)
  const [free, freeEnd] = [mask('begin_mask'), mask('end_mask')]
  const [positions, axes, newAxes, goneAxes]: number[][] = [[], [], [], []]
  let [at, out] = [0, 0]
  for (let i = 0; i < length; i++) {
    if (ellipsis[i]) {
      at += spread
      out += spread
    } else if (added[i]) newAxes.push(out++)
    else {
      positions.push(i)
      axes.push(at++)
      if (dropped[i]) goneAxes.push(out)
      out++
    }
  }
  const known = (which: 0 | 1): string => {
    const values = bounds[which]!
    return layer.constant(
      int64s(
        positions.map(i => {
          if (which === 0) return free[i] && !dropped[i] ? (strides[i] < 0 ? last : 0) : values[i]
          // One element; of -1 the end lies behind the last.
          if (dropped[i]) return bounds[0]![i] === -1 ? last : bounds[0]![i] + 1
          return freeEnd[i] ? (strides[i] < 0 ? -last : last) : values[i]
        }),
      ),
    )
  }
  const computed = async (which: 0 | 1): Promise<string> => {
    const masked = which === 0 ? free : freeEnd
    if (dropped.includes(true) || added.includes(true) || ellipsis.includes(true) || masked.includes(true))
      layer.refuse('its bounds are computed and masked')
    return layer.whole(which + 1)
  }
  let x = layer.input(0)
  const steps = layer.whole64(positions.map(i => (dropped[i] ? 1 : strides[i])))
  const begin = bounds[0] ? known(0) : await computed(0)
  const end = bounds[1] && bounds[0] ? known(1) : await computed(1)
  const reads = [x, begin, end, layer.whole64(axes), steps]
  if (goneAxes.length === 0 && newAxes.length === 0) return layer.give('Slice', reads)
  x = layer.node('Slice', reads)
  // Added axes are counted in a shape that still has the dropped ones.
  if (newAxes.length > 0 && goneAxes.length === 0) return layer.give('Unsqueeze', [x, layer.whole64(newAxes)])
  if (newAxes.length > 0) x = layer.node('Unsqueeze', [x, layer.whole64(newAxes)])
  layer.give('Squeeze', [x, layer.whole64(goneAxes)])
}

const split: Lowering = async layer => {
  const [axis] = await layer.must(1, 'axis')
  layer.give('Split', [layer.input(0)], { axis, num_outputs: layer.outputs })
}

const variadicSplit: Lowering = async (layer: Layer) => {
  const [axis] = await layer.must(1, 'axis')
  const lengths = await layer.numbers(2)
  const rest = lengths?.indexOf(-1) ?? -1
  if (!lengths || rest < 0) return layer.give('Split', [layer.input(0), await layer.whole(2)], { axis })
  const whole = layer.dims(0).at(axis)
  if (typeof whole !== 'number') layer.refuse('one of its lengths is to be found from a dimension that is not known')
  const others = lengths.reduce((sum, n, i) => (i === rest ? sum : sum + n), 0)
  const filled = lengths.map((n, i) => (i === rest ? whole - others : n))
  layer.give('Split', [layer.input(0), layer.whole64(filled)], { axis })
}

const shapeOf: Lowering = layer => {
  const type = layer.text('output_type', 'i64')
  if (type === 'i64') return layer.give('Shape', [layer.input(0)])
  layer.give('Cast', [layer.node('Shape', [layer.input(0)])], { to: onnxCode(dtypeOfElement(type) ?? 'int32') })
}

const range: Lowering = (layer: Layer) => {
  const wanted = layer.outDtype(0)
  if (wanted === null) layer.refuse('its type is not known')
  const native = ['float32', 'float64', 'int16', 'int32', 'int64'].includes(wanted) ? wanted : 'float32'
  const to = { to: onnxCode(native) }
  const given = [0, 1, 2].map(i =>
    layer.dtype(i) === native ? layer.input(i) : layer.node('Cast', [layer.input(i)], to),
  )
  if (native === wanted) return layer.give('Range', given)
  layer.give('Cast', [layer.node('Range', given)], { to: onnxCode(wanted) })
}

const reverse: Lowering = async layer => {
  const given = await layer.must(1, 'axes')
  const axes = layer.text('mode', 'index') === 'mask' ? given.flatMap((on, axis) => (on ? [axis] : [])) : given
  const all = (value: bigint): string => layer.constant(int64s(axes.map(() => value)))
  layer.give('Slice', [layer.input(0), all(last), all(-last), layer.whole64(axes), all(-1n)])
}

/** Channels as [groups, channels of one], exchanged. */
const shuffleChannels: Lowering = (layer: Layer) => {
  const rank = layer.dims(0).length
  const axis = layer.number('axis', 1)
  const channels = layer.dims(0).at(axis)
  const groups = layer.number('group', 1)
  if (typeof channels !== 'number' || channels % groups !== 0 || axis !== 1 || rank < 2)
    layer.refuse('its channels are not known, or not on axis 1')
  const x = layer.input(0)
  const apart = layer.node('Reshape', [x, layer.whole64([0, groups, channels / groups, -1])])
  const turned = layer.node('Transpose', [apart], { perm: [0, 2, 1, 3] })
  layer.give('Reshape', [turned, layer.node('Shape', [x])])
}

const depthSpace =
  (op: 'DepthToSpace' | 'SpaceToDepth'): Lowering =>
  layer => {
    const mode = layer.text('mode', 'blocks_first')
    const blocksize = layer.number('block_size', 1)
    if (op === 'DepthToSpace')
      return layer.give(op, [layer.input(0)], { blocksize, mode: string(mode === 'blocks_first' ? 'DCR' : 'CRD') })
    if (mode !== 'blocks_first') layer.refuse(`its mode is ${mode}`)
    layer.give(op, [layer.input(0)], { blocksize })
  }

const tile: Lowering = async layer => {
  const repeats = await layer.numbers(1)
  const x = layer.input(0)
  const rank = layer.dims(0).length
  // Both are made as long as the longer one by ones in front.
  const short = repeats ? rank - repeats.length : 0
  if (repeats && short > 0)
    return layer.give('Tile', [x, layer.whole64([...new Array<number>(short).fill(1), ...repeats])])
  const grown = short < 0 ? layer.node('Unsqueeze', [x, layer.whole64(Array.from({ length: -short }, (_, i) => i))]) : x
  layer.give('Tile', [grown, await layer.whole(1)])
}

const axes =
  (op: string): Lowering =>
  async layer =>
    layer.give(op, layer.inputs > 1 ? [layer.input(0), await vector(layer, 1)] : [layer.input(0)])

/** Whole numbers as a vector, where one alone may come as a scalar. */
export async function vector(layer: Layer, port: number): Promise<string> {
  const known = await layer.numbers(port)
  if (known) return layer.whole64(known)
  const given = await layer.whole(port)
  return layer.dims(port).length === 0 ? layer.node('Reshape', [given, layer.whole64([-1])]) : given
}

/** Squeeze without axes where it is given none. */
const squeeze: Lowering = async layer => {
  const tensor = layer.inputs > 1 ? layer.tensor(1) : null
  if (tensor && elementCount(tensor.shape) === 0) return layer.give('Squeeze', [layer.input(0)])
  await axes('Squeeze')(layer)
}

export const layout: Readonly<Record<string, Lowering>> = {
  Broadcast: broadcast,
  Concat: layer =>
    layer.give(
      'Concat',
      Array.from({ length: layer.inputs }, (_, i) => layer.input(i)),
      { axis: layer.number('axis', 0) },
    ),
  DepthToSpace: depthSpace('DepthToSpace'),
  Pad: pad,
  Range: range,
  Reshape: reshape,
  Reverse: reverse,
  ShapeOf: shapeOf,
  ShuffleChannels: shuffleChannels,
  Slice: slice,
  SpaceToDepth: depthSpace('SpaceToDepth'),
  Split: split,
  Squeeze: squeeze,
  StridedSlice: stridedSlice,
  Tile: tile,
  Transpose: transpose,
  Unsqueeze: axes('Unsqueeze'),
  VariadicSplit: variadicSplit,
}
