// The operators that training goes through.
import type { Graph, Node } from '../../ir/model.ts'
import { arithmeticGrads } from './arithmetic.ts'
import { convGrad } from './conv.ts'
import { elementwiseGrads } from './elementwise.ts'
import { layoutGrads } from './layout.ts'
import { poolGrads } from './pool.ts'
import { productGrad } from './product.ts'
import type { GradDef } from './types.ts'

export const grads: readonly GradDef[] = [
  convGrad,
  productGrad,
  ...arithmeticGrads,
  ...elementwiseGrads,
  ...poolGrads,
  ...layoutGrads,
]

const byType = new Map(grads.flatMap(def => [def.type].flat().map(type => [type, def] as const)))

/** How a node is computed and differentiated; or why not, in words that follow on the operator's name. */
export function gradOf(node: Node, graph: Graph): GradDef | string {
  const def = node.domain === '' || node.domain === 'ai.onnx' ? byType.get(node.op) : undefined
  if (!def) return 'has no gradient here'
  const why = def.refuses?.(node, graph)
  return why ? `has none here, since ${why}` : def
}
