// Nodes whose outputs nobody needs go, then the initializers and declared values that nothing names. Bodies of If, Loop and Scan count
// as readers of what they capture.
import { type Node, reads, type ValueName } from '../../ir/model.ts'
import type { Change, Pass } from './types.ts'

export const eliminateDeadCode = {
  id: 'eliminate-dead-code',
  label: 'Remove what no output needs',
  level: 'exact',
  run(model) {
    const { graph } = model
    const needed = new Set<ValueName>(graph.outputs)
    const live: Node[] = []
    const changes: Change[] = []
    for (const node of graph.nodes.toReversed()) {
      if (node.outputs.some(name => name !== null && needed.has(name))) {
        live.push(node)
        for (const name of reads(node)) needed.add(name)
      } else changes.push({ node: node.id, what: `${node.op}, whose result nothing uses` })
    }
    const named = new Set<ValueName>([...needed, ...graph.inputs])
    for (const node of live) for (const name of node.outputs) if (name !== null) named.add(name)
    let forgotten = false
    for (const value of graph.values.values()) {
      if (named.has(value.name)) continue
      forgotten = true
      if (value.data) changes.push({ node: value.name, what: 'initializer that nothing uses' })
    }
    if (changes.length === 0 && !forgotten) return { model, changes, skipped: [] }
    const values = new Map([...graph.values].filter(([name]) => named.has(name)))
    return { model: { ...model, graph: { ...graph, nodes: live.reverse(), values } }, changes, skipped: [] }
  },
} as const satisfies Pass
