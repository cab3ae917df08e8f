// Layers that move values. Blobs have no batch axis: axis a is a + 1 here, and sizes come in the order w, h, d, c, of which a blob of
// n dimensions has the first n (of three: w, h and c). Tencent/ncnn: docs/developer-guide/operators.md and src/layer.
import { type NcnnLayer, paramFloat, paramInt, paramInts } from '../../formats/ncnn-param.ts'
import { float, int, ints, string } from '../../ir/model.ts'
import type { LayerGraph } from '../layer-graph.ts'
import type { NcnnContext, NcnnReader, NcnnReaders } from './types.ts'

/** The axis after the batch. */
const withBatch = (axis: number): number => (axis < 0 ? axis : axis + 1)

/** Names of a blob's dimensions from the outermost. */
export const dimensionNames = (rank: number): string => ['', '', 'w', 'hw', 'chw', 'cdhw'][rank] ?? ''

const pass: NcnnReader = ({ inputs: [x], outputs }, { graph, int8 }) => {
  for (const output of outputs) {
    graph.alias(output, x)
    const scale = int8.get(graph.resolve(x))
    if (scale !== undefined) int8.set(output, scale)
  }
}

// The innermost dimension first, as ncnn lists them; by the number of dimensions.
const orders: Record<number, string[]> = {
  2: ['wh', 'hw'],
  3: ['whc', 'hwc', 'wch', 'cwh', 'hcw', 'chw'],
  4: ['whdc', 'hwdc', 'wdhc', 'dwhc', 'hdwc', 'dhwc', 'whcd', 'hwcd', 'wchd', 'cwhd', 'hcwd', 'chwd'].concat([
    'wdch',
    'dwch',
    'wcdh',
    'cwdh',
    'dcwh',
    'cdwh',
    'hdcw',
    'dhcw',
    'hcdw',
    'chdw',
    'dchw',
    'cdhw',
  ]),
}

const permute: NcnnReader = (layer, { graph }) => {
  const [x] = layer.inputs
  const rank = graph.rank(x)
  const type = paramInt(layer, 0, 0)
  const order = rank === 2 ? 'w' : orders[rank - 1]?.[type]
  if (order === undefined) throw graph.refuse(`its order is of the type ${type}`, 'Convert the model again.')
  const names = dimensionNames(rank)
  const perm = [0, ...[...order].reverse().map(name => names.indexOf(name) + 1)]
  graph.node('Transpose', [x], layer.outputs, { perm: ints(perm) })
}

const reshape: NcnnReader = (layer, { graph }) => {
  const [x] = layer.inputs
  if (paramInt(layer, 3, 0) !== 0) throw graph.refuse('it permutes while it reshapes', 'Convert the model again.')
  if (layer.params.has(6))
    throw graph.refuse('its shape is an expression', 'Convert the model with a fixed input shape.')
  if (layer.params.has(12) || layer.params.has(13))
    throw graph.refuse('it reshapes the batch', 'Convert the model for one sample at a time.')
  const [w, h, d, c] = [0, 1, 11, 2].map(id => paramInt(layer, id, -233))
  const sizes = c === -233 ? (h === -233 ? { w } : { h, w }) : d === -233 ? { c, h, w } : { c, d, h, w }
  const names = dimensionNames(graph.rank(x))
  const shape = graph.shape(x)
  const wanted = Object.entries(sizes).map(([name, size], i) => {
    if (size !== 0) return size
    // "As it was": the dimension of that name.
    const at = names.indexOf(name)
    const was = shape?.[at + 1]
    if (typeof was === 'number') return was
    if (at === i) return 0
    throw graph.refuse(`the size ${name} of its input is not known`, 'Give the shape of the input.')
  })
  graph.node('Reshape', [x, graph.ints('shape', [0, ...wanted])], layer.outputs)
}

const concat: NcnnReader = (layer, { graph }) => {
  graph.node('Concat', layer.inputs, layer.outputs, { axis: int(withBatch(paramInt(layer, 0, 0))) })
}

