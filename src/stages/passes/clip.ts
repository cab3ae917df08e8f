// The bounds of Relu and Clip as numbers: attributes before opset 11, inputs since.
import type { Editor } from '../../ir/edit.ts'
import { attrFloat, type Node } from '../../ir/model.ts'
import { scalarOf } from './constant.ts'
import { isOp } from './rule.ts'

export interface Bounds {
  min: number
  max: number
}

/** Null where the node is neither, or a bound is computed. */
export function boundsOf(node: Node | null, e: Editor, opset: number): Bounds | null {
  if (node === null) return null
  if (isOp(node, 'Relu')) return { min: 0, max: Number.POSITIVE_INFINITY }
  if (!isOp(node, 'Clip')) return null
  if (opset < 11)
    return {
      min: attrFloat(node, 'min', Number.NEGATIVE_INFINITY),
      max: attrFloat(node, 'max', Number.POSITIVE_INFINITY),
    }
  const bound = (name: string | null | undefined, open: number): number | null =>
    name == null ? open : scalarOf(e, name)
  const min = bound(node.inputs[1], Number.NEGATIVE_INFINITY)
  const max = bound(node.inputs[2], Number.POSITIVE_INFINITY)
  return min === null || max === null ? null : { min, max }
}
