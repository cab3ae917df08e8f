// What the project knows of an operator: the types and shapes that it gives, its cost, and the facts that passes, quantisation
// and memory planning ask for, so that none of them lists operator names.
import type { DType } from '../base/dtype.ts'
import type { Dim, Graph, Node } from '../ir/model.ts'

export type Dims = readonly Dim[]

/** A number inside a tensor, as far as it is known: itself; the symbol of a dimension that it holds; null. */
export type Scalar = number | string | null

/** What is known of a value. `content`: its numbers in row-major order, only for small tensors of known shape (bool as 0 and 1). */
export interface Fact {
  readonly dtype: DType | null
  readonly shape: Dims | null
  readonly content?: readonly Scalar[] | null
}

/** What `infer` of an operator may ask; an input that is absent is an unknown fact. */
export interface InferContext {
  /** Version of the operator set that the node belongs to. */
  readonly opset: number
  has(input: number): boolean
  dtype(input: number): DType | null
  shape(input: number): Dims | null
  content(input: number): readonly Scalar[] | null
  /** The content where every number of it is known. */
  numbers(input: number): number[] | null
  /** Facts of the outputs of a subgraph, given facts of its inputs. */
  body(graph: Graph, inputs: readonly Fact[]): Fact[]
  /** Says that no execution of the node can succeed. Only for what is certain. */
  fail(what: string): never
}

/** Concrete shapes, for cost; unknown dimensions were replaced, a null shape is of unknown rank or absent. */
export interface CostContext {
  input(index: number): readonly number[] | null
  output(index: number): readonly number[] | null
}

/** Where an operator has its weight, for those that multiply by one. */
export interface WeightSlot {
  input: number
  bias: number | null
  /** Axis of the output channels in a weight of this rank; null where there is none. */
  axis(node: Node, rank: number): number | null
  /** Rows of it are picked, nothing is multiplied; only tables with such an axis count. */
  lookup?: true
}

export interface OpDef {
  readonly type: string | readonly string[]
  /** '' (default) is the standard operator set. */
  readonly domain?: string
  /** One fact an output; outputs left off are unknown. */
  infer(node: Node, ctx: InferContext): readonly Fact[]
  /** Multiply-accumulates. */
  macs?(node: Node, ctx: CostContext): number
  readonly weight?: WeightSlot
  /** Inputs that hold scales and zero points. */
  readonly scales?: readonly number[]
  /**
   * elementwise: an output element depends on the input elements at its (broadcast) position alone.
   * layout: every output element is one of the input elements, or padding, whatever their values.
   */
  readonly kind?: 'elementwise' | 'layout'
  /** The first output has the elements of the first input in the same order, so that both can be the same memory. */
  readonly view?: true
  /** Two executions on equal inputs may differ. */
  random?(node: Node): boolean
  /** Why the operator is computed in float whatever is asked. */
  readonly staysFloat?: string
}
