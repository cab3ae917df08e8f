// What is lent to a stage that learns: parts of a graph run forwards and backwards, and the optimiser. Made in src/stages/train, joined
// in src/recipe/steps.
import type { KernelSet } from './context.ts'
import type { Node, NodeId, ValueName } from './model.ts'
import type { QuantParams } from './quant.ts'
import type { NdArray } from './tensor.ts'

/** How some nodes read a value: rounded, except each element with the probability `keep`, for which random numbers are asked. */
export interface RoundedRead {
  params: QuantParams
  readers: ReadonlySet<NodeId>
  keep: number
  /** The name under which the gradient with respect to the scale is given; none is found without it. */
  step?: ValueName
}

export interface Network {
  /** The nodes that are run, in order; all else is fed. */
  readonly nodes: readonly Node[]
  /** Runs them on `given`: every value that they read and do not make. `uniform` draws what is kept unrounded. */
  forward(given: ReadonlyMap<ValueName, NdArray>, uniform: () => number): Run
}

/** One run forwards; its values stay until it is dropped. */
export interface Run {
  value(name: ValueName): NdArray
  /** All arrays that were made, those of the gradients too, which nobody may look at once they are gone. */
  made(): unknown
  /** Gradients with respect to what is learned, and to the scales that have a name, by gradients with respect to some of its values. */
  backward(given: ReadonlyMap<ValueName, Float32Array>): Map<ValueName, Float32Array>
}

/** Adam (Kingma and Ba, 2015): one step on `values` by their gradients. */
export interface Optimizer {
  step(values: Float32Array, gradients: Float32Array, rate: number): void
}

export interface Training {
  /** The first of these nodes that cannot be differentiated, and why, in words that follow on its operator's name. */
  refusal(nodes: readonly Node[]): { node: Node; why: string } | null
  /** Gradients are with respect to `learned`, values that are fed. */
  network(
    nodes: readonly Node[],
    learned: ReadonlySet<ValueName>,
    rounded: ReadonlyMap<ValueName, RoundedRead>,
    kernels: KernelSet,
  ): Network
  adam(length: number): Optimizer
}
