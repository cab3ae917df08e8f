// Percentile: leaves out the share 1 - p of the elements that are farthest out (Integer Quantization for Deep Learning Inference, 2020,
// section 5.1). A symmetric format cuts |x|; an affine one half of the share at each end, or all of it at the one end that is not zero.
import { number } from '../../base/options.ts'
import { magnitudes, quantile } from '../../ir/histogram.ts'
import { histogramCells } from './cells.ts'
import type { CalibrationMethod } from './types.ts'

export const percentile: CalibrationMethod = {
  id: 'percentile',
  label: 'Percentile',
  needs: 'histogram',
  options: { percentile: number('Percentile', { default: 99.99, min: 90, max: 100, step: 0.001 }) },
  range(observation, spec, options) {
    const cells = histogramCells(observation)
    if (cells === null) return { min: 0, max: 0 }
    const p = Number(options.percentile ?? 99.99) / 100
    const { min, max } = observation
    if (spec.symmetric) {
      const sizes = magnitudes(cells)
      // Zeros count as elements, though `magnitudes` leaves them out.
      const kept = observation.zeros / observation.count
      const bound = kept >= p ? 0 : quantile(sizes, (p - kept) / (1 - kept))
      return { min: Math.max(min, -bound), max: Math.min(max, bound) }
    }
    if (min >= 0) return { min, max: quantile(cells, p) }
    if (max <= 0) return { min: quantile(cells, 1 - p), max }
    const tail = (1 - p) / 2
    return { min: quantile(cells, tail), max: quantile(cells, 1 - tail) }
  },
}
