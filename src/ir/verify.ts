// What must hold of every graph: each value is defined once and before its use, and no cycle.
import { StudioError } from '../base/errors.ts'
import { type Graph, type Node, reads, subgraphs, type ValueName } from './model.ts'

/** Stable topological order; a cycle is an error that names the nodes on it. */
export function sortNodes(nodes: readonly Node[]): Node[] {
  const producer = new Map<ValueName, Node>()
  for (const node of nodes) for (const name of node.outputs) if (name !== null) producer.set(name, node)
  const state = new Map<Node, 'open' | 'done'>()
  const order: Node[] = []
  for (const root of nodes) {
    if (state.has(root)) continue
    const stack: { node: Node; waits: ValueName[] }[] = [{ node: root, waits: reads(root) }]
    state.set(root, 'open')
    while (stack.length > 0) {
      const top = stack[stack.length - 1]
      const name = top.waits.pop()
      if (name === undefined) {
        state.set(top.node, 'done')
        order.push(top.node)
        stack.pop()
        continue
      }
      const next = producer.get(name)
      if (!next || state.get(next) === 'done') continue
      if (state.get(next) === 'open') {
        const from = stack.findIndex(s => s.node === next)
        const cycle = stack.slice(from).map(s => s.node.id)
        throw new StudioError('invalid-graph', `The graph has a cycle: ${[...cycle, next.id].join(' → ')}`, {
          where: { node: next.id },
          hint: 'Export the model again; a computation graph must be free of cycles.',
        })
      }
      state.set(next, 'open')
      stack.push({ node: next, waits: reads(next) })
    }
  }
  return order
}

/** Throws where the graph breaks an invariant. `outer` are the values that surrounding graphs define. */
export function verify(graph: Graph, outer: ReadonlySet<ValueName> = new Set()): void {
  const defined = new Set<ValueName>(outer)
  for (const name of graph.inputs) defined.add(name)
  for (const value of graph.values.values()) if (value.data) defined.add(value.name)
  const ids = new Set<string>()
  for (const node of graph.nodes) {
    if (ids.has(node.id)) fail(`Two nodes have the id ${node.id}`, node)
    ids.add(node.id)
    for (const name of reads(node))
      if (!defined.has(name))
        fail(`Node ${node.id} reads ${name}, which no node, input or initializer defines before it`, node, name)
    for (const sub of subgraphs(node)) verify(sub, defined)
    for (const name of node.outputs) {
      if (name === null) continue
      if (defined.has(name)) fail(`The value ${name} is defined twice, the second time by node ${node.id}`, node, name)
      defined.add(name)
    }
  }
  for (const name of graph.outputs)
    if (!defined.has(name)) fail(`The graph output ${name} is defined by no node`, null, name)
}

function fail(message: string, node: Node | null, value?: string): never {
  throw new StudioError('invalid-graph', message, {
    where: { ...(node ? { node: node.id } : {}), ...(value ? { value } : {}) },
    hint: 'Check the model with the tool that exported it and export it again.',
  })
}
