// Channels that are the same whatever the input, since every weight that makes them is zero (training with weight decay leaves such):
// what reads them may be any number, and often is a large one, which sets the scale of a whole tensor. Where the channel is zero its
// readers' weights become zero; where it is a constant k, and nothing is padded, k W goes into the readers' biases. Exact.
import { readFloats } from '../../../ir/bytes.ts'
import type { Graph, Node, ValueName } from '../../../ir/model.ts'
import type { Tensor } from '../../../ir/tensor.ts'
import { eachWeight } from '../channel-ties.ts'
import { boundsOf } from '../fused.ts'
import { type OwnLayer, ownLayers, padsWithZeros, withConstants } from '../own-layers.ts'
import type { GraphRepair } from './types.ts'

export const deadChannels = {
  id: 'dead-channels',
  label: 'Silence dead channels',
  when: 'before-ranges',
  needsData: false,
  async run(model, _choice, _samples, ctx, normals = null) {
    const changed = new Map<ValueName, Float32Array>()
    const read = async ({ name, tensor }: { name: ValueName; tensor: Tensor }): Promise<Float32Array> =>
      changed.get(name) ?? (await readFloats(ctx.bytes, tensor))
    for (const { maker, between, reader } of pairsIn(model.graph)) {
      const constants = constantChannels(maker, await read(maker.weight), await read(maker.bias), between, model.graph)
      const padded = padsWithZeros(reader.node)
      const w = (await read(reader.weight)).slice()
      const bias = Float64Array.from(await read(reader.bias))
      let moved = false
      eachWeight(reader.node, reader.weight.tensor, (i, from, to) => {
        const k = constants[from]
        if (Number.isNaN(k) || w[i] === 0 || (padded && k !== 0)) return
        bias[to] += k * w[i]
        w[i] = 0
        moved = true
      })
      if (!moved) continue
      changed.set(reader.weight.name, w)
      changed.set(reader.bias.name, Float32Array.from(bias))
    }
    return { model: withConstants(model, changed), notes: [], ...(normals ? { normals } : {}) }
  },
} as const satisfies GraphRepair

/** Layers one behind the other, with at most one Relu or Clip between; in the order of the graph, so that silence spreads. */
function pairsIn(graph: Graph): { maker: OwnLayer; between: Node | null; reader: OwnLayer }[] {
  const { layer } = ownLayers(graph)
  const makers = new Map<ValueName, Node>(graph.nodes.flatMap(n => n.outputs.map(o => [o!, n] as const)))
  return graph.nodes.flatMap(node => {
    const reader = layer(node)
    const before = reader ? makers.get(node.inputs[0]!) : undefined
    const direct = layer(before)
    const isBound = before?.op === 'Relu' || before?.op === 'Clip'
    const between = !direct && isBound && boundsOf(before, graph) !== null ? before : null
    const maker = direct ?? (between ? layer(makers.get(between.inputs[0]!)) : null)
    return reader && maker ? [{ maker, between, reader }] : []
  })
}

/** What each output channel always is; NaN where that depends on the input. */
function constantChannels(
  { node, weight }: OwnLayer,
  w: Float32Array,
  bias: Float32Array,
  between: Node | null,
  graph: Graph,
): Float64Array {
  const constants = Float64Array.from(bias)
  eachWeight(node, weight.tensor, (i, _from, to) => {
    if (w[i] !== 0) constants[to] = Number.NaN
  })
  const bounds = between && boundsOf(between, graph)
  return bounds ? constants.map(k => Math.min(bounds.max, Math.max(bounds.min, k))) : constants
}