const slice: NcnnReader = (layer, { graph }) => {
  const [x] = layer.inputs
  const axis = withBatch(paramInt(layer, 1, 0))
  const size = graph.shape(x)?.at(axis)
  if (layer.params.has(2)) {
    const starts = [0, ...paramInts(layer, 2)]
    layer.outputs.forEach((output, i) => {
      const bounds = [[starts[i]], [starts[i + 1] ?? Number.MAX_SAFE_INTEGER], [axis]]
      graph.node('Slice', [x, ...bounds.map((b, j) => graph.ints(['start', 'end', 'axis'][j], b))], [output])
    })
    return
  }
  const given = paramInts(layer, 0)
  if (given.every(s => s === -233)) {
    graph.node('Split', [x], layer.outputs, { axis: int(axis) })
    return
  }
  // What is left is shared out evenly among those without a size that come next.
  let left = typeof size === 'number' ? size : Number.NaN
  const sizes = given.map((s, i) => {
    const own = s === -233 ? Math.floor(left / (given.length - i)) : s
    left -= own
    return own
  })
  if (sizes.some(Number.isNaN)) throw graph.refuse('the size of its input is not known', 'Give the shape of the input.')
  graph.node('Split', [x, graph.ints('split', sizes)], layer.outputs, { axis: int(axis) })
}

/** Slices by starts, ends and axes, or by an offset and a size for each dimension. */
const crop: NcnnReader = (layer, { graph }) => {
  const [x, ...others] = layer.inputs
  if (others.length > 0) throw graph.refuse('it crops to the size of another blob', 'Convert with a fixed input shape.')
  const most = Number.MAX_SAFE_INTEGER
  const cut = (starts: readonly number[], ends: readonly number[], axes: readonly number[]): void => {
    const bounds = [graph.ints('starts', starts), graph.ints('ends', ends), graph.ints('axes', axes)]
    graph.node('Slice', [x, ...bounds], layer.outputs)
  }
  const starts = paramInts(layer, 9)
  if (starts.length > 0) {
    const axes = paramInts(layer, 11)
    const ends = paramInts(layer, 10).map(end => (end === -233 ? most : end))
    cut(
      starts.map(start => (start === -233 ? 0 : start)),
      ends,
      axes.length > 0 ? axes.map(withBatch) : starts.map((_, i) => i + 1),
    )
    return
  }
  const ids = { w: [0, 3, 6], h: [1, 4, 7], d: [13, 14, 15], c: [2, 5, 8] } as const
  const names = [...dimensionNames(graph.rank(x))] as (keyof typeof ids)[]
  const offsets = names.map(name => paramInt(layer, ids[name][0], 0))
  const ends = names.map((name, i) => {
    const size = paramInt(layer, ids[name][1], 0)
    const fromEnd = paramInt(layer, ids[name][2], 0)
    return size > 0 ? offsets[i] + size : fromEnd > 0 ? -fromEnd : most
  })
  cut(
    offsets,
    ends,
    names.map((_, i) => i + 1),
  )
}

const padding: NcnnReader = (layer, { graph }) => {
  const [x] = layer.inputs
  const [top, bottom, left, right] = [0, 1, 2, 3].map(id => paramInt(layer, id, 0))
  const modes = ['constant', 'edge', 'reflect']
  const mode = modes[paramInt(layer, 4, 0)]
  if (mode === undefined || paramInt(layer, 6, 0) !== 0)
    throw graph.refuse('it pads each channel with a number of its own', 'Convert the model again.')
  const [front, behind] = [paramInt(layer, 7, 0), paramInt(layer, 8, 0)]
  const ofAxis: Record<string, [number, number]> = { w: [left, right], h: [top, bottom] }
  const names = [...dimensionNames(graph.rank(x))]
  // Front and behind are those of the depth, or of the channels where there is no depth.
  ofAxis[names.includes('d') ? 'd' : 'c'] = [front, behind]
  const pads = names.map(name => ofAxis[name] ?? [0, 0])
  const amounts = graph.ints('pads', [0, ...pads.map(p => p[0]), 0, ...pads.map(p => p[1])])
  const value = mode === 'constant' ? [graph.floats('value', [paramFloat(layer, 5, 0)], [])] : []
  graph.node('Pad', [x, amounts, ...value], layer.outputs, { mode: string(mode) })
}

