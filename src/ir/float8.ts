// FP8 Formats for Deep Learning (2022): E4M3 with largest 448 and no infinity, E5M2 with largest 57344. Rounded half to even over the
// whole range, subnormals included; what is too large saturates; NaN becomes NaN.
import { powerOfTwo } from '../base/math.ts'
import { roundHalfEven } from '../base/round.ts'

export type Float8 = 'float8e4m3fn' | 'float8e5m2'

const shapes = {
  float8e4m3fn: { mantissa: 3, bias: 7, largest: 448, largestCode: 0x7e, nan: 0x7f },
  float8e5m2: { mantissa: 2, bias: 15, largest: 57344, largestCode: 0x7b, nan: 0x7e },
} as const

const word = new Float32Array(1)
const bits = new Uint32Array(word.buffer)

export function encodeFloat8(name: Float8, value: number): number {
  const { mantissa, bias, largest, largestCode, nan } = shapes[name]
  if (Number.isNaN(value)) return nan
  word[0] = value
  const sign = bits[0] >>> 31 ? 0x80 : 0
  const size = Math.abs(word[0])
  if (size >= largest) return sign | largestCode
  // Exponent of the float32, no lower than that of the smallest normal: below it the step stays the same.
  const exponent = Math.max((bits[0] >>> 23) & 0xff, 127 - bias + 1) - 127
  const step = powerOfTwo(exponent - mantissa)
  const steps = roundHalfEven(size / step)
  // Normal numbers carry 2^mantissa of them as the hidden bit, which the exponent field counts; a carry runs into the exponent.
  return sign | (steps + ((exponent + bias - 1) << mantissa))
}

export function decodeFloat8(name: Float8, code: number): number {
  const { mantissa, bias, largestCode } = shapes[name]
  const size = code & 0x7f
  const sign = code & 0x80 ? -1 : 1
  if (size > largestCode) return name === 'float8e5m2' && size === 0x7c ? sign * Number.POSITIVE_INFINITY : Number.NaN
  const exponent = size >> mantissa
  const fraction = size & ((1 << mantissa) - 1)
  const whole = exponent === 0 ? fraction : fraction + (1 << mantissa)
  return sign * whole * powerOfTwo(Math.max(exponent, 1) - bias - mantissa)
}
