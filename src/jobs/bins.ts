// Counts in equal bins, as a histogram is drawn.
import { type Cells, linearBins } from '../ir/histogram.ts'

export interface Bins {
  low: number
  high: number
  counts: Float64Array
}

/** Cells in equal bins of [low, high], which they lie within. */
export function binsOf(cells: Cells, low: number, high: number, bins: number): Bins {
  const moved: Cells = { low: cells.low.map(x => x - low), high: cells.high.map(x => x - low), count: cells.count }
  const span = high > low ? high - low : 1
  const { counts, beyond } = linearBins(moved, span, bins)
  // What lies at the end itself.
  counts[bins - 1] += beyond
  return { low, high: low + span, counts }
}
