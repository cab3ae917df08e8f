// What float16 cannot hold: it ends at 65504, and a sum of more than 2^11 numbers loses the small ones. Nodes around such values are
// kept in float32: those that were seen to be large, or, with nothing seen, those that may grow without bound, up to where a root, a
// quotient or a bounded function brings them back.
import { type Graph, type Node, type NodeId, reads, type ValueName } from '../../ir/model.ts'
import type { Observation } from '../../ir/quant.ts'

// Half of what fits, since other samples may go further than those that were seen.
const seenLimit = 65504 / 2
const longestSum = 2048

const unbounded: readonly string[] = [
  'Exp',
  'Pow',
  'CumSum',
  'ReduceSumSquare',
  'ReduceProd',
  'ReduceLogSumExp',
  'ReduceL2',
]
const carriesOn: readonly string[] = [
  ...['Add', 'Sub', 'Mul', 'Sum', 'Neg', 'Abs', 'Max', 'Min', 'Relu', 'Identity', 'Where', 'Concat', 'Split', 'Slice'],
  ...['Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten', 'Expand', 'Gather', 'Pad', 'Tile'],
  ...['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'GlobalAveragePool', 'AveragePool', 'MaxPool'],
]
const sums: readonly string[] = [
  'ReduceSum',
  'ReduceMean',
  'ReduceL1',
  'ReduceL2',
  'ReduceSumSquare',
  'GlobalAveragePool',
]

/** Why a node cannot be computed in float16, by node. `seen` holds ranges of float values, where there were samples. */
export function beyondHalf(graph: Graph, seen: ReadonlyMap<ValueName, Observation> | null): Map<NodeId, string> {
  const wide = new Set<ValueName>()
  if (seen) {
    for (const { value, min, max, infinite } of seen.values())
      if (Math.max(-min, max) > seenLimit || infinite > 0) wide.add(value)
  } else {
    for (const node of graph.nodes)
      if (unbounded.includes(node.op) || (carriesOn.includes(node.op) && reads(node).some(name => wide.has(name))))
        for (const name of node.outputs) if (name !== null) wide.add(name)
  }
  const why = new Map<NodeId, string>()
  for (const node of graph.nodes) {
    const large = [...reads(node), ...node.outputs].find(name => name !== null && wide.has(name))
    if (large !== undefined)
      why.set(node.id, `${large} ${seen ? 'was seen to' : 'may'} come near or beyond 65504, where float16 ends`)
    else if (sums.includes(node.op) && !(lengthOfSum(node, graph) <= longestSum))
      why.set(node.id, `it adds up more than ${longestSum} numbers, of which float16 would lose the small ones`)
  }
  return why
}

/** How many elements go into one of the output; NaN where shapes do not say. */
function lengthOfSum(node: Node, graph: Graph): number {
  const count = (name: ValueName | null | undefined): number => {
    const shape = name == null ? null : graph.values.get(name)?.shape
    // Open dimensions are the same at both ends; a lone batch does not count.
    return shape ? shape.reduce<number>((n, d) => (typeof d === 'number' ? n * d : n), 1) : Number.NaN
  }
  return count(node.inputs[0]) / Math.max(1, count(node.outputs[0]))
}
