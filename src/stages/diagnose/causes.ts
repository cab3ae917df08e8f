// Why a rounding costs much: what stands out in the numbers that are rounded, beside the scale that they were given.
import { codesOf, isInt } from '../../ir/number-format.ts'
import type { QuantParams, Range } from '../../ir/quant.ts'

export type Cause =
  /** One channel reaches `times` as far as the median channel, and the others are left few codes. */
  | { kind: 'outlier-channel'; of: 'weights-in' | 'weights-out' | 'input' | 'output'; channel: number; times: number }
  /** Values reach beyond what has a code. */
  | { kind: 'clipped'; of: 'input' | 'output'; reaches: number; cutAt: number }
  /** The scale is shared with other values, of which one reaches `times` as far. */
  | { kind: 'shared-scale'; of: 'input' | 'output'; times: number }
  /** A few values reach `times` the standard deviation. */
  | { kind: 'long-tail'; of: 'weights' | 'input' | 'output'; times: number }
  /** Nothing stands out: the format has too few bits for it. */
  | { kind: 'few-bits'; of: 'weights' | 'input' | 'output'; bits: number }

// From where on a channel costs the others two bits and more.
const outlying = 8
// A normal variable reaches four to five times its deviation over a million values.
const longTail = 20

/** Largest magnitude of each index along an axis. */
export function reachAlong(data: Float32Array, shape: readonly number[], axis: number): Float64Array {
  const length = shape[axis]
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1)
  const reach = new Float64Array(length)
  for (let i = 0; i < data.length; i++) {
    const c = Math.floor(i / inner) % length
    const x = Math.abs(data[i])
    if (x > reach[c]) reach[c] = x
  }
  return reach
}

/** The channel that reaches farthest, in units of the median of those that are not zero; null where none stands out. */
export function outlier(reach: ArrayLike<number>): { channel: number; times: number } | null {
  const alive = Array.from(reach)
    .filter(r => r > 0)
    .sort((a, b) => a - b)
  if (alive.length < 3) return null
  const farthest = alive[alive.length - 1]
  const times = farthest / alive[alive.length >> 1]
  return times >= outlying ? { channel: Array.from(reach).indexOf(farthest), times } : null
}

export interface WeightFacts {
  data: Float32Array
  shape: readonly number[]
  /** Axes of output and input channels; null where there is none, or each output reads one input. */
  outputs: number | null
  inputs: number | null
  params: QuantParams
  bits: number
}

/** Why rounding these weights costs much. */
export function weightCauses({ data, shape, outputs, inputs, params, bits }: WeightFacts): Cause[] {
  const causes: Cause[] = []
  const across = inputs === null ? null : outlier(reachAlong(data, shape, inputs))
  if (across) causes.push({ kind: 'outlier-channel', of: 'weights-in', ...across })
  const perTensor = params.spec.granularity.kind === 'tensor'
  const along = outputs === null || !perTensor ? null : outlier(reachAlong(data, shape, outputs))
  if (along) causes.push({ kind: 'outlier-channel', of: 'weights-out', ...along })
  if (causes.length > 0) return causes
  let most = 0
  let squares = 0
  for (const x of data) {
    squares += x * x
    most = Math.max(most, Math.abs(x))
  }
  const times = squares === 0 ? 0 : most / Math.sqrt(squares / data.length)
  return times >= longTail ? [{ kind: 'long-tail', of: 'weights', times }] : [{ kind: 'few-bits', of: 'weights', bits }]
}

export interface ActivationFacts {
  of: 'input' | 'output'
  /** Per channel, of the float model. */
  min: ArrayLike<number>
  max: ArrayLike<number>
  squares: ArrayLike<number>
  count: number // elements a channel
  params: QuantParams
  bits: number
  /** Whether other values have the same scale. */
  shared: boolean
}

/** Why rounding an activation costs much. */
export function activationCauses({ of, min, max, squares, count, params, bits, shared }: ActivationFacts): Cause[] {
  const reach = Array.from(min, (low, c) => Math.max(-low, max[c], 0))
  const whole: Range = {
    min: Array.from(min).reduce((a, b) => Math.min(a, b), 0),
    max: Array.from(max).reduce((a, b) => Math.max(a, b), 0),
  }
  const most = Math.max(-whole.min, whole.max)
  const causes: Cause[] = []
  const channel = outlier(reach)
  if (channel) causes.push({ kind: 'outlier-channel', of, ...channel })
  const span = spanOf(params)
  if (span && (whole.max > 1.05 * span.max || whole.min < 1.05 * span.min)) {
    const above = whole.max > 1.05 * span.max
    causes.push({ kind: 'clipped', of, reaches: above ? whole.max : whole.min, cutAt: above ? span.max : span.min })
  }
  const farthest = shared && span ? Math.max(-span.min, span.max) : 0
  if (most > 0 && farthest > 2 * most) causes.push({ kind: 'shared-scale', of, times: farthest / most })
  if (causes.length > 0) return causes
  const energy = Array.from(squares).reduce((sum, s) => sum + s, 0)
  const times = energy === 0 ? 0 : most / Math.sqrt(energy / (count * reach.length))
  return times >= longTail ? [{ kind: 'long-tail', of, times }] : [{ kind: 'few-bits', of, bits }]
}

/** What the codes of one scale reach; null for formats without a sharp end. */
function spanOf({ spec, scale, zeroPoint }: QuantParams): Range | null {
  if (!isInt(spec.format)) return null
  const { qmin, qmax } = codesOf(spec.format, spec.restricted)
  return { min: (qmin - zeroPoint[0]) * scale[0], max: (qmax - zeroPoint[0]) * scale[0] }
}
