// What the layout is given and what it gives back; flat typed arrays, so that both cross a thread without copying.

export interface LayoutInput {
  widths: Float32Array // one per node
  height: number // of every node
  edges: Uint32Array // pairs: from, to
  /** The innermost frame round each node, and the one round each frame, which comes before it; -1 for none. */
  frameOf: Int32Array
  frameParent: Int32Array
}

export interface GraphLayout {
  x: Float32Array // centre of each node
  y: Float32Array // top of each node
  layer: Uint32Array
  width: number
  height: number
  /** Edge k's polyline is points[2 * start[k] .. 2 * start[k + 1]). */
  points: Float32Array
  start: Uint32Array
  /** x, y, width, height of each frame; of width 0 where nodes of others lie within. */
  frames: Float32Array
}

/** The layered graph while it is being laid out: the real nodes first, then the way-points of long edges. */
export interface Layered {
  nodes: number // real ones; items from here on are way-points
  layerOf: Uint32Array
  rows: number[][] // items by layer, left to right
  up: number[][] // neighbours in the layer above
  down: number[][]
  /** Way-points of the trunk that leaves a node, from the layer below it downwards. */
  trunk: Map<number, number[]>
  /** Edges too long for the budget of way-points; they run in lanes beside the graph. */
  aside: Set<number>
}
