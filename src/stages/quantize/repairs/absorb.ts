// High-bias absorption (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1.3): what
// a channel behind Relu practically always exceeds, c = max(0, mean - 3 std) of what goes into the Relu, moves into the next layers,
//   relu(u) - c = relu(u - c) for u >= c:   b1 -= c,   b2[o] += sum of W2[o, i] c[i],
// so that the activation's range need not span it. Mean and deviation are measured, for BatchNormalization is folded by then. A layer
// that pads with zeros would read a c too little at the border, so that activations which one reads are left.
import { readFloats } from '../../../ir/bytes.ts'
import type { Graph, ValueName } from '../../../ir/model.ts'
import type { Tensor } from '../../../ir/tensor.ts'
import { channelStatistics } from '../channel-statistics.ts'
import { eachWeight } from '../channel-ties.ts'
import { type OwnLayer, ownLayers, padsWithZeros, withConstants } from '../own-layers.ts'
import type { GraphRepair } from './types.ts'

export const absorb = {
  id: 'absorb',
  label: 'Absorb high biases',
  when: 'before-ranges',
  needsData: true,
  async run(model, _choice, samples, ctx) {
    const places = placesIn(model.graph)
    const axes = new Map(places.map(({ maker }) => [maker.node.outputs[0]!, 1]))
    const statistics = await channelStatistics(model, axes, samples!, ctx)
    const changed = new Map<ValueName, Float32Array>()
    const read = (tensor: Tensor): Promise<Float32Array> => readFloats(ctx.bytes, tensor)
    for (const { maker, readers } of places) {
      const { sum, squares, count } = statistics.get(maker.node.outputs[0]!)!
      const excess = sum.map((s, c) => practicalLeast(s / count, squares[c] / count))
      if (excess.every(c => c === 0)) continue
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
    return { model: withConstants(model, changed), notes: [] }
  },
} as const satisfies GraphRepair

/** Three standard deviations below the mean, where that is above zero. */
const practicalLeast = (mean: number, square: number): number =>
  Math.max(0, mean - 3 * Math.sqrt(Math.max(0, square - mean * mean)))

/** Layers behind whose Relu there are only layers without padding. */
function placesIn(graph: Graph): { maker: OwnLayer; readers: OwnLayer[] }[] {
  const { layer, inside } = ownLayers(graph)
  return graph.nodes.flatMap(node => {
    const maker = layer(node)
    const [relu, ...others] = maker ? inside(node.outputs[0]!) : []
    if (!maker || relu?.op !== 'Relu' || others.length > 0) return []
    const nodes = inside(relu.outputs[0]!)
    const readers = nodes.map(n => (padsWithZeros(n) ? null : layer(n))).filter(l => l !== null)
    return readers.length > 0 && readers.length === nodes.length ? [{ maker, readers }] : []
  })
}
