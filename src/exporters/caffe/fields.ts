// Small things that planners of Caffe layers share.
import type { ProtoWord } from '../../formats/prototxt.ts'
import type { Node } from '../../ir/model.ts'
import type { CaffePlanner } from './types.ts'

export const word = (text: string): ProtoWord => ({ word: text })

export const ends = (node: Node, { blob }: CaffePlanner): [string[], string[]] => [
  [blob(node.inputs[0]!)],
  [blob(node.outputs[0]!)],
]

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i])
