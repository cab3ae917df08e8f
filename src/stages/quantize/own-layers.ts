// Conv and Gemm whose weight and bias are constants of their own, so that one layer's numbers can be moved into the next.
import { edit } from '../../ir/edit.ts'
import { attrInts, attrString, type Graph, type Model, type Node, reads, type ValueName } from '../../ir/model.ts'
import { elements, floats, type Tensor, tensorOf } from '../../ir/tensor.ts'
import { widthsOf } from './channel-ties.ts'

export interface OwnLayer {
  node: Node
  weight: { name: ValueName; tensor: Tensor }
  bias: { name: ValueName; tensor: Tensor }
}

/** Who reads what in a graph, and which nodes are such layers. */
export function ownLayers(graph: Graph) {
  const readers = new Map<ValueName, Node[]>()
  for (const node of graph.nodes)
    for (const name of new Set(reads(node))) readers.set(name, [...(readers.get(name) ?? []), node])
  const own = (name: ValueName | null | undefined) => {
    const tensor = name == null || graph.inputs.includes(name) ? null : graph.values.get(name)?.data
    return tensor?.dtype === 'float32' && readers.get(name!)?.length === 1 ? { name: name!, tensor } : null
  }
  return {
    /** All that read a value; none where it is an output, and so must stay. */
    inside: (name: ValueName): readonly Node[] => (graph.outputs.includes(name) ? [] : (readers.get(name) ?? [])),
    layer(node: Node | undefined): OwnLayer | null {
      if (node?.domain !== '' || (node.op !== 'Conv' && node.op !== 'Gemm')) return null
      if (['transA', 'alpha', 'beta'].some(name => node.attrs.has(name))) return null
      const [weight, bias] = [own(node.inputs[1]), own(node.inputs[2])]
      return weight && bias && elements(bias.tensor) === widthsOf(node, weight.tensor).to
        ? { node, weight, bias }
        : null
    },
  }
}

export function padsWithZeros(node: Node): boolean {
  const auto = attrString(node, 'auto_pad', 'NOTSET')
  return auto.startsWith('SAME') || (auto === 'NOTSET' && (attrInts(node, 'pads') ?? []).some(n => n !== 0))
}

/** The same object where nothing is changed. */
export function withConstants(model: Model, changed: ReadonlyMap<ValueName, Float32Array>): Model {
  if (changed.size === 0) return model
  const graph = edit(model.graph, e => {
    for (const [name, data] of changed) {
      const value = e.value(name)!
      e.setValue({ ...value, data: tensorOf(floats(value.data!.shape, data)) })
    }
  })
  return { ...model, graph }
}
