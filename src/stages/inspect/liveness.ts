// Peak memory of activations: each tensor lives from the node that makes it to the last that reads it, inputs from the start and
// outputs to the end; the peak is the node during which the most bytes live. Weights are not counted, and in-place
// execution is not assumed. A view is the memory of its base.
// In a QDQ graph an operator between DequantizeLinear and QuantizeLinear runs on the integers: its float tensors are no memory.
import { type Graph, type Model, type Node, type NodeId, reads, type ValueName } from '../../ir/model.ts'
import { numeric } from '../../ops/dims.ts'
import { isElementwise, isView } from '../../ops/facts.ts'
import { atBatchOne } from './batch-one.ts'
import { constantValues } from './constants.ts'
import { bytesOfValue } from './cost.ts'

export interface PeakActivations {
  bytes: number
  /** The node during which it is reached; null for a graph without nodes. */
  at: NodeId | null
  live: readonly { value: ValueName; bytes: number }[] // largest first
  /** Values whose size is not known; the figure is a lower bound. */
  unknown: readonly ValueName[]
}

/** What lives while, in the order of the nodes. */
export interface Liveness {
  /** Bytes that live during each node. */
  bytes: readonly number[]
  /** Each memory by the value that it is named after, from the node that makes it to the last that reads it, by position. */
  values: readonly { value: ValueName; bytes: number; from: number; to: number }[]
  unknown: readonly ValueName[]
}

/** For a batch of one where the file leaves the batch open, in the order of the nodes. */
export function peakActivations(model: Model): PeakActivations {
  const { bytes, values, unknown } = liveness(model)
  const at = peakOf(bytes)
  const live = values
    .filter(({ from, to }) => from <= at && at <= to)
    .map(({ value, bytes }) => ({ value, bytes }))
    .sort((a, b) => b.bytes - a.bytes)
  return { bytes: bytes[at] ?? 0, at: model.graph.nodes[at]?.id ?? null, live, unknown }
}

/** Position of the node during which the most lives; the first of equals. */
export const peakOf = (bytes: readonly number[]): number =>
  bytes.reduce((best, now, step) => (now > bytes[best] ? step : best), 0)

/** For a batch of one where the file leaves the batch open. */
export function liveness(model: Model): Liveness {
  const { graph } = atBatchOne(model)
  const constant = constantValues(graph)
  const baseOf = aliases(graph, constant)
  const spans = new Map<ValueName, { from: number; to: number }>()
  const touch = (name: ValueName, step: number): void => {
    if (constant.has(name)) return
    const base = baseOf(name)
    const span = spans.get(base)
    if (!span) spans.set(base, { from: step, to: step })
    else {
      span.from = Math.min(span.from, step)
      span.to = Math.max(span.to, step)
    }
  }
  for (const name of graph.inputs) touch(name, 0)
  graph.nodes.forEach((node, step) => {
    for (const name of reads(node)) touch(name, step)
    for (const name of node.outputs) if (name !== null) touch(name, step)
  })
  for (const name of graph.outputs) touch(name, graph.nodes.length - 1)

  const change = new Float64Array(graph.nodes.length + 1)
  const values = [...spans].map(([value, span]) => ({ value, bytes: bytesOfValue(graph, value), ...span }))
  for (const { bytes, from, to } of values) {
    change[from] += bytes
    change[to + 1] -= bytes
  }
  let now = 0
  const bytes = graph.nodes.map((_, step) => {
    now += change[step]
    return now
  })
  const unknown = [...spans.keys()].filter(name => numeric(graph.values.get(name)?.shape ?? null) === null)
  return { bytes, values, unknown }
}

/** The value whose memory a value is. */
function aliases(graph: Graph, constant: ReadonlySet<ValueName>): (name: ValueName) => ValueName {
  const base = new Map<ValueName, ValueName>()
  const resolve = (name: ValueName): ValueName => {
    const next = base.get(name)
    return next === undefined ? name : resolve(next)
  }
  const link = (name: ValueName, to: ValueName): void => {
    if (resolve(name) !== resolve(to)) base.set(resolve(name), resolve(to))
  }
  for (const node of graph.nodes) {
    const [from] = node.inputs
    const [to] = node.outputs
    if (isView(node) && from != null && to != null && !constant.has(from)) link(to, from)
  }
  linkIntegers(graph, constant, link)
  return resolve
}

/** Float tensors between DequantizeLinear and QuantizeLinear become the integers beside them. */
function linkIntegers(
  graph: Graph,
  constant: ReadonlySet<ValueName>,
  link: (name: ValueName, to: ValueName) => void,
): void {
  const producer = new Map<ValueName, Node>()
  const readers = new Map<ValueName, Node[]>()
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name !== null) producer.set(name, node)
    for (const name of new Set(reads(node))) readers.set(name, [...(readers.get(name) ?? []), node])
  }
  const outputs = new Set(graph.outputs)
  const dequantized = (name: ValueName): boolean => producer.get(name)?.op === 'DequantizeLinear'
  const active = (node: Node): ValueName[] => node.inputs.filter(name => name !== null).filter(n => !constant.has(n))

  const integer = new Set<Node>()
  for (const quantize of graph.nodes) {
    if (quantize.op !== 'QuantizeLinear') continue
    const chain: ValueName[] = []
    let name = quantize.inputs[0]
    // Activations that fuse into the operator before them stand between it and the QuantizeLinear.
    while (name != null && readers.get(name)?.length === 1 && !outputs.has(name)) {
      chain.push(name)
      const node = producer.get(name)
      const inputs = node ? active(node) : []
      if (node && inputs.length > 0 && inputs.every(dequantized)) {
        integer.add(node)
        for (const value of chain) link(value, quantize.outputs[0] ?? value)
        break
      }
      name = node && isElementwise(node) && inputs.length === 1 ? inputs[0] : null
    }
  }
  for (const node of graph.nodes) {
    const [from] = node.inputs
    const [to] = node.outputs
    if (node.op !== 'DequantizeLinear' || from == null || to == null || constant.has(from) || outputs.has(to)) continue
    if (readers.get(to)?.every(reader => integer.has(reader))) link(to, from)
  }
}
