// Outputs whose scale the target's kernels prescribe: a softmax of TensorFlow Lite is 1/256 with zero point -128, whatever was observed.
import type { Graph, ValueName } from '../../ir/model.ts'
import type { Target } from '../../ir/target.ts'

export interface Fixed {
  scale: number
  zeroPoint: number
}

/** Values of the graph that the target fixes in a format of so many bits, by the operator that makes them. */
export function fixedOutputs(graph: Graph, target: Target, bits: number): ReadonlyMap<ValueName, Fixed> {
  const byOp = new Map((target.quant.fixed ?? []).filter(f => f.bits === bits).map(f => [f.op, f] as const))
  const outputs = new Map<ValueName, Fixed>()
  if (byOp.size === 0) return outputs
  for (const { op, domain, outputs: made } of graph.nodes) {
    const rule = domain === '' ? byOp.get(op) : undefined
    if (rule && made[0] !== null && made[0] !== undefined)
      outputs.set(made[0], { scale: Math.fround(rule.scale), zeroPoint: rule.zeroPoint })
  }
  return outputs
}
