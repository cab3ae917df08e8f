// What a search weighs: for each layer the ways in which it can be kept, each with what it costs and how much it hurts.

/** One way of keeping a layer. Scores of layers add up; less is better. */
export interface Way {
  cost: number
  score: number
}

/** One choice for every layer, as positions in its list of ways, with the sums over all layers. */
export interface Point {
  choice: readonly number[]
  cost: number
  score: number
}

export type Layers = readonly (readonly Way[])[]
