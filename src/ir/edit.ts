// The only way to change a graph: an editor that keeps use-def chains while the change is made, refuses to leave a use
// without its definition, and gives a new graph that shares every untouched node and tensor.
import { StudioError } from '../base/errors.ts'
import { type Attr, type Graph, type Node, type NodeId, reads, subgraphs, type Value, type ValueName } from './model.ts'
import type { Tensor } from './tensor.ts'
import { sortNodes } from './verify.ts'

export interface NewNode {
  op: string
  domain?: string
  name?: string
  inputs: readonly (ValueName | null)[]
  outputs: readonly (ValueName | null)[]
  attrs?: Iterable<readonly [string, Attr]>
  origin: readonly string[]
}

export interface Editor {
  nodes(): Node[]
  node(id: NodeId): Node | null
  value(name: ValueName): Value | null
  /** The node that makes a value; null for inputs, initializers and values of surrounding graphs. */
  producer(name: ValueName): Node | null
  /** Nodes that read a value, through subgraphs too, each once. */
  consumers(name: ValueName): Node[]
  isInput(name: ValueName): boolean
  isOutput(name: ValueName): boolean
  /** The initializer's tensor, or null. A value that a caller may override (a listed input) is not constant. */
  constant(name: ValueName | null): Tensor | null
  /** A value name that is not taken, near the one that is wished for. */
  freshName(wish: string): ValueName
  addInitializer(wish: string, tensor: Tensor): ValueName
  setValue(value: Value): void
  /** Forgets an initializer or a declared value; it must have no reader left. */
  dropValue(name: ValueName): void
  addNode(node: NewNode): Node
  /** New inputs, outputs, attributes or origin for a node; its id stays. */
  updateNode(id: NodeId, patch: Partial<Omit<Node, 'id'>>): Node
  removeNode(id: NodeId): void
  /** Every reader of `from`, in subgraphs too, reads `to`. Graph outputs are not touched. */
  replaceUses(from: ValueName, to: ValueName): void
  /**
   * All that read `from` read `to` instead, graph outputs included: an output keeps its name, by giving that name to the
   * value behind `to`. False, and nothing done, where that cannot be (`to` is an input, initializer or another output).
   */
  forward(from: ValueName, to: ValueName): boolean
  setOutputs(outputs: readonly ValueName[]): void
  setInputs(inputs: readonly ValueName[]): void
}

