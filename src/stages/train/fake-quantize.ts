// A value as its quantised readers see it, and which of its elements a gradient goes back through: all that were not clipped (the
// straight-through estimator, Bengio et al. 2013).
import type { KernelSet } from '../../ir/context.ts'
import { isInt } from '../../ir/number-format.ts'
import { codeRange, type QuantParams, type QuantSpec, roundTripTensor } from '../../ir/quant.ts'
import type { NdArray } from '../../ir/tensor.ts'
import type { RoundedRead } from '../../ir/training.ts'

export interface Rounded {
  array: NdArray
  /** 1 where a gradient passes; null where none is asked for, or all do. */
  passes: Uint8Array | null
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
  const passes = differentiated && integers ? new Uint8Array(x.length) : null
  if (passes) {
    const low = (integers!.qmin - zeroPoint[0]) * scale[0]
    const high = (integers!.qmax - zeroPoint[0]) * scale[0]
    for (let i = 0; i < x.length; i++) passes[i] = x[i] >= low && x[i] <= high ? 1 : 0
  }
  if (keep > 0)
    for (let i = 0; i < x.length; i++) {
      if (uniform() >= keep) continue
      data[i] = x[i]
      if (passes) passes[i] = 1
    }
  return { array: { ...value, data }, passes }
}

/**
 * The derivative by the scale of what was read, times `dx`, summed (Esser et al., "Learned Step Size Quantization", 2020, equation 3): by
 * how far rounding moved an element that was not clipped, and by its code where it was.
 */
export function stepGradient(
  value: NdArray,
  { array, passes }: Rounded,
  params: QuantParams,
  dx: Float32Array,
): number {
  const [x, rounded] = [value.data as Float32Array, array.data as Float32Array]
  let sum = 0
  if (passes) for (let i = 0; i < dx.length; i++) sum += dx[i] * (rounded[i] - passes[i] * x[i])
  else for (let i = 0; i < dx.length; i++) sum += dx[i] * (rounded[i] - x[i])
  return sum / params.scale[0]
}
