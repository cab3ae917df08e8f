// What a model costs on one sample: multiply-accumulates, parameters, and the bytes that each node moves.
import { byteLength, elementCount, isFloat } from '../../base/dtype.ts'
import type { Graph, Model, Node, NodeId, ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { numeric } from '../../ops/dims.ts'
import { opOf } from '../../ops/lookup.ts'
import { atBatchOne } from './batch-one.ts'
import { constantValues, eachConstantRead } from './constants.ts'

export interface NodeCost {
  node: NodeId
  op: string
  macs: number
  /** Elements and bytes of the constants that it reads; a constant that several nodes read counts at each of them. */
  parameters: number
  weightBytes: number
  inputBytes: number // activations read
  outputBytes: number // activations written
  /** Of activations, read and written. */
  elements: number
}

export interface Cost {
  macs: number
  parameters: number
  weightBytes: number
  nodes: readonly NodeCost[]
  /** Nodes whose cost is not known, since a dimension is open or the operator is strange: the figures are lower bounds. */
  unknown: readonly NodeId[]
}

/** Costs for a batch of one where the file leaves the batch open. */
export function cost(model: Model): Cost {
  const { graph } = atBatchOne(model)
  const constant = constantValues(graph)
  const held = weightsByNode(graph)
  const unknown: NodeId[] = []
  const nodes = graph.nodes
    .filter(node => !node.outputs.every(name => name === null || constant.has(name)))
    .map(node => {
      const macs = macsOf(node, graph)
      if (macs === null) unknown.push(node.id)
      const own = [...(held.get(node.id)?.values() ?? [])]
      const moved = (names: readonly (ValueName | null)[], size = bytesOfValue): number =>
        names.reduce((n, name) => n + (name === null || constant.has(name) ? 0 : size(graph, name)), 0)
      const inputs = [...new Set(node.inputs)]
      return {
        node: node.id,
        op: node.op,
        macs: macs ?? 0,
        parameters: own.reduce((n, t) => n + elementCount(t.shape), 0),
        weightBytes: own.reduce((n, t) => n + bytesOfTensor(t), 0),
        inputBytes: moved(inputs),
        outputBytes: moved(node.outputs),
        elements: moved([...inputs, ...node.outputs], elementsOfValue),
      }
    })
  const weights = [...allWeights(graph)]
  return {
    macs: nodes.reduce((n, c) => n + c.macs, 0),
    parameters: weights.reduce((n, t) => n + elementCount(t.shape), 0),
    weightBytes: weights.reduce((n, t) => n + bytesOfTensor(t), 0),
    nodes,
    unknown,
  }
}

/** Null where a shape that matters is open or the operator is not known. */
function macsOf(node: Node, graph: Graph): number | null {
  const def = opOf(node)
  if (!def) return null
  if (!def.macs) return def.staysFloat ? null : 0
  const shape = (name: ValueName | null | undefined): readonly number[] | null =>
    name == null ? null : numeric(graph.values.get(name)?.shape ?? null)
  const given = [...node.inputs, node.outputs[0]].filter(name => name !== null)
  if (given.some(name => shape(name) === null)) return null
  return def.macs(node, { input: i => shape(node.inputs[i]), output: i => shape(node.outputs[i]) })
}

/**
 * Constants that are parameters: weights, biases and other float tensors, and the integers that a quantised operator reads;
 * no scales and zero points, no single numbers (bounds, exponents, padding), no indices.
 */
function isParameter(node: Node, input: number, { dtype, shape }: Tensor): boolean {
  const def = opOf(node)
  if (def?.scales?.includes(input)) return false
  if (def?.weight?.input === input || def?.weight?.bias === input) return true
  if (def?.scales !== undefined) return dtype !== 'int64'
  return isFloat(dtype) && elementCount(shape) > 1
}

/** A dequantised weight belongs to the nodes that read it. */
function weightsByNode(graph: Graph): Map<NodeId, Set<Tensor>> {
  const readers = new Map<ValueName, NodeId[]>()
  for (const node of graph.nodes)
    for (const name of node.inputs) if (name !== null) readers.set(name, [...(readers.get(name) ?? []), node.id])
  const held = new Map<NodeId, Set<Tensor>>()
  const put = (id: NodeId, tensor: Tensor): void => {
    const set = held.get(id)
    if (set) set.add(tensor)
    else held.set(id, new Set([tensor]))
  }
  eachConstantRead(graph, ({ node, input, tensor }) => {
    if (!isParameter(node, input, tensor)) return
    const out = node.outputs[0]
    if (node.op === 'DequantizeLinear' && out != null) for (const id of readers.get(out) ?? []) put(id, tensor)
    else put(node.id, tensor)
  })
  return held
}

function allWeights(graph: Graph): Set<Tensor> {
  const weights = new Set<Tensor>()
  eachConstantRead(graph, ({ node, input, tensor }) => {
    if (isParameter(node, input, tensor)) weights.add(tensor)
  })
  return weights
}

const bytesOfTensor = (tensor: Tensor): number => byteLength(tensor.dtype, elementCount(tensor.shape))

/** 0 where the shape is open. */
const elementsOfValue = (graph: Graph, name: ValueName): number =>
  elementCount(numeric(graph.values.get(name)?.shape ?? null) ?? [0])

/** Bytes of a value; 0 where its shape or type is open. */
export function bytesOfValue(graph: Graph, name: ValueName): number {
  const value = graph.values.get(name)
  const shape = numeric(value?.shape ?? null)
  return value?.dtype && shape ? byteLength(value.dtype, elementCount(shape)) : 0
}
