// What a calibration method is: from an observation to the range that is worth representing.
import type { Options } from '../../base/options.ts'
import type { Observation, QuantSpec, Range } from '../../ir/quant.ts'

export interface CalibrationMethod {
  id: string
  label: string
  needs: 'range' | 'histogram'
  options: Options
  /** Finite, min <= 0 <= max not required; a degenerate observation gives { min: 0, max: 0 } and never NaN. */
  range(observation: Observation, spec: QuantSpec, options: Record<string, unknown>): Range
}
