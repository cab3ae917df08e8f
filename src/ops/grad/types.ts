// How an operator is computed and differentiated on arrays in memory: what training is made of. Operators are those of operator set 13
// and newer.
import type { KernelSet } from '../../ir/context.ts'
import type { Node } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'

export type Inputs = readonly (NdArray | null)[]
export type Gradient = Float32Array | null

/** One execution that has been done. */
export interface Done {
  inputs: Inputs
  outputs: readonly NdArray[]
}

export interface GradDef {
  readonly type: string | readonly string[]
  /** Why this node is not covered; null where it is. */
  refuses?(node: Node): string | null
  /** All outputs; inputs that carry data are float32. */
  forward(node: Node, inputs: Inputs, kernels: KernelSet): readonly NdArray[]
  /**
   * Gradients with respect to the inputs, each as long as its input, by the gradients with respect to the outputs (null: none of it is
   * wanted); null for those that are not wanted or have none.
   */
  backward(
    node: Node,
    done: Done,
    dys: readonly Gradient[],
    wanted: readonly boolean[],
    kernels: KernelSet,
  ): readonly Gradient[]
}

/** The rule of an operator with one output. */
interface Single {
  readonly type: string | readonly string[]
  refuses?: GradDef['refuses']
  forward(node: Node, inputs: Inputs, kernels: KernelSet): NdArray
  backward(
    node: Node,
    done: { inputs: Inputs; output: NdArray },
    dy: Float32Array,
    wanted: readonly boolean[],
    kernels: KernelSet,
  ): readonly Gradient[]
}

export const single = ({ type, refuses, forward, backward }: Single): GradDef => ({
  type,
  ...(refuses && { refuses }),
  forward: (node, inputs, kernels) => [forward(node, inputs, kernels)],
  backward: (node, { inputs, outputs }, [dy], wanted, kernels) =>
    backward(node, { inputs, output: outputs[0] }, dy!, wanted, kernels),
})

export const floatsOf = (array: NdArray): Float32Array => array.data as Float32Array
export const numbersOf = (array: NdArray | null | undefined): number[] | null =>
  array ? Array.from(array.data as ArrayLike<number | bigint>, Number) : null
export const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)

/** An axis counted from the front. */
export const axisIn = (axis: number, { length }: readonly number[]): number => (axis < 0 ? axis + length : axis)

/** A tensor seen along one axis: `outer` runs of `length` steps, each over `inner` elements that lie beside each other. */
export function along(shape: readonly number[], axis: number): { outer: number; length: number; inner: number } {
  return { outer: count(shape.slice(0, axis)), length: shape[axis] ?? 1, inner: count(shape.slice(axis + 1)) }
}
