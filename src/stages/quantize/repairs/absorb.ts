// High-bias absorption (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1.3): what
// a channel behind Relu practically always exceeds, c = max(0, mean - 3 std) of what goes into the Relu, moves into the next layers,
//   relu(u) - c = relu(u - c) for u >= c:   b1 -= c,   b2[o] += sum of W2[o, i] c[i],
// so that the activation's range need not span it. Mean and deviation are measured, for BatchNormalization is folded by then. A layer
// that pads with zeros would read a c too little at the border, so that activations which one reads are left.
import { viewAs } from '../../../base/dtype.ts'
import { edit } from '../../../ir/edit.ts'
import { attrInts, attrString, type Graph, type Model, type Node, reads, type ValueName } from '../../../ir/model.ts'
import { elements, floats, type Tensor, tensorOf } from '../../../ir/tensor.ts'
import { channelStatistics } from '../channel-statistics.ts'
import { eachWeight, widthsOf } from '../channel-ties.ts'
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
    const read = async (tensor: Tensor): Promise<Float32Array> =>
      viewAs('float32', await ctx.bytes.read(tensor)) as Float32Array
    for (const { maker, readers } of places) {
      const { sum, squares, count } = statistics.get(maker.node.outputs[0]!)!
      const excess = sum.map((s, c) => practicalLeast(s / count, squares[c] / count))
      if (excess.every(c => c === 0)) continue
      const own = changed.get(maker.bias) ?? (await read(maker.biasTensor))
      changed.set(
        maker.bias,
        own.map((b, c) => b - excess[c]),
      )
      for (const { node, weight, bias, biasTensor } of readers) {
        const moved = Float64Array.from(changed.get(bias) ?? (await read(biasTensor)))
        const w = await read(weight)
        eachWeight(node, weight, (i, from, to) => {
          moved[to] += w[i] * excess[from]
        })
        changed.set(bias, Float32Array.from(moved))
      }
    }
    return { model: withConstants(model, changed), notes: [] }
  },
} as const satisfies GraphRepair

/** Three standard deviations below the mean, where that is above zero. */
const practicalLeast = (mean: number, square: number): number =>
  Math.max(0, mean - 3 * Math.sqrt(Math.max(0, square - mean * mean)))

interface Layer {
  node: Node
  weight: Tensor
  bias: ValueName
  biasTensor: Tensor
}

/** Layers behind whose Relu there are only layers without padding. */
function placesIn(graph: Graph): { maker: Layer; readers: Layer[] }[] {
  const readersOf = new Map<ValueName, Node[]>()
  for (const node of graph.nodes)
    for (const name of new Set(reads(node))) readersOf.set(name, [...(readersOf.get(name) ?? []), node])
  const own = (name: ValueName | null | undefined): Tensor | null => {
    const tensor = name == null || graph.inputs.includes(name) ? null : graph.values.get(name)?.data
    return tensor?.dtype === 'float32' && readersOf.get(name!)!.length === 1 ? tensor : null
  }
  const layerOf = (node: Node): Layer | null => {
    if (node.domain !== '' || (node.op !== 'Conv' && node.op !== 'Gemm')) return null
    if (['transA', 'alpha', 'beta'].some(name => node.attrs.has(name))) return null
    const [weight, biasTensor] = [own(node.inputs[1]), own(node.inputs[2])]
    if (!weight || !biasTensor || elements(biasTensor) !== widthsOf(node, weight).to) return null
    return { node, weight, bias: node.inputs[2]!, biasTensor }
  }
  const onlyReaders = (name: ValueName): Node[] => (graph.outputs.includes(name) ? [] : (readersOf.get(name) ?? []))
  return graph.nodes.flatMap(node => {
    const maker = layerOf(node)
    const [relu, ...others] = maker ? onlyReaders(node.outputs[0]!) : []
    if (!maker || relu?.op !== 'Relu' || others.length > 0) return []
    const nodes = onlyReaders(relu.outputs[0]!)
    const readers = nodes.map(n => (pads(n) ? null : layerOf(n))).filter(l => l !== null)
    return readers.length > 0 && readers.length === nodes.length ? [{ maker, readers }] : []
  })
}

const pads = (node: Node): boolean =>
  attrString(node, 'auto_pad', 'NOTSET').startsWith('SAME') || (attrInts(node, 'pads') ?? []).some(n => n !== 0)

function withConstants(model: Model, changed: ReadonlyMap<ValueName, Float32Array>): Model {
  if (changed.size === 0) return model
  const graph = edit(model.graph, e => {
    for (const [name, data] of changed) {
      const value = e.value(name)!
      e.setValue({ ...value, data: tensorOf(floats(value.data!.shape, data)) })
    }
  })
  return { ...model, graph }
}
