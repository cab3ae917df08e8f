// One constant read in two roles gets a copy for each: as a weight along one axis, along another, as a bias and as an operand its
// integers are different ones. Several readers in one role go on sharing.
import { edit } from '../../ir/edit.ts'
import type { Model, Node, ValueName } from '../../ir/model.ts'
import { weightOf } from '../../ops/facts.ts'

/** The same model, every constant in one role. */
export function separateRoles(model: Model): Model {
  const { graph } = model
  const copies = new Map<ValueName, Map<string, ValueName>>()
  const changed = edit(graph, editor => {
    const copyFor = (name: ValueName, role: string): ValueName => {
      const tensor = editor.constant(name)
      if (!tensor) return name
      const known = copies.get(name) ?? new Map<string, ValueName>()
      copies.set(name, known)
      // The first role keeps the name.
      if (!known.has(role)) known.set(role, known.size === 0 ? name : editor.addInitializer(`${name}_copy`, tensor))
      return known.get(role)!
    }
    for (const node of graph.nodes) {
      const inputs = node.inputs.map((name, i) => (name === null ? null : copyFor(name, roleOf(node, i, model))))
      if (inputs.some((name, i) => name !== node.inputs[i])) editor.updateNode(node.id, { inputs })
    }
  })
  return changed === graph ? model : { ...model, graph: changed }
}

function roleOf(node: Node, input: number, model: Model): string {
  const weight = weightOf(node, model.graph)
  if (weight?.input === input) return `weight along ${weight.axis}`
  return weight?.bias?.input === input ? 'bias' : 'operand'
}
