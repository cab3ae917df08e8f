// A node replaced by simpler ones, for targets that lack its operator. What they compute is written in the pass that does it.
import type { DType } from '../../base/dtype.ts'
import type { Editor } from '../../ir/edit.ts'
import type { Attr, Node, ValueName } from '../../ir/model.ts'
import { fromNumbers } from './constant.ts'

/** Adds the nodes that stand for one; the last takes over its output and id's place. */
export interface Parts {
  number(wish: string, value: number): ValueName
  /** A node before the last. */
  add(op: string, inputs: (ValueName | null)[], attrs?: [string, Attr][]): ValueName
  /** The node that gives what the replaced one gave. */
  last(op: string, inputs: (ValueName | null)[], attrs?: [string, Attr][]): void
}

export function partsOf(e: Editor, node: Node, dtype: DType = 'float32'): Parts {
  const base = node.outputs[0] ?? node.id
  return {
    number: (wish, value) => e.addInitializer(`${base}.${wish}`, fromNumbers(dtype, [], [value])),
    add(op, inputs, attrs) {
      const output = e.freshName(`${base}.${op.toLowerCase()}`)
      e.addNode({ op, inputs, outputs: [output], attrs, origin: node.origin })
      return output
    },
    last(op, inputs, attrs) {
      e.updateNode(node.id, { op, inputs, attrs: new Map(attrs ?? []), outputs: [node.outputs[0]] })
    },
  }
}
