// min(max(x + 3, 0), 6), which HardSigmoid and HardSwish are made of, as exporters write it: Add and Clip.
import type { Editor } from '../../ir/edit.ts'
import type { Node, ValueName } from '../../ir/model.ts'
import { boundsOf } from './clip.ts'
import { beside } from './factors.ts'
import { isOp } from './rule.ts'

/** 1/6 as float32. */
export const sixth = Math.fround(1 / 6)

/** What is gated, and the nodes that make the gate of it. */
export interface Gate {
  x: ValueName
  nodes: Node[]
}

/** Null where `name` is something else. */
export function relu6Of(e: Editor, name: ValueName, opset: number): Gate | null {
  const clip = e.producer(name)
  const bounds = boundsOf(clip, e, opset)
  const shifted = bounds?.min === 0 && bounds.max === 6 ? clip!.inputs[0] : null
  const add = shifted === null ? null : e.producer(shifted)
  const x = isOp(add, 'Add') ? beside(e, add, 3) : null
  return x === null ? null : { x, nodes: [clip!, add!] }
}
