// Importances by the weights that make a channel: their norm (Li et al., Pruning Filters for Efficient ConvNets, 2017), or how far they
// lie from those of all other channels (He et al., Filter Pruning via Geometric Median, 2019): what lies in the middle is replaceable.
import { readFloats } from '../../../ir/bytes.ts'
import { rowsOf } from '../channels.ts'
import type { Group, Span } from '../groups.ts'
import { averaged } from './normalize.ts'
import type { Evidence, Importance } from './types.ts'

type Score = (rows: readonly Float32Array[]) => Float64Array

/** Over the weights of every layer that makes the channels, each layer's as much as any other's. */
const byMakers =
  (score: Score) =>
  async (group: Group, evidence: Evidence): Promise<Float64Array | null> => {
    const scores: Float64Array[] = []
    for (const maker of group.makers) scores.push(score(await weightRows(maker, evidence)))
    return averaged(scores)
  }

export async function weightRows(span: Span, { model, bytes }: Evidence): Promise<Float32Array[]> {
  const tensor = model.graph.values.get(span.value)!.data!
  return rowsOf(span, tensor.shape, await readFloats(bytes, tensor))
}

const norms =
  (norm: (row: Float32Array) => number): Score =>
  rows =>
    Float64Array.from(rows, norm)

const distances: Score = rows =>
  Float64Array.from(rows, a =>
    rows.reduce((sum, b) => sum + Math.sqrt(a.reduce((d, x, i) => d + (x - b[i]) * (x - b[i]), 0)), 0),
  )

export const l1: Importance = {
  id: 'l1',
  label: 'Sum of the weights’ magnitudes',
  needsData: false,
  score: byMakers(norms(row => row.reduce((sum, w) => sum + Math.abs(w), 0))),
}

export const l2: Importance = {
  id: 'l2',
  label: 'Root of the weights’ squares',
  needsData: false,
  score: byMakers(norms(row => Math.sqrt(row.reduce((sum, w) => sum + w * w, 0)))),
}

export const fpgm: Importance = {
  id: 'fpgm',
  label: 'Distance from the other channels’ weights',
  needsData: false,
  score: byMakers(distances),
}
