// The range of least expected error sum |x - Q(x)|^p, rounding and clipping weighed against each other.
import type { Options } from '../../base/options.ts'
import { type Cells, magnitudes, quantile } from '../../ir/histogram.ts'
import { type Observation, paramsFromRange, type QuantSpec, type Range } from '../../ir/quant.ts'
import { histogramCells, magnitudeBins } from './cells.ts'
import { expectedError, type Power, raised, squared } from './expected-error.ts'
import { formOption, toolBins } from './forms.ts'
import * as tensorrt from './originals/tensorrt.ts'
import type { CalibrationMethod } from './types.ts'

function method(id: string, label: string, power: Power, options: Options = {}): CalibrationMethod {
  return {
    id,
    label,
    needs: 'histogram',
    options,
    range: (observation, spec, { form }) => {
      const cells = histogramCells(observation)
      if (cells === null) return { min: 0, max: 0 }
      return form === 'tensorrt' ? inBins(observation, cells, spec) : search(observation, essential(cells), spec, power)
    },
  }
}

export const mse = method('mse', 'Least squared error', squared, { form: formOption('tensorrt') })
export const lp24 = method('lp2.4', 'Least error to the power 2.4', raised(2.4))

/** Squared error over the centres of equal bins of |x|, as TensorRT's tool has it. */
function inBins({ min, max, zeros }: Observation, cells: Cells, spec: QuantSpec): Range {
  const largest = Math.max(-min, max)
  if (largest === 0) return { min: 0, max: 0 }
  const counts = magnitudeBins(cells, largest, toolBins)
  counts[0] += zeros
  const unsigned = !spec.symmetric && min >= 0
  const levels = (1 << (spec.format.bits - (unsigned ? 0 : 1))) - 1
  const bound = (tensorrt.mseBins(counts, largest, levels) * largest) / toolBins
  return { min: Math.min(max, Math.max(min, -bound)), max: Math.max(min, Math.min(max, bound)) }
}

// Ratio of neighbouring candidates, and how many: down to 2^-12 of the largest element.
const ratio = 0.9170040432046712 // 2^(-1/8)
const steps = 96

/** Bounds are shrunk in turn until neither moves: both at once where the format is symmetric. */
function search(observation: Observation, cells: Cells, spec: QuantSpec, power: Power): Range {
  const cost = (range: Range): number => expectedError(cells, paramsFromRange(range, spec), spec, power)
  if (spec.symmetric) {
    const { min, max } = observation
    const bound = descend(Math.max(-min, max), t => cost({ min: -t, max: t }))
    return { min: Math.max(min, -bound), max: Math.min(max, bound) }
  }
  let { min, max } = observation
  for (let round = 0; round < 4; round++) {
    const before = { min, max }
    if (max > 0) max = descend(observation.max, t => cost({ min, max: t }))
    if (min < 0) min = -descend(-observation.min, t => cost({ min: -t, max }))
    if (before.min === min && before.max === max) break
  }
  return { min, max }
}

/** The bound of least cost, of bounds that shrink by a fixed ratio from `largest`, and then of those around it. */
function descend(largest: number, cost: (bound: number) => number): number {
  let best = largest
  let least = cost(largest)
  const attempt = (bound: number): number => {
    const e = cost(bound)
    if (e < least) {
      least = e
      best = bound
    }
    return e
  }
  for (let i = 0, bound = largest * ratio; i < steps; i++, bound *= ratio) {
    if (attempt(bound) > 64 * least) break // nearly all is clipped
  }
  const around = best
  for (let i = -6; i <= 6; i++) if (i !== 0) attempt(Math.min(largest, around * (1 + i / 96)))
  return best
}

/**
 * Joins neighbouring cells that are narrow against any scale in question, so that a search looks at some hundreds of them, and
 * leaves out what is 64 times beyond 99.9 % of all: such elements would decide alone, and no range can serve them and the rest.
 */
function essential(cells: Cells): Cells {
  const sizes = magnitudes(cells)
  if (sizes.count.length === 0) return cells
  const unit = quantile(sizes, 0.5) / 256
  const limit = 64 * quantile(sizes, 0.999)
  const low: number[] = []
  const high: number[] = []
  const count: number[] = []
  for (let i = 0; i < cells.count.length; i++) {
    if (cells.low[i] > limit || cells.high[i] < -limit) continue
    const last = count.length - 1
    const zero = cells.low[i] === 0 && cells.high[i] === 0
    if (
      last >= 0 &&
      !zero &&
      cells.high[i] - low[last] < unit &&
      low[last] < high[last] &&
      cells.low[i] === high[last]
    ) {
      high[last] = cells.high[i]
      count[last] += cells.count[i]
    } else {
      low.push(cells.low[i])
      high.push(cells.high[i])
      count.push(cells.count[i])
    }
  }
  return { low: Float64Array.from(low), high: Float64Array.from(high), count: Float64Array.from(count) }
}
