// What a method of factorisation is: the matrices of a layer that it splits, what the layer costs at some ranks, and the layers that it
// becomes.
import type { Attr, Node, ValueName } from '../../ir/model.ts'
import type { LayerShape } from '../../ops/patches.ts'
import type { Split, SplitRequest } from './split.ts'

/** A convolution without groups, or a product with a constant matrix. */
export interface Layer {
  node: Node
  weight: ValueName
  bias: { input: number; name: ValueName | null } | null
  shape: LayerShape
  inputs: number // channels, or columns of a product
  kernel: readonly number[] // empty for a product
  inSize: readonly number[] // of the maps; for a product its rows
  outSize: readonly number[]
}

export interface LayerCost {
  macs: number
  parameters: number
}

/** One of the layers that take a layer's place; attributes replace those of the layer, null removes one. */
export interface Factor {
  weight: { shape: readonly number[]; data: Float32Array }
  attrs: Readonly<Record<string, Attr | null>>
}

/** One for each matrix that is split. */
export type Ranks = readonly number[]

export interface Method {
  id: string
  label: string
  /** Why it leaves a layer as it is; null where it does not. */
  unfit(layer: Layer): string | null
  /** `weights` [outputs, columns]; `covariance` of the columns, where samples were seen. */
  matrices(layer: Layer, weights: Float64Array, covariance: Float64Array | null): SplitRequest[]
  /** All ranks to choose from. */
  ways(layer: Layer): Ranks[]
  cost(layer: Layer, ranks: Ranks): LayerCost
  /** In the order in which they run. */
  factors(layer: Layer, splits: readonly Split[], ranks: Ranks): Factor[]
}

/** A layer whose matrices are split, and what it loses at any ranks. */
export interface Prepared {
  layer: Layer
  splits: readonly Split[]
  loss: (ranks: Ranks) => number
}
