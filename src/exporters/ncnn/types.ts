// What an ncnn layer is before its weights are read, and what the planner of one operator is given.
import type { NcnnParam } from '../../formats/ncnn-param.ts'
import type { Node, ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import type { GraphView, Rounded } from '../graph-view.ts'

/** One array of the .bin. `weight` and `codes` begin with a tag. */
export type Part =
  | { kind: 'weight'; tensor: Tensor; order?: Order }
  | { kind: 'codes'; tensor: Tensor; order?: Order; negated: boolean }
  | { kind: 'raw'; tensor: Tensor; count: number }
  /** Of the codes before it, which multiply what is shifted as `from` says, or give what is shifted as `to` says. */
  | { kind: 'bias'; bias: Tensor | null; count: number; scale: Tensor; from: Shift; to: Shift }
  /** How an input is rounded: its multiplier. */
  | { kind: 'input'; rounded: Rounded }
  | { kind: 'numbers'; values: readonly number[] }
  | { kind: 'multipliers'; tensor: Tensor; count: number } // 1 / scale

/** What lies in the place of x: sign·x + offset. */
export interface Shift {
  sign: 1 | -1
  offset: number
}

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
  /** The blob that a product reads a rounded value from: the value's own, or shifted so that its codes lie around zero. */
  codes(rounded: Rounded): string
  /** A new blob of a value that the layer which makes it shifts at once, since nothing reads it but its codes. */
  shifted(rounded: Rounded): string
  /** BinaryOp of a blob and a number. With one of its own it would write into what it is given, which what the caller gave is spared. */
  withNumber(type: number, given: string, number: number, made: string, name?: string): void
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
    name?: string, // default: that of the node
  ): void
}

export type PlanOp = (node: Node, planner: Planner) => void
export type PlanOps = Readonly<Record<string, PlanOp>>
