// The operators that training goes through.
import type { Node } from '../../ir/model.ts'
import { arithmeticGrads } from './arithmetic.ts'
import { convGrad } from './conv.ts'
import { convTransposeGrad } from './conv-transpose.ts'
import { elementwiseGrads } from './elementwise.ts'
import { layoutGrads } from './layout.ts'
import { normalizationGrads } from './normalization.ts'
import { poolGrads } from './pool.ts'
import { productGrads } from './product.ts'
import { reduceGrads } from './reduce.ts'
import { resizeGrad } from './resize.ts'
import { softmaxGrads } from './softmax.ts'
import type { GradDef } from './types.ts'

export const grads: readonly GradDef[] = [
  convGrad,
  convTransposeGrad,
  ...productGrads,
  ...normalizationGrads,
  ...arithmeticGrads,
  ...elementwiseGrads,
  ...softmaxGrads,
  ...reduceGrads,
  ...poolGrads,
  resizeGrad,
  ...layoutGrads,
]

const byType = new Map(grads.flatMap(def => [def.type].flat().map(type => [type, def] as const)))

/** How a node is computed and differentiated; or why not, in words that follow on the operator's name. */
export function gradOf(node: Node): GradDef | string {
  const def = node.domain === '' || node.domain === 'ai.onnx' ? byType.get(node.op) : undefined
  if (!def) return 'has no gradient here'
  const why = def.refuses?.(node)
  return why ? `has none here, since ${why}` : def
}
