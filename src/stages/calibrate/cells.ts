// What the methods over histograms share: the cells of an observation, its plain refusal where there are none, and equal bins of them.
import { StudioError } from '../../base/errors.ts'
import { type Cells, cellsOf, linearBins, magnitudes } from '../../ir/histogram.ts'
import type { Observation } from '../../ir/quant.ts'

/** The cells of an observation that has finite elements; null where it has none. */
export function histogramCells(observation: Observation): Cells | null {
  if (observation.count === 0) return null
  if (observation.histogram === null) {
    throw new StudioError('internal', `${observation.value} was observed without a histogram`, {
      where: { value: observation.value },
      hint: 'Observe again with histograms, or choose a method that needs only the range.',
    })
  }
  return cellsOf(observation, observation.histogram)
}

/** |x| in equal bins of [0, largest], zeros left out; what lies at `largest` itself is in the last. */
export function magnitudeBins(cells: Cells, largest: number, bins: number): Float64Array {
  const { counts, beyond } = linearBins(magnitudes(cells), largest, bins)
  counts[bins - 1] += beyond
  return counts
}

/** x in equal bins of [-largest, largest], zeros in the first above the middle. `bins` is even. */
export function signedBins(cells: Cells, largest: number, bins: number): Float64Array {
  const half = bins / 2
  const side = (mine: (i: number) => boolean): Cells => ({
    low: cells.low.filter((_, i) => mine(i)),
    high: cells.high.filter((_, i) => mine(i)),
    count: cells.count.filter((_, i) => mine(i)),
  })
  const counts = new Float64Array(bins)
  counts.set(
    magnitudeBins(
      side(i => cells.low[i] < 0),
      largest,
      half,
    ).reverse(),
  )
  counts.set(
    magnitudeBins(
      side(i => cells.low[i] >= 0),
      largest,
      half,
    ),
    half,
  )
  for (let i = 0; i < cells.count.length; i++)
    if (cells.high[i] === 0 && cells.low[i] === 0) counts[half] += cells.count[i]
  return counts
}
