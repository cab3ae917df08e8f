// A value as its quantised readers see it, and which of its elements a gradient goes back through: all that were not clipped (the
// straight-through estimator, Bengio et al. 2013).
import type { KernelSet } from '../../ir/context.ts'
import { isInt } from '../../ir/number-format.ts'
import { codeRange, type QuantParams, type QuantSpec, roundTripTensor } from '../../ir/quant.ts'
import type { NdArray } from '../../ir/tensor.ts'
import type { RoundedRead } from '../../ir/training.ts'

export interface Rounded {
  array: NdArray
  /** Where a gradient passes: between two ends, or where 1 stands; null where none is asked for, or it does everywhere. */
  passes: readonly [low: number, high: number] | Uint8Array | null
}

export function roundFor(
  value: NdArray,
  { params, keep }: RoundedRead,
  differentiated: boolean,
  uniform: () => number,
  kernels: KernelSet,
): Rounded {
  const x = value.data as Float32Array
  const { spec, scale, zeroPoint } = params
  const integers = isInt(spec.format) && scale.length === 1 ? codeRange(spec as QuantSpec) : null
  const data = integers
    ? kernels.fakeQuantize(x, scale[0], zeroPoint[0], integers.qmin, integers.qmax)
    : roundTripTensor(x, value.shape, params)
  const array = { ...value, data }
  const ends =
    differentiated && integers
      ? ([(integers.qmin - zeroPoint[0]) * scale[0], (integers.qmax - zeroPoint[0]) * scale[0]] as const)
      : null
  if (keep === 0) return { array, passes: ends }
  const passes = ends && new Uint8Array(x.length)
  const [low, high] = ends ?? [0, 0]
  for (let i = 0; i < x.length; i++) {
    const kept = uniform() < keep
    if (kept) data[i] = x[i]
    if (passes && (kept || (x[i] >= low && x[i] <= high))) passes[i] = 1
  }
  return { array, passes }
}

/**
 * What of `dy` goes back through such a reading of `value`, `dy` itself where all does; and the derivative by the scale (Esser et al.,
 * "Learned Step Size Quantization", 2020, equation 3): by how far rounding moved an element that was not clipped, and by its code where
 * it was.
 */
export function backThrough(
  value: NdArray,
  { array, passes }: Rounded,
  { scale }: QuantParams,
  dy: Float32Array,
  kernels: KernelSet,
): { dx: Float32Array; step: number } {
  const [x, rounded] = [value.data as Float32Array, array.data as Float32Array]
  if (passes && !(passes instanceof Uint8Array)) {
    const { dx, moved } = kernels.roundingGradient(x, rounded, dy, ...passes)
    return { dx, step: moved / scale[0] }
  }
  const dx = passes ? new Float32Array(dy.length) : dy
  let moved = 0
  for (let i = 0; i < dy.length; i++) {
    const through = passes === null || passes[i] === 1
    moved += dy[i] * (rounded[i] - (through ? x[i] : 0))
    if (passes && through) dx[i] = dy[i]
  }
  return { dx, step: moved / scale[0] }
}
