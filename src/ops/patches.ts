// What a layer multiplies its weights by, as rows of a matrix: the patches under a convolution's kernel at chosen places of its output,
// or the rows of a matrix product's input; and the layer's weights as one row for each output channel.
import { attrFloat, attrInt, attrInts, attrString, type Graph, type Node, reads } from '../ir/model.ts'
import type { NdArray } from '../ir/tensor.ts'
import { weightOf } from './facts.ts'

export interface LayerShape {
  groups: number
  channels: number // outputs of one group
  columns: number // inputs that one output of a group is a sum over
  /** Position in the weight tensor of group, output channel of it, and column. */
  at(group: number, channel: number, column: number): number
  conv: Geometry | null
}

interface Geometry {
  kernel: readonly number[]
  strides: readonly number[]
  dilations: readonly number[]
  pads: readonly number[]
  autoPad: string
}

/** How a node's weights and inputs lie; null where they are not of a kind that has such rows. */
export function layerShape(node: Node, graph: Graph): LayerShape | null {
  const weight = weightOf(node, graph)
  if (!weight) return null
  const shape = graph.values.get(weight.name)!.data!.shape
  if (node.op === 'Conv') {
    if (shape.length !== 3 && shape.length !== 4) return null
    const columns = shape.slice(1).reduce((n, d) => n * d, 1)
    const { groups } = weight
    const channels = shape[0] / groups
    const kernel = shape.slice(2)
    const ones = kernel.map(() => 1)
    return {
      groups,
      channels,
      columns,
      at: (group, channel, column) => (group * channels + channel) * columns + column,
      conv: {
        kernel,
        strides: attrInts(node, 'strides') ?? ones,
        dilations: attrInts(node, 'dilations') ?? ones,
        pads: attrInts(node, 'pads') ?? [...ones, ...ones].map(() => 0),
        autoPad: attrString(node, 'auto_pad', 'NOTSET'),
      },
    }
  }
  if ((node.op === 'Gemm' || node.op === 'MatMul') && shape.length === 2) {
    const transposed = node.op === 'Gemm' && attrInt(node, 'transB', 0) === 1
    const [channels, columns] = transposed ? shape : [shape[1], shape[0]]
    const at = transposed
      ? (_: number, channel: number, column: number) => channel * columns + column
      : (_: number, channel: number, column: number) => column * channels + channel
    return { groups: 1, channels, columns, at, conv: null }
  }
  return null
}

/** Why a layer's weights cannot be fitted; null where they can. */
export function unfit(node: Node, graph: Graph): string | null {
  const weight = weightOf(node, graph)
  if (!weight || !layerShape(node, graph)) return `${node.op} has no rows to fit`
  if (graph.nodes.filter(n => reads(n).includes(weight.name)).length > 1) return 'another layer reads its weights too'
  const { dtype } = graph.values.get(weight.name)!
  if (dtype !== 'float32') return `its weights are ${dtype}`
  return attrFloat(node, 'alpha', 1) !== 1 || attrFloat(node, 'beta', 1) !== 1 ? 'it scales its product' : null
}

/** Places that rows are taken from: positions of each sample's output map for a convolution, rows of the whole array for a product. */
export type Places = Uint32Array

/** Places that an output has. */
export const placesOf = (layer: LayerShape, shape: readonly number[]): number =>
  (layer.conv ? shape.slice(2) : shape.slice(0, -1)).reduce((n, d) => n * d, 1)

/** Values of an output, or of what has its shape, at places of every sample: [count, all channels]. */
export function outputRows(y: NdArray, layer: LayerShape, places: Places): Float32Array {
  const source = y.data as Float32Array
  const channels = layer.groups * layer.channels
  if (!layer.conv) {
    const rows = new Float32Array(places.length * channels)
    places.forEach((place, row) => {
      rows.set(source.subarray(place * channels, (place + 1) * channels), row * channels)
    })
    return rows
  }
  const size = placesOf(layer, y.shape)
  const rows = new Float32Array(y.shape[0] * places.length * channels)
  let at = 0
  for (let sample = 0; sample < y.shape[0]; sample++)
    for (const place of places)
      for (let c = 0; c < channels; c++) rows[at++] = source[(sample * channels + c) * size + place]
  return rows
}

/** The channels of one group. */
export function columnsOf(rows: Float32Array, { groups, channels }: LayerShape, group: number): Float32Array {
  if (groups === 1) return rows
  const all = groups * channels
  const out = new Float32Array(rows.length / groups)
  for (let row = 0; row * all < rows.length; row++)
    for (let c = 0; c < channels; c++) out[row * channels + c] = rows[row * all + group * channels + c]
  return out
}

/** What the outputs of one group at those places are sums over: [count, columns + 1], the last column ones. */
export function inputRows(
  x: NdArray,
  outShape: readonly number[],
  layer: LayerShape,
  group: number,
  places: Places,
): Float32Array {
  const { columns } = layer
  const source = x.data as Float32Array
  const stride = columns + 1
  if (!layer.conv) {
    const rows = new Float32Array(places.length * stride)
    places.forEach((place, row) => {
      rows.set(source.subarray(place * columns, (place + 1) * columns), row * stride)
      rows[row * stride + columns] = 1
    })
    return rows
  }
  const geometry = layer.conv
  // One dimension is two of which the first has length 1.
  const two = (values: readonly number[], fill: number): [number, number] =>
    values.length === 1 ? [fill, values[0]] : [values[0], values[1]]
  const [height, width] = two(x.shape.slice(2), 1)
  const out = two(outShape.slice(2), 1)
  const [kh, kw] = two(geometry.kernel, 1)
  const [sh, sw] = two(geometry.strides, 1)
  const [dh, dw] = two(geometry.dilations, 1)
  const [top, left] = padsOf(geometry, [height, width], out, [kh, kw], [sh, sw], [dh, dw])
  const perGroup = columns / (kh * kw)
  const inChannels = x.shape[1]
  const rows = new Float32Array(x.shape[0] * places.length * stride)
  let at = 0
  for (let sample = 0; sample < x.shape[0]; sample++) {
    for (const place of places) {
      const oy = Math.floor(place / out[1]) * sh - top
      const ox = (place % out[1]) * sw - left
      for (let c = 0; c < perGroup; c++) {
        const plane = (sample * inChannels + group * perGroup + c) * height * width
        for (let i = 0; i < kh; i++) {
          const yy = oy + i * dh
          const inside = yy >= 0 && yy < height
          for (let j = 0; j < kw; j++, at++) {
            const xx = ox + j * dw
            if (inside && xx >= 0 && xx < width) rows[at] = source[plane + yy * width + xx]
          }
        }
      }
      rows[at++] = 1
    }
  }
  return rows
}

function padsOf(
  { autoPad, pads }: Geometry,
  size: readonly number[],
  out: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): [number, number] {
  if (autoPad === 'NOTSET') return pads.length === 2 ? [0, pads[0]] : [pads[0], pads[1]]
  if (autoPad === 'VALID') return [0, 0]
  const [top, left] = [0, 1].map(i => {
    const all = Math.max(0, (out[i] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - size[i])
    return autoPad === 'SAME_UPPER' ? Math.floor(all / 2) : Math.ceil(all / 2)
  })
  return [top, left]
}