/** Resize types 1 nearest, 2 bilinear, 3 bicubic. src/layer/interp.cpp. */
const interp: NcnnReader = (layer, { graph }) => {
  const [x] = layer.inputs
  const mode = [undefined, 'nearest', 'linear', 'cubic'][paramInt(layer, 0, 0)]
  if (mode === undefined || layer.inputs.length > 1 || paramInt(layer, 5, 0) !== 0 || graph.rank(x) !== 4)
    throw graph.refuse(
      'its output has the size of another blob, or its input is no map',
      'Convert with a fixed input shape.',
    )
  const [height, width] = [paramInt(layer, 3, 0), paramInt(layer, 4, 0)]
  const coordinates = mode === 'nearest' ? 'asymmetric' : paramInt(layer, 6, 0) ? 'align_corners' : 'half_pixel'
  const attrs = {
    mode: string(mode),
    coordinate_transformation_mode: string(coordinates),
    ...(mode === 'nearest' ? { nearest_mode: string('floor') } : {}),
    ...(mode === 'cubic' ? { cubic_coeff_a: float(-0.75) } : {}),
  }
  if (height > 0 && width > 0) {
    const channels = graph.shape(x)?.[1]
    const batch = graph.shape(x)?.[0]
    if (typeof channels === 'number' && typeof batch === 'number') {
      graph.node('Resize', [x, null, null, graph.ints('sizes', [batch, channels, height, width])], layer.outputs, attrs)
      return
    }
    // Sizes are given for every axis or none, and that of the batch is open.
    const head = graph.node('Slice', [
      graph.node('Shape', [x]),
      ...[0, 2, 0].map((n, i) => graph.ints(['start', 'end', 'axis'][i], [n])),
    ])
    const sizes = graph.node('Concat', [head, graph.ints('size', [height, width])], undefined, { axis: int(0) })
    graph.node('Resize', [x, null, null, sizes], layer.outputs, attrs)
    return
  }
  const scales = graph.floats('scales', [1, 1, paramFloat(layer, 1, 1), paramFloat(layer, 2, 1)])
  graph.node('Resize', [x, null, scales], layer.outputs, attrs)
}

/** Swaps the two factors of the channels. */
const shuffleChannel: NcnnReader = (layer, { graph }) => {
  const [x] = layer.inputs
  const channels = graph.shape(x)?.[1]
  const group = paramInt(layer, 0, 1)
  if (typeof channels !== 'number' || channels % group !== 0)
    throw graph.refuse('the number of channels of its input is not known', 'Give the shape of the input.')
  const first = paramInt(layer, 1, 0) ? channels / group : group
  shuffleChannels(graph, x, layer.outputs, first, channels / first)
}

/** [N, first * second, H, W]: channel (a, b) goes to (b, a). */
export function shuffleChannels(
  graph: LayerGraph,
  x: string,
  outputs: readonly string[],
  first: number,
  second: number,
): void {
  const shape = graph.shape(x)
  const [h, w] = [shape?.[2], shape?.[3]]
  const spatial = typeof h === 'number' && typeof w === 'number' ? [h, w] : null
  if (spatial === null) throw graph.refuse('the size of its input is not known', 'Give the shape of the input.')
  const split = graph.node('Reshape', [x, graph.ints('split', [0, first, second, ...spatial])])
  const turned = graph.node('Transpose', [split], undefined, { perm: ints([0, 2, 1, 3, 4]) })
  graph.node('Reshape', [turned, graph.ints('shape', [0, first * second, ...spatial])], outputs)
}

const pixelShuffle: NcnnReader = (layer, { graph }) => {
  graph.node('DepthToSpace', [layer.inputs[0]], layer.outputs, {
    blocksize: int(paramInt(layer, 0, 1)),
    mode: string(paramInt(layer, 1, 0) === 0 ? 'CRD' : 'DCR'),
  })
}

const reorg: NcnnReader = (layer, { graph }) => {
  const stride = paramInt(layer, 0, 1)
  const [, c, h, w] = graph.shape(layer.inputs[0]) ?? []
  if (paramInt(layer, 1, 0) === 1) {
    graph.node('SpaceToDepth', [layer.inputs[0]], layer.outputs, { blocksize: int(stride) })
    return
  }
  if (typeof c !== 'number' || typeof h !== 'number' || typeof w !== 'number')
    throw graph.refuse('the size of its input is not known', 'Give the shape of the input.')
  const [rows, columns] = [Math.floor(h / stride), Math.floor(w / stride)]
  const split = graph.node('Reshape', [layer.inputs[0], graph.ints('split', [0, c, rows, stride, columns, stride])])
  const turned = graph.node('Transpose', [split], undefined, { perm: ints([0, 1, 3, 5, 2, 4]) })
  graph.node('Reshape', [turned, graph.ints('shape', [0, c * stride * stride, rows, columns])], layer.outputs)
}

