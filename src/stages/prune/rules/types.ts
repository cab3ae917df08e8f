// What a rule of channel groups is: how the axes of an operator's inputs and outputs hang together, and how its parameters follow when
// positions along them are removed.
import type { Editor } from '../../../ir/edit.ts'
import type { Node, ValueName } from '../../../ir/model.ts'
import type { Scalar } from '../../../ops/types.ts'
import type { Axis } from '../ties.ts'

/** A node as its rule sees it. */
export interface Site {
  readonly node: Node
  readonly opset: number
  /** Axes of an input; null where it is absent or of unknown rank. */
  input(index: number): readonly Axis[] | null
  output(index: number): readonly Axis[] | null
  /** Numbers of a small input, so far as they are known. */
  content(index: number): readonly Scalar[] | null
  /** The numbers of any small constant. */
  numbers(name: ValueName): readonly number[] | null
  /** Nodes that read an output. */
  readers(output: number): readonly Node[]
  /** Whether an input is known, and the same in every run. */
  constant(index: number): boolean
  /** `a[i]` and `b[at + i]` can only go together. */
  same(a: Axis, b: Axis, at?: number): void
  join(a: number, b: number): void
  /** Nothing along these axes is removed; `why` goes on from "the node". */
  fix(axes: readonly Axis[] | null, why: string): void
  /** Positions along an axis that may still be removed, as sets. */
  open(axis: Axis): number
}

/** A node while channels are removed: which positions stay along each axis (null: all), in the order of the axis. */
export interface Cut {
  readonly node: Node
  readonly opset: number
  readonly editor: Editor
  input(index: number): readonly (Kept | null)[] | null
  output(index: number): readonly (Kept | null)[] | null
  content(index: number): readonly Scalar[] | null
  /** Length of an axis before anything was removed; 0 where it is open. */
  size(of: 'input' | 'output', index: number, axis: number): number
  /** Replaces an input by whole numbers of its own. */
  setNumbers(index: number, numbers: readonly number[]): void
}

export interface Kept {
  readonly stays: Uint8Array // 1 for positions that stay
  readonly count: number
}

export interface Rule {
  readonly ops: readonly string[]
  tie(site: Site): void
  /** A weight that has no single axis of outputs, and the axis along which it reads channels. */
  reading?: { input: number; axis: number }
  /** Brings the node's parameters in line with what is left; rules without have none. */
  cut?(cut: Cut): void
  /** After all others: how it ties depends on what may be removed elsewhere. */
  last?: true
}
