// How an operator is computed and differentiated on arrays in memory: what training is made of.
import type { KernelSet } from '../../ir/context.ts'
import type { Graph, Node } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'

export type Inputs = readonly (NdArray | null)[]

/** One execution that has been done. */
export interface Done {
  inputs: Inputs
  output: NdArray
}

export interface GradDef {
  readonly type: string | readonly string[]
  /** Why this node is not covered; null where it is. */
  refuses?(node: Node, graph: Graph): string | null
  /** The first output; inputs that carry data are float32. */
  forward(node: Node, inputs: Inputs, kernels: KernelSet): NdArray
  /**
   * Gradients with respect to the inputs, each as long as its input, by the gradient with respect to the output; null for those that are
   * not wanted or have none.
   */
  backward(
    node: Node,
    done: Done,
    dy: Float32Array,
    wanted: readonly boolean[],
    kernels: KernelSet,
  ): (Float32Array | null)[]
}

export const floatsOf = (array: NdArray): Float32Array => array.data as Float32Array
export const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)
