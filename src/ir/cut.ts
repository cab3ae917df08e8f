// The part of a graph that makes given outputs from given inputs.
import { StudioError } from '../base/errors.ts'
import { edit } from './edit.ts'
import { type Graph, type Model, type Node, reads, requiredInputs, type ValueName } from './model.ts'

/** Empty lists keep what the model has. Initializers and nodes that are no longer needed go. */
export function cutGraph(model: Model, inputs: readonly ValueName[], outputs: readonly ValueName[]): Model {
  const { graph } = model
  if (inputs.length === 0 && outputs.length === 0) return model
  const producers = new Map<ValueName, Node>(
    graph.nodes.flatMap(n => n.outputs.filter(o => o !== null).map(o => [o, n] as const)),
  )
  const known = (name: ValueName): boolean => producers.has(name) || graph.inputs.includes(name)
  for (const name of [...inputs, ...outputs])
    if (!known(name))
      throw new StudioError('usage', `The model has no value ${name} to cut at`, {
        where: { value: name },
        hint: `Use the name of a node's output; the outputs now are ${graph.outputs.join(', ')}.`,
      })
  const ends = outputs.length > 0 ? outputs : graph.outputs
  const starts = new Set(inputs.length > 0 ? inputs : graph.inputs)
  const keep = new Set<Node>()
  const used = new Set<ValueName>(ends)
  const waiting = [...ends]
  while (waiting.length > 0) {
    const name = waiting.pop()!
    const node = starts.has(name) ? undefined : producers.get(name)
    if (!node || keep.has(node)) continue
    keep.add(node)
    for (const read of reads(node)) {
      used.add(read)
      waiting.push(read)
    }
  }
  const missing = requiredInputs(graph).filter(name => used.has(name) && !starts.has(name))
  if (missing.length > 0)
    throw new StudioError('usage', `The outputs ${ends.join(', ')} also need the input ${missing.join(', ')}`, {
      where: { value: missing[0] },
      hint: `Add ${missing.join(', ')} to the inputs of the cut.`,
    })
  const cut = edit(graph, editor => {
    editor.setOutputs(ends)
    editor.setInputs([...starts].filter(name => used.has(name)))
    for (const node of graph.nodes) if (!keep.has(node)) editor.removeNode(node.id)
    for (const value of graph.values.values()) if (value.data && !used.has(value.name)) editor.dropValue(value.name)
  })
  return { ...model, graph: cut }
}

/** The nodes that `ends` depend on, in their order. */
export function leadingTo(graph: Graph, ends: readonly ValueName[]): Node[] {
  const needed = new Set(ends)
  const kept: Node[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some(o => o !== null && needed.has(o))) continue
    for (const name of reads(node)) needed.add(name)
    kept.unshift(node)
  }
  return kept
}
