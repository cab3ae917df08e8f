// What a Relu or Clip bounds its output to.
import { viewAs } from '../base/dtype.ts'
import type { Graph, Node, ValueName } from '../ir/model.ts'
import type { Range } from '../ir/quant.ts'

/** Null where a bound is computed at run time, or the node is no Relu or Clip (opset 11 or newer). */
export function outputBounds(node: Node, graph: Graph): Range | null {
  if (node.op === 'Relu') return { min: 0, max: Number.POSITIVE_INFINITY }
  if (node.op !== 'Clip' || node.attrs.has('min') || node.attrs.has('max')) return null
  const min = bound(node.inputs[1], graph, Number.NEGATIVE_INFINITY)
  const max = bound(node.inputs[2], graph, Number.POSITIVE_INFINITY)
  return min === null || max === null ? null : { min, max }
}

function bound(name: ValueName | null | undefined, graph: Graph, open: number): number | null {
  if (name == null) return open
  const tensor = graph.inputs.includes(name) ? null : graph.values.get(name)?.data
  return tensor?.dtype === 'float32' && tensor.data instanceof Uint8Array
    ? (viewAs('float32', tensor.data) as Float32Array)[0]
    : null
}
