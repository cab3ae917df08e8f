// One operator alone as the quantised model computes it, all others in float: what its own roundings cost the whole network, all
// together and each kind by itself.
import { edit } from '../../ir/edit.ts'
import { withLevelFunctions } from '../../ir/level-functions.ts'
import type { Graph, Model, Node, NodeId, ValueName } from '../../ir/model.ts'
import type { QuantPlan } from '../../ir/quant.ts'
import { addRounding } from '../../ir/rounding.ts'
import { copyConstant, roundTrip } from './branches.ts'

/** What an operator rounds: its constants, inputs that no other operator of few bits made, and its output. */
export type Rounded = 'weights' | 'input' | 'output'

/** An operator of few bits, with the function that is fused behind it. */
export interface Unit {
  node: Node
  /** What is fused behind it; null: nothing. */
  fused: Node | null
  output: ValueName
}

/** Operators that round something themselves, in graph order. */
export function unitsOf(float: Model, plan: QuantPlan): Unit[] {
  const { nodes } = float.graph
  const low = (node: Node): boolean => plan.quantized.has(node.id) || plan.weightOnly.has(node.id)
  const fusedBehind = (node: Node): Node | null => {
    const output = node.outputs[0]!
    if (plan.activations.has(output) || !plan.quantized.has(node.id)) return null
    const next = nodes.filter(n => n.inputs.includes(output))
    return next.length === 1 && plan.quantized.has(next[0].id) && next[0].inputs[0] === output ? next[0] : null
  }
  const units: Unit[] = []
  const fused = new Set<NodeId>()
  for (const node of nodes) {
    if (!low(node) || fused.has(node.id)) continue
    const behind = fusedBehind(node)
    if (behind) fused.add(behind.id)
    units.push({ node, fused: behind, output: (behind ?? node).outputs[0]! })
  }
  return units
}

/** The float model in which one operator alone rounds what is asked. Names of values stay. */
export function alone(
  float: Model,
  quantized: Model,
  plan: QuantPlan,
  { node, fused, output }: Unit,
  kinds: readonly Rounded[],
): Model {
  const twins = new Map(quantized.graph.nodes.map(n => [n.id, n]))
  const makers = new Map(quantized.graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)))
  const madeLow = madeInFewBits(float.graph, plan)
  const graph = edit(float.graph, editor => {
    for (const each of fused ? [node, fused] : [node]) {
      const twin = twins.get(each.id)
      if (!twin) continue
      const inputs = each.inputs.map((name, i) => {
        if (name === null) return null
        if (float.graph.values.get(name)?.data)
          return kinds.includes('weights') ? copyConstant(editor, quantized, makers, twin.inputs[i]!) : name
        const rounds = kinds.includes('input') && !madeLow.has(name)
        return (rounds ? roundTrip(editor, name, plan.activations.get(name)) : null) ?? name
      })
      editor.updateNode(each.id, { inputs })
    }
    const params = kinds.includes('output') ? plan.activations.get(output) : undefined
    if (!params) return
    const exact = editor.freshName(`${output}__exact`)
    const last = fused ?? node
    editor.updateNode(last.id, { outputs: [exact, ...last.outputs.slice(1)] })
    addRounding(editor, `${output}__local`, exact, output, params, [])
  })
  return withLevelFunctions({ ...float, graph })
}

const madeInFewBits = ({ nodes }: Graph, plan: QuantPlan): Set<ValueName | null> =>
  new Set(nodes.filter(n => plan.quantized.has(n.id)).flatMap(n => n.outputs))
