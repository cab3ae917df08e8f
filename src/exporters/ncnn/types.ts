// What an ncnn layer is before its weights are read, and what the planner of one operator is given.
import type { NcnnParam } from '../../formats/ncnn-param.ts'
import type { Node, ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import type { GraphView } from '../graph-view.ts'

/** One array of the .bin. `weight` and `codes` begin with a tag; `turned` are matrices [inputs, outputs], written the other way round. */
export type Part =
  | { kind: 'weight'; tensor: Tensor; order?: Order }
  | { kind: 'codes'; tensor: Tensor; order?: Order }
  | { kind: 'raw'; tensor: Tensor; count: number }
  | { kind: 'numbers'; values: readonly number[] }
  | { kind: 'multipliers'; tensor: Tensor; count: number } // 1 / scale

/** Where each number of the file comes from: its position in the tensor. */
export type Order = (position: number) => number

export interface PlannedLayer {
  type: string
  name: string
  inputs: string[]
  outputs: string[]
  params: Map<number, NcnnParam>
  parts: Part[]
}

export interface Planner {
  view: GraphView
  /** The blob of a value, a constant's too. */
  blob(name: ValueName): string
  /** The same blob under another name. */
  alias(name: ValueName, of: ValueName): void
  /** A blob of the layer's own. */
  fresh(what: string): string
  /** The value of the graph that a layer gives, where it took the node after it in as well. */
  took(node: Node): void
  add(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    params: readonly (readonly [id: number, param: NcnnParam])[],
    parts?: readonly Part[],
  ): void
}

export type PlanOp = (node: Node, planner: Planner) => void
export type PlanOps = Readonly<Record<string, PlanOp>>
