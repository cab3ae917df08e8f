// Facts about nodes, for stages to ask instead of listing operator names.
import { isFloat } from '../base/dtype.ts'
import { attrInt, type Graph, type Node, subgraphs, type ValueName } from '../ir/model.ts'
import { opOf } from './lookup.ts'

export interface WeightFact {
  /** Position of the weight among the node's inputs, and its name. */
  input: number
  name: ValueName
  /** Axis of the output channels; null: only one scale for the whole tensor makes sense. */
  axis: number | null
  /** Convolutions: groups; 1 elsewhere. In a ConvTranspose with groups, the channels along `axis` are those of one group. */
  groups: number
  /** Each output channel reads one input channel only. */
  depthwise: boolean
  /** A table of which rows are picked, as embeddings are: nothing is multiplied. */
  lookup: boolean
  /** Where the bias is or could be (`name` null); null for operators that take none. */
  bias: { input: number; name: ValueName | null } | null
}

/** The constant weight that a node multiplies by or picks rows of; null where it has none. */
export function weightOf(node: Node, graph: Graph): WeightFact | null {
  const slot = opOf(node)?.weight
  const name = slot && node.inputs[slot.input]
  if (!slot || name == null) return null
  const tensor = graph.values.get(name)?.data
  if (!tensor) return null
  const axis = slot.axis(node, tensor.shape.length)
  const lookup = slot.lookup === true
  if (lookup && (axis === null || !isFloat(tensor.dtype))) return null
  const groups = attrInt(node, 'group', 1)
  const channelsPerGroup = axis === 1 && node.op === 'ConvTranspose' ? tensor.shape[0] / groups : tensor.shape[1]
  return {
    input: slot.input,
    name,
    axis,
    groups,
    lookup,
    depthwise: groups > 1 && channelsPerGroup === 1,
    bias: slot.bias === null ? null : { input: slot.bias, name: node.inputs[slot.bias] ?? null },
  }
}

/** Each output element depends on the input elements at its position alone. */
export const isElementwise = (node: Node): boolean => opOf(node)?.kind === 'elementwise'

/** Output elements are input elements, moved: no arithmetic. */
export const isLayoutOnly = (node: Node): boolean => opOf(node)?.kind === 'layout'

/** The first output can be the memory of the first input. */
export const isView = (node: Node): boolean => opOf(node)?.view === true

/** Equal inputs give equal outputs, and nothing else happens. What we do not know is not pure. */
export function isPure(node: Node): boolean {
  const def = opOf(node)
  if (!def || def.random?.(node)) return false
  return subgraphs(node).every(g => g.nodes.every(isPure))
}

/** Why the node is computed in float whatever is asked; null for all others. */
export const staysFloat = (node: Node): string | null => opOf(node)?.staysFloat ?? null
