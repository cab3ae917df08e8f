// What a Caffe layer is before its weights are read, and what the planner of one operator is given.
import type { ProtoMessage, ProtoValue } from '../../formats/prototxt.ts'
import type { Node, ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import type { GraphView } from '../graph-view.ts'

/** Numbers of a blob: of a tensor, laid out anew where `from` says so (the position in the tensor, or a number of its own), or given. */
export interface PlannedBlob {
  shape: readonly number[]
  tensor?: Tensor
  from?: (position: number) => number | { value: number }
  values?: readonly number[]
}

export interface PlannedLayer {
  type: string
  name: string
  inputs: readonly string[]
  outputs: readonly string[]
  /** Name of the layer's parameters and what is in them. */
  param: readonly [name: string, fields: ProtoMessage] | null
  blobs: readonly PlannedBlob[]
}

export interface CaffePlanner {
  view: GraphView
  blob(name: ValueName): string
  alias(name: ValueName, of: ValueName): void
  fresh(what: string): string
  took(node: Node): void
  note(text: string): void
  add(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    param?: readonly [name: string, fields: Readonly<Record<string, ProtoValue | readonly ProtoValue[]>>],
    blobs?: readonly PlannedBlob[],
  ): void
}

export type PlanOp = (node: Node, planner: CaffePlanner) => void
export type PlanOps = Readonly<Record<string, PlanOp>>
