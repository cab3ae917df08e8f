// What the reader of one layer type is given: the graph that it adds to, the layer, and its weights in the order of the file.
import type { NcnnLayer } from '../../formats/ncnn-param.ts'
import type { Tensor } from '../../ir/tensor.ts'
import type { LayerGraph } from '../layer-graph.ts'

export interface NcnnWeights {
  /** Numbers that begin with a tag: float32, or int8 codes. Of one dimension. */
  tagged(count: number): Promise<Tensor>
  /** Bare float32. Of one dimension. */
  raw(count: number): Tensor
  /** Bare float32, at hand: scales of int8 layers. */
  floats(count: number): Promise<Float32Array>
  /** The numbers of a tensor that was read. */
  read(tensor: Tensor): Promise<Float32Array>
}

export interface NcnnContext {
  graph: LayerGraph
  weights: NcnnWeights
  /** Blobs that carry int8 codes from one layer to the next, and by what their reals are multiplied. */
  int8: Map<string, number>
}

/** Adds the nodes of a layer, and defines its output blobs. */
export type NcnnReader = (layer: NcnnLayer, ctx: NcnnContext) => Promise<void> | void
export type NcnnReaders = Readonly<Record<string, NcnnReader>>
