// High-bias absorption (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1.3): what
// a channel behind Relu practically always exceeds, c = max(0, mean - 3 std) of what goes into the Relu, moves into the next layers,
//   relu(u) - c = relu(u - c) for u >= c:   b1 -= c,   b2[o] += sum of W2[o, i] c[i],
// so that the activation's range need not span it. Mean and deviation are measured, for BatchNormalization is folded by then; where there
// are no samples, its statistics are gone by. A layer that pads with zeros would read a c too little at the border, so that activations which one reads are left.
import { readFloats } from '../../../ir/bytes.ts'
import type { ChannelNormals } from '../../../ir/channel-normals.ts'
import type { Graph, Node, ValueName } from '../../../ir/model.ts'
import type { Tensor } from '../../../ir/tensor.ts'
import { type ChannelStatistics, channelStatistics } from '../channel-statistics.ts'
import { eachWeight } from '../channel-ties.ts'
import { type OwnLayer, ownLayers, padsWithZeros, withConstants } from '../own-layers.ts'
import type { GraphRepair } from './types.ts'

export const absorb = {
  id: 'absorb',
  label: 'Absorb high biases',
  when: 'before-ranges',
  needsData: true,
  async run(model, _choice, samples, ctx, normals = null) {
    const places = placesIn(model.graph)
    const axes = new Map(places.map(({ maker }) => [maker.node.outputs[0]!, 1]))
    const said = places.every(({ maker }) => normals?.has(maker.node.outputs[0]!)) ? normals : null
    const statistics = said ? null : await channelStatistics(model, axes, samples!, ctx)
    const after = new Map(normals)
    const changed = new Map<ValueName, Float32Array>()
    const read = (tensor: Tensor): Promise<Float32Array> => readFloats(ctx.bytes, tensor)
    for (const { maker, relu, readers } of places) {
      const made = maker.node.outputs[0]!
      const excess = said ? excessSaid(said.get(made)!) : excessSeen(statistics!.get(made)!)
      if (excess.every(c => c === 0)) continue
      for (const name of [made, relu.outputs[0]!]) {
        const known = after.get(name)
        if (known) after.set(name, less(known, excess))
      }
      const own = changed.get(maker.bias.name) ?? (await read(maker.bias.tensor))
      changed.set(
        maker.bias.name,
        own.map((b, c) => b - excess[c]),
      )
      for (const { node, weight, bias } of readers) {
        const moved = Float64Array.from(changed.get(bias.name) ?? (await read(bias.tensor)))
        const w = await read(weight.tensor)
        eachWeight(node, weight.tensor, (i, from, to) => {
          moved[to] += w[i] * excess[from]
        })
        changed.set(bias.name, Float32Array.from(moved))
      }
    }
    return { model: withConstants(model, changed), notes: [], ...(normals ? { normals: after } : {}) }
  },
} as const satisfies GraphRepair

/** Three standard deviations below the mean, where that is above zero. */
const practicalLeast = (mean: number, deviation: number): number => Math.max(0, mean - 3 * deviation)

const excessSaid = ({ mean, deviation }: ChannelNormals): Float64Array =>
  mean.map((m, c) => practicalLeast(m, deviation[c]))

const excessSeen = ({ sum, squares, count }: ChannelStatistics): Float64Array =>
  sum.map((s, c) => practicalLeast(s / count, Math.sqrt(Math.max(0, squares[c] / count - (s / count) * (s / count)))))

/** Values that have become smaller; what was cut off at zero still is. */
const less = (known: ChannelNormals, excess: Float64Array): ChannelNormals => ({
  ...known,
  mean: known.mean.map((m, c) => m - excess[c]),
  low: known.low.map((bound, c) => (bound === 0 ? 0 : bound - excess[c])),
  high: known.high.map((bound, c) => bound - excess[c]),
})

/** Layers behind whose Relu there are only layers without padding. */
function placesIn(graph: Graph): { maker: OwnLayer; relu: Node; readers: OwnLayer[] }[] {
  const { layer, inside } = ownLayers(graph)
  return graph.nodes.flatMap(node => {
    const maker = layer(node)
    const [relu, ...others] = maker ? inside(node.outputs[0]!) : []
    if (!maker || relu?.op !== 'Relu' || others.length > 0) return []
    const nodes = inside(relu.outputs[0]!)
    const readers = nodes.map(n => (padsWithZeros(n) ? null : layer(n))).filter(l => l !== null)
    return readers.length > 0 && readers.length === nodes.length ? [{ maker, relu, readers }] : []
  })
}
