// What the reader of one Caffe layer type is given: the graph that it adds to, the layer, and its blobs of weights.
import type { Tensor } from '../../ir/tensor.ts'
import type { LayerGraph } from '../layer-graph.ts'
import type { CaffeLayer } from './net.ts'

export type CaffeWeights = (at: number, what: string) => Tensor

export interface CaffeContext {
  graph: LayerGraph
  /** A blob of the layer, by its position; `what` names it where it is missing. */
  weights: CaffeWeights
  weightsOf(layer: CaffeLayer): CaffeWeights
  blobCount: number
  /** The numbers of a tensor. */
  read(tensor: Tensor): Promise<Float32Array>
  /** The layers that come later. */
  after: readonly CaffeLayer[]
  /** Of these, those that an earlier one has made part of itself. */
  taken: Set<CaffeLayer>
}

/** Adds the nodes of a layer, and defines its output blobs. */
export type CaffeReader = (layer: CaffeLayer, ctx: CaffeContext) => Promise<void> | void
export type CaffeReaders = Readonly<Record<string, CaffeReader>>
