// What the methods over histograms share: the cells of an observation, and its plain refusal where there are none.
import { StudioError } from '../../base/errors.ts'
import { type Cells, cellsOf } from '../../ir/histogram.ts'
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
