// Old exporters list the weights as inputs too. In IR version 3 that is the rule, and runtimes let no caller override them (ONNX Runtime:
// Graph::CanOverrideInitializer, from version 4): all leave the list, and the model becomes version 4, which differs in that only. From
// version 4 on a listed initializer is the default of an optional input: only what layers use as weight or parameter leaves the list.
import type { Graph, ValueName } from '../../ir/model.ts'
import { weightOf } from '../../ops/facts.ts'
import { isOp } from './rule.ts'
import type { Change, Pass, Skipped } from './types.ts'

export const unlistInitializers = {
  id: 'unlist-initializers',
  label: 'Take weights off the list of inputs',
  level: 'exact',
  run(model) {
    const { graph } = model
    const changes: Change[] = []
    const skipped: Skipped[] = []
    const weights = model.irVersion < 4 ? null : weightsOf(graph)
    const leaving = new Set<ValueName>()
    for (const name of graph.inputs) {
      if (!graph.values.get(name)?.data) continue
      if (weights && !weights.has(name)) skipped.push({ node: name, why: 'a caller may give another value' })
      else {
        leaving.add(name)
        changes.push({ node: name, what: 'was listed as an input, so that a caller could override it' })
      }
    }
    if (changes.length === 0) return { model, changes, skipped }
    const inputs = graph.inputs.filter(name => !leaving.has(name))
    return {
      model: { ...model, irVersion: Math.max(model.irVersion, 4), graph: { ...graph, inputs } },
      changes,
      skipped,
    }
  },
} as const satisfies Pass

/** Initializers that are a weight, a bias or a parameter of BatchNormalization somewhere. */
function weightsOf(graph: Graph): Set<ValueName> {
  const found = new Set<ValueName>()
  const add = (name: ValueName | null | undefined): void => {
    if (name != null && graph.values.get(name)?.data) found.add(name)
  }
  for (const node of graph.nodes) {
    const weight = weightOf(node, graph)
    add(weight?.name)
    add(weight?.bias?.name)
    if (isOp(node, 'BatchNormalization')) for (const name of node.inputs.slice(1)) add(name)
  }
  return found
}
