// Layers that move values. BVLC/caffe: src/caffe/layers; Permute and Flatten also as in SSD's fork.
import { messageOf, numberOf, numbersOf } from '../../formats/prototxt.ts'
import { int, ints } from '../../ir/model.ts'
import { shuffleChannels } from '../ncnn/layout.ts'
import type { CaffeReader, CaffeReaders } from './types.ts'

const unknownSize = 'the size of its input is not known'
const giveShape = 'Give the shape of the input in the .prototxt.'

const pass: CaffeReader = ({ inputs: [x], outputs }, { graph }) => {
  for (const output of outputs) graph.alias(output, x)
}

const concat: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'concat_param')
  graph.node('Concat', layer.inputs, layer.outputs, {
    axis: int(numberOf(param, 'axis', numberOf(param, 'concat_dim', 1))),
  })
}

const slice: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'slice_param')
  const [x] = layer.inputs
  const axis = numberOf(param, 'axis', numberOf(param, 'slice_dim', 1))
  const points = numbersOf(param, 'slice_point')
  if (points.length === 0) {
    graph.node('Split', [x], layer.outputs, { axis: int(axis) })
    return
  }
  const size = graph.shape(x)?.at(axis)
  if (typeof size !== 'number') throw graph.refuse(unknownSize, giveShape)
  const sizes = [...points, size].map((point, i) => point - (points[i - 1] ?? 0))
  if (sizes.length !== layer.outputs.length || sizes.some(s => s < 0))
    throw graph.refuse(
      `its points ${points.join(', ')} do not cut ${size} into ${layer.outputs.length}`,
      'Mend the .prototxt.',
    )
  graph.node('Split', [x, graph.ints('split', sizes)], layer.outputs, { axis: int(axis) })
}

const flatten: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'flatten_param')
  const [x] = layer.inputs
  const rank = graph.rank(x)
  const fromFront = (axis: number): number => (axis < 0 ? rank + axis : axis)
  const from = fromFront(numberOf(param, 'axis', 1))
  const to = fromFront(numberOf(param, 'end_axis', -1))
  if (from === 1 && to === rank - 1) {
    graph.node('Flatten', [x], layer.outputs, { axis: int(1) })
    return
  }
  const after = graph.shape(x)?.slice(to + 1) ?? []
  if (!after.every(d => typeof d === 'number')) throw graph.refuse(unknownSize, giveShape)
  const shape = [...new Array<number>(from).fill(0), -1, ...after]
  graph.node('Reshape', [x, graph.ints('shape', shape)], layer.outputs)
}

/** A part of the axes gets new sizes; 0 keeps the one at that place, -1 takes what is left. */
const reshape: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'reshape_param')
  const [x] = layer.inputs
  const rank = graph.rank(x)
  const given = numberOf(param, 'axis', 0)
  const from = given < 0 ? rank + given + 1 : given
  const count = numberOf(param, 'num_axes', -1)
  const kept = count < 0 ? [] : (graph.shape(x)?.slice(from + count) ?? [])
  if (!kept.every(d => typeof d === 'number')) throw graph.refuse(unknownSize, giveShape)
  const dims = numbersOf(messageOf(param, 'shape'), 'dim')
  graph.node('Reshape', [x, graph.ints('shape', [...new Array<number>(from).fill(0), ...dims, ...kept])], layer.outputs)
}

const permute: CaffeReader = (layer, { graph }) => {
  const [x] = layer.inputs
  const order = numbersOf(messageOf(layer.message, 'permute_param'), 'order')
  const rest = Array.from({ length: graph.rank(x) }, (_, i) => i).filter(axis => !order.includes(axis))
  graph.node('Transpose', [x], layer.outputs, { perm: ints([...order, ...rest]) })
}

/** To the size of the second bottom, from an axis on. */
const crop: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'crop_param')
  const [x, like] = layer.inputs
  const rank = graph.rank(x)
  const given = numberOf(param, 'axis', 2)
  const from = given < 0 ? rank + given : given
  const sizes = graph.shape(like)?.slice(from) ?? []
  if (sizes.length === 0 || !sizes.every(d => typeof d === 'number')) throw graph.refuse(unknownSize, giveShape)
  const offsets = numbersOf(param, 'offset')
  const starts = sizes.map((_, i) => offsets[i] ?? offsets[0] ?? 0)
  const ends = sizes.map((size, i) => starts[i] + size)
  const axes = sizes.map((_, i) => from + i)
  const bounds = [graph.ints('starts', starts), graph.ints('ends', ends), graph.ints('axes', axes)]
  graph.node('Slice', [x, ...bounds], layer.outputs)
}

const tile: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'tile_param')
  const [x] = layer.inputs
  const repeats = new Array<number>(graph.rank(x)).fill(1)
  repeats.splice(numberOf(param, 'axis', 1), 1, numberOf(param, 'tiles', 1))
  graph.node('Tile', [x, graph.ints('repeats', repeats)], layer.outputs)
}

const shuffleChannel: CaffeReader = (layer, { graph }) => {
  const [x] = layer.inputs
  const group = numberOf(messageOf(layer.message, 'shuffle_channel_param'), 'group', 1)
  const channels = graph.shape(x)?.[1]
  if (typeof channels !== 'number') throw graph.refuse(unknownSize, giveShape)
  shuffleChannels(graph, x, layer.outputs, group, channels / group)
}

export const layouts: CaffeReaders = {
  Concat: concat,
  Slice: slice,
  Split: pass,
  Dropout: pass,
  Silence: () => undefined,
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  Crop: crop,
  Tile: tile,
  ShuffleChannel: shuffleChannel,
}
