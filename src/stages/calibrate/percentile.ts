// Percentile: leaves out the share 1 - p of the elements that are farthest out (Integer Quantization for Deep Learning Inference, 2020,
// section 5.1). A symmetric format cuts |x|; an affine one half of the share at each end, or all of it at the one end that is not zero.
// Ours is exact within a cell of the histogram; the tools' forms answer with the edge of a bin.
import { number } from '../../base/options.ts'
import { type Cells, magnitudes, quantile } from '../../ir/histogram.ts'
import type { Observation, QuantSpec, Range } from '../../ir/quant.ts'
import { histogramCells, magnitudeBins, signedBins } from './cells.ts'
import { formOption, toolBins } from './forms.ts'
import * as onnxruntime from './originals/onnxruntime.ts'
import * as tensorrt from './originals/tensorrt.ts'
import type { CalibrationMethod } from './types.ts'

export const percentile: CalibrationMethod = {
  id: 'percentile',
  label: 'Percentile',
  needs: 'histogram',
  options: {
    percentile: number('Percentile', { default: 99.99, min: 90, max: 100, step: 0.001 }),
    form: formOption('tensorrt', 'onnxruntime'),
  },
  range(observation, spec, options) {
    const cells = histogramCells(observation)
    if (cells === null) return { min: 0, max: 0 }
    const percent = Number(options.percentile ?? 99.99)
    if (options.form === 'tensorrt' || options.form === 'onnxruntime')
      return inBins(observation, cells, options.form, spec, percent)
    const p = percent / 100
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

/** As the tools read it off equal bins: TensorRT's of |x| always, ONNX Runtime's for symmetric formats only. */
function inBins(
  observation: Observation,
  cells: Cells,
  form: 'tensorrt' | 'onnxruntime',
  spec: QuantSpec,
  percent: number,
): Range {
  const { min, max, zeros } = observation
  const largest = Math.max(-min, max)
  if (largest === 0) return { min: 0, max: 0 }
  const width = largest / toolBins
  if (form === 'onnxruntime' && !spec.symmetric) {
    const [low, high] = onnxruntime.percentileEdges(signedBins(cells, largest, toolBins), percent)
    return { min: clamp(2 * low * width - largest, min, max), max: clamp(2 * high * width - largest, min, max) }
  }
  const counts = magnitudeBins(cells, largest, toolBins)
  counts[0] += zeros
  const bound = width * (form === 'tensorrt' ? tensorrt : onnxruntime).percentileBins(counts, percent)
  return { min: clamp(-bound, min, max), max: clamp(bound, min, max) }
}

const clamp = (x: number, min: number, max: number): number => Math.min(max, Math.max(min, x))
