// What a model costs from node to node, in the order in which it runs: the activations that live, the work, and the numbers that are moved.
import type { Model, NodeId, ValueName } from '../ir/model.ts'
import { cost } from '../stages/inspect/cost.ts'
import { liveness, peakOf } from '../stages/inspect/liveness.ts'

export interface NodeCosts {
  node: NodeId
  op: string
  /** Bytes of the activations that live during it. */
  live: number
  macs: number
  /** Numbers that it reads and writes at the least: activations and weights, each once. */
  moved: number
}

export interface Costs {
  nodes: NodeCosts[] // without those that make constants
  /** Each activation's memory, from the position of the node that makes it to that of the last that reads it. */
  values: { value: ValueName; bytes: number; from: number; to: number }[]
  /** Position of the node during which the most lives. */
  peak: number
  /** Values of open size, which are not counted. */
  unknown: number
}

/** For one sample where the batch is open. */
export function costsOf(model: Model): Costs {
  const { bytes, values, unknown } = liveness(model)
  const known = new Map(cost(model).nodes.map(entry => [entry.node, entry]))
  const all = model.graph.nodes.map((node, k) => ({ node, live: bytes[k], cost: known.get(node.id) }))
  // What only makes constants is done when the model is loaded.
  const position: number[] = []
  const nodes: NodeCosts[] = []
  for (const { node, live, cost } of all) {
    position.push(nodes.length)
    if (!cost) continue
    const { macs, parameters, elements } = cost
    nodes.push({ node: node.id, op: node.op, live, macs, moved: parameters + elements })
  }
  const last = nodes.length - 1
  const live = values.map(({ value, bytes, from, to }) => ({
    value,
    bytes,
    from: Math.min(position[from], last),
    to: all[to].cost ? position[to] : position[to] - 1,
  }))
  return {
    nodes,
    values: live.filter(({ from, to }) => from <= to),
    peak: peakOf(nodes.map(node => node.live)),
    unknown: unknown.length,
  }
}