/** A new graph with the change applied; the same object when nothing was changed. Removes nothing by itself. */
export function edit(graph: Graph, change: (editor: Editor) => void): Graph {
  const nodes = new Map<NodeId, Node>(graph.nodes.map(n => [n.id, n]))
  const values = new Map(graph.values)
  let inputs = graph.inputs
  let outputs = graph.outputs
  let changed = false

  const producers = new Map<ValueName, NodeId>()
  const consumers = new Map<ValueName, Set<NodeId>>()
  const link = (node: Node): void => {
    for (const name of node.outputs) if (name !== null) producers.set(name, node.id)
    for (const name of reads(node)) {
      const set = consumers.get(name)
      if (set) set.add(node.id)
      else consumers.set(name, new Set([node.id]))
    }
  }
  const unlink = (node: Node): void => {
    for (const name of node.outputs) if (name !== null && producers.get(name) === node.id) producers.delete(name)
    for (const name of reads(node)) consumers.get(name)?.delete(node.id)
  }
  for (const node of nodes.values()) link(node)

  // Names inside subgraphs count as taken too: a subgraph may not shadow a value around it.
  const taken = new Set<string>([...values.keys(), ...producers.keys(), ...consumers.keys()])
  const collect = (g: Graph): void => {
    for (const name of g.values.keys()) taken.add(name)
    for (const node of g.nodes) {
      for (const name of node.outputs) if (name !== null) taken.add(name)
      for (const sub of subgraphs(node)) collect(sub)
    }
  }
  for (const node of nodes.values()) for (const sub of subgraphs(node)) collect(sub)

  const must = (id: NodeId): Node => {
    const node = nodes.get(id)
    if (!node)
      throw new StudioError('internal', `No node ${id} in the graph being edited`, {
        where: { node: id },
        hint: 'Report this.',
      })
    return node
  }
  const put = (node: Node): void => {
    const old = nodes.get(node.id)
    if (old) unlink(old)
    nodes.set(node.id, node)
    link(node)
    changed = true
  }

  const editor: Editor = {
    nodes: () => [...nodes.values()],
    node: id => nodes.get(id) ?? null,
    value: name => values.get(name) ?? null,
    producer: name => {
      const id = producers.get(name)
      return id === undefined ? null : must(id)
    },
    consumers: name => [...(consumers.get(name) ?? [])].map(must),
    isInput: name => inputs.includes(name),
    isOutput: name => outputs.includes(name),
    constant: name => (name === null || inputs.includes(name) ? null : (values.get(name)?.data ?? null)),
    freshName: wish => {
      let name = wish
      for (let i = 1; taken.has(name); i++) name = `${wish}_${i}`
      taken.add(name)
      return name
    },
    addInitializer: (wish, tensor) => {
      const name = editor.freshName(wish)
      editor.setValue({ name, dtype: tensor.dtype, shape: tensor.shape, data: tensor })
      return name
    },
    setValue: value => {
      values.set(value.name, value)
      taken.add(value.name)
      changed = true
    },
    dropValue: name => {
      values.delete(name)
      changed = true
    },
    addNode: n => {
      const base = n.name || (n.outputs.find(o => o !== null) ?? n.op)
      let id = base
      for (let i = 1; nodes.has(id); i++) id = `${base}_${i}`
      for (const name of n.outputs) if (name !== null) taken.add(name)
      const node: Node = {
        id,
        op: n.op,
        domain: n.domain ?? '',
        name: n.name ?? id,
        inputs: n.inputs,
        outputs: n.outputs,
        attrs: new Map(n.attrs ?? []),
        origin: n.origin,
      }
      put(node)
      return node
    },
    updateNode: (id, patch) => {
      const node = { ...must(id), ...patch, id }
      put(node)
      return node
    },
    removeNode: id => {
      unlink(must(id))
      nodes.delete(id)
      changed = true
    },
    replaceUses: (from, to) => {
      for (const id of [...(consumers.get(from) ?? [])]) put(renameReads(must(id), from, to))
    },
    forward: (from, to) => {
      if (!outputs.includes(from)) {
        editor.replaceUses(from, to)
        return true
      }
      const source = editor.producer(to)
      if (!source || outputs.includes(to)) return false
      const old = editor.producer(from)
      if (old) editor.updateNode(old.id, { outputs: old.outputs.map(o => (o === from ? null : o)) })
      editor.updateNode(source.id, { outputs: source.outputs.map(o => (o === to ? from : o)) })
      editor.replaceUses(to, from)
      values.delete(to)
      return true
    },
    setOutputs: names => {
      outputs = names
      changed = true
    },
    setInputs: names => {
      inputs = names
      changed = true
    },
  }

  change(editor)
  if (!changed) return graph

  for (const name of [...consumers.keys(), ...outputs]) {
    const used = outputs.includes(name) || (consumers.get(name)?.size ?? 0) > 0
    const known = producers.has(name) || inputs.includes(name) || values.get(name)?.data != null
    const before = graph.values.has(name) || graph.nodes.some(n => n.outputs.includes(name))
    // A name that this graph never defined belongs to a graph around it.
    if (used && !known && before)
      throw new StudioError('internal', `The edit leaves ${name} without a definition`, {
        where: { value: name },
        hint: 'Report this.',
      })
  }
  return { ...graph, inputs, outputs, values, nodes: sortNodes([...nodes.values()]) }
}

function renameReads(node: Node, from: ValueName, to: ValueName): Node {
  const inputs = node.inputs.map(name => (name === from ? to : name))
  if (subgraphs(node).length === 0) return { ...node, inputs }
  const attrs = new Map<string, Attr>()
  for (const [key, attr] of node.attrs) {
    if (attr.kind === 'graph') attrs.set(key, { kind: 'graph', value: renameInGraph(attr.value, from, to) })
    else if (attr.kind === 'graphs')
      attrs.set(key, { kind: 'graphs', value: attr.value.map(g => renameInGraph(g, from, to)) })
    else attrs.set(key, attr)
  }
  return { ...node, inputs, attrs }
}

function renameInGraph(graph: Graph, from: ValueName, to: ValueName): Graph {
  return {
    ...graph,
    outputs: graph.outputs.map(name => (name === from ? to : name)),
    nodes: graph.nodes.map(node => renameReads(node, from, to)),
  }
}
