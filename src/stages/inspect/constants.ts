// Which values do not depend on the inputs, and the tensors that they are made of.
import { attrTensor, type Graph, type Node, subgraphs, type ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { isPure } from '../../ops/facts.ts'

/** Initializers, Constant nodes, and whatever is computed from those alone (dequantised weights, for one). */
export function constantValues(graph: Graph): Set<ValueName> {
  const constant = new Set<ValueName>()
  for (const value of graph.values.values()) if (value.data) constant.add(value.name)
  for (const node of graph.nodes) {
    if (subgraphs(node).length > 0 || !isPure(node)) continue
    if (!node.inputs.every(name => name === null || constant.has(name))) continue
    for (const name of node.outputs) if (name !== null) constant.add(name)
  }
  return constant
}

/** The tensor of an initializer, or of the Constant node that makes a value. */
export function constantTensors(graph: Graph): Map<ValueName, Tensor> {
  const tensors = new Map<ValueName, Tensor>()
  for (const value of graph.values.values()) if (value.data) tensors.set(value.name, value.data)
  for (const node of graph.nodes) {
    const tensor = node.op === 'Constant' ? attrTensor(node, 'value') : null
    const name = node.outputs[0]
    if (tensor && name != null) tensors.set(name, tensor)
  }
  return tensors
}

/** Calls `visit` for each constant tensor that a node reads, in bodies of control flow too. */
export function eachConstantRead(
  graph: Graph,
  visit: (read: { node: Node; input: number; value: ValueName; tensor: Tensor }) => void,
  outer: ReadonlyMap<ValueName, Tensor> = new Map(),
): void {
  const tensors = new Map([...outer, ...constantTensors(graph)])
  for (const node of graph.nodes) {
    node.inputs.forEach((value, input) => {
      const tensor = value === null ? undefined : tensors.get(value)
      if (value !== null && tensor) visit({ node, input, value, tensor })
    })
    for (const body of subgraphs(node)) eachConstantRead(body, visit, tensors)
  }
}