/** Dimensions to drop or to add: a list of axes, or a flag for each. */
function axesOf(layer: NcnnLayer, rank: number): number[] {
  const listed = paramInts(layer, 3)
  if (listed.length > 0) return listed.map(withBatch)
  const flags: Record<string, boolean> = {
    w: paramInt(layer, 0, 0) !== 0,
    h: paramInt(layer, 1, 0) !== 0,
    d: paramInt(layer, 11, 0) !== 0,
    c: paramInt(layer, 2, 0) !== 0,
  }
  return [...dimensionNames(rank)].flatMap((name, i) => (flags[name] ? [i + 1] : []))
}

const squeeze: NcnnReader = (layer, { graph }) => {
  const [x] = layer.inputs
  const shape = graph.shape(x)
  const axes = axesOf(layer, graph.rank(x)).filter(axis => shape?.at(axis) === 1)
  if (axes.length === 0) graph.alias(layer.outputs[0], x)
  else graph.node('Squeeze', [x, graph.ints('axes', axes)], layer.outputs)
}

const expandDims: NcnnReader = (layer, { graph }) => {
  const [x] = layer.inputs
  const listed = paramInts(layer, 3)
  if (listed.length === 0) throw graph.refuse('its axes are not listed', 'Convert the model again with pnnx.')
  graph.node('Unsqueeze', [x, graph.ints('axes', listed.map(withBatch))], layer.outputs)
}

const memoryData: NcnnReader = async (layer, { graph, weights }) => {
  const [w, h, d, c] = [0, 1, 11, 2].map(id => paramInt(layer, id, 0))
  const shape = [c, d, h, w].filter(size => size !== 0)
  const count = shape.reduce((n, size) => n * size, 1)
  const data = paramInt(layer, 21, 1) === 0 ? await weights.tagged(count) : weights.raw(count)
  // A batch of one, which is broadcast over that of the input.
  const value = graph.constant('data', { ...data, shape: [1, ...shape] })
  graph.alias(layer.outputs[0], value)
}

const tile: NcnnReader = (layer, { graph }) => {
  const [x] = layer.inputs
  const rank = graph.rank(x)
  const listed = paramInts(layer, 2)
  const repeats = new Array<number>(rank).fill(1)
  if (listed.length >= rank) throw graph.refuse('it adds dimensions', 'Write the reshape as a layer of its own.')
  if (listed.length > 0) repeats.splice(rank - listed.length, listed.length, ...listed)
  else {
    const axis = withBatch(paramInt(layer, 0, 0))
    repeats[axis < 0 ? rank + axis : axis] = paramInt(layer, 1, 1)
  }
  graph.node('Tile', [x, graph.ints('repeats', repeats)], layer.outputs)
}

const input: NcnnReader = (layer, { graph }: NcnnContext) => {
  const [w, h, d, c] = [0, 1, 11, 2].map(id => paramInt(layer, id, 0))
  const sizes = [c, d, h, w].filter(size => size !== 0)
  if (sizes.length > 0) graph.input(layer.outputs[0], ['N', ...sizes])
}

export const layouts: NcnnReaders = {
  Input: input,
  Split: pass,
  Noop: pass,
  DeepCopy: pass,
  Packing: pass,
  Cast: pass,
  Permute: permute,
  Reshape: reshape,
  Flatten: ({ inputs: [x], outputs }, { graph }) => void graph.node('Flatten', [x], outputs, { axis: int(1) }),
  Concat: concat,
  Slice: slice,
  Crop: crop,
  Padding: padding,
  Interp: interp,
  ShuffleChannel: shuffleChannel,
  PixelShuffle: pixelShuffle,
  Reorg: reorg,
  Squeeze: squeeze,
  ExpandDims: expandDims,
  MemoryData: memoryData,
  Tile: tile,
}
