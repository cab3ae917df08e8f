// Fixed-point arithmetic as TFLite's kernels have it: a real multiplier is m * 2^(shift - 31) with m in [2^30, 2^31), and a product is
// rounded twice. Sources: gemmlowp fixedpoint/fixedpoint.h; TensorFlow Lite kernels/internal/quantization_util.cc and common.h
// (without TFLITE_SINGLE_ROUNDING). A FixedPoint<n> holds raw / 2^(31 - n) in 32 bits; here it is its raw number.

import { StudioError } from './errors.ts'

const most = 2147483647
const least = -2147483648

const saturate = (x: number): number => (x > most ? most : x < least ? least : x)

/** floor((a b + 2^30) / 2^31), of two 32-bit numbers: the doubling high half of a product, ties up. */
export function highMultiply(a: number, b: number): number {
  if (a === least && b === least) return most
  // a b does not fit a float64: its upper part in units of 2^16 does.
  const upper = (a >> 16) * b + Math.floor(((a & 65535) * b) / 65536)
  return Math.floor((upper + 16384) / 32768)
}

/** x / 2^exponent, ties away from zero. */
export function shiftRight(x: number, exponent: number): number {
  if (exponent === 0) return x
  const mask = ((1 << exponent) - 1) | 0
  return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0 ? 1 : 0) ? 1 : 0)
}

/** x * 2^exponent, saturating to the left, rounding to the right. */
export const byPower = (x: number, exponent: number): number =>
  exponent >= 0 ? saturate(x * (1 << exponent)) : shiftRight(x, -exponent)

export interface Multiplier {
  /** In [2^30, 2^31), or 0. */
  m: number
  shift: number
}

/** Half away from zero, as TfLiteRound. */
export const awayFromZero = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5)

/** QuantizeMultiplier: x = fraction * 2^shift, the fraction in 31 bits. */
export function multiplierOf(x: number): Multiplier {
  if (x === 0) return { m: 0, shift: 0 }
  if (!(x > 0 && x < Number.POSITIVE_INFINITY))
    throw new StudioError('internal', `There is no multiplier of ${x}`, { hint: 'Report this; a scale is broken.' })
  let { shift } = split(x)
  let m = awayFromZero(split(x).fraction * 2147483648)
  if (m === 2147483648) {
    m = 1073741824
    shift++
  }
  return shift < -31 ? { m: 0, shift: 0 } : { m, shift }
}

/** frexp: x = fraction * 2^shift with the fraction in [1/2, 1); for positive normal x. */
function split(x: number): { fraction: number; shift: number } {
  let [fraction, shift] = [x, 0]
  while (fraction >= 1) {
    fraction /= 2
    shift++
  }
  while (fraction < 0.5) {
    fraction *= 2
    shift--
  }
  return { fraction, shift }
}

/** MultiplyByQuantizedMultiplier. */
export function multiply(x: number, { m, shift }: Multiplier): number {
  return shift > 0 ? highMultiply(x << shift, m) : shiftRight(highMultiply(x, m), -shift)
}

/** The same of a sum of 64 bits: the multiplier has 16 bits then, and there is one rounding, ties up. */
export function multiplyWide(x: number, { m, shift }: Multiplier): number {
  const reduced = m < 0x7fff0000 ? (m + 32768) >> 16 : 0x7fff
  if (shift > -2) return Number((BigInt(x) * BigInt(reduced) + (1n << BigInt(14 - shift))) >> BigInt(15 - shift)) | 0
  const high = Math.floor(x / 65536)
  const upper = high * reduced + Math.floor(((x - high * 65536) * reduced) / 65536)
  const unit = powerOfTwo(-1 - shift)
  return Math.floor((upper + unit / 2) / unit)
}

/** How far an input of `integerBits` reaches before fixed point saturates, in codes (CalculateInputRadius). */
export const inputRadius = (integerBits: number, shift: number): number =>
  Math.floor((((1 << integerBits) - 1) * 2147483648) / (1 << integerBits) / powerOfTwo(shift))

const powerOfTwo = (n: number): number => (n < 31 ? 1 << n : 1073741824 * (1 << (n - 30)))

// e^(-2^k) for k = -2 ... 4.
const barrel = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242]

/** e^a for a <= 0 in FixedPoint<integerBits>, in FixedPoint<0>. */
export function expOfNegative(a: number, integerBits: number): number {
  if (a === 0) return most
  const fractionBits = 31 - integerBits
  const quarter = 1 << (fractionBits - 2)
  const modulo = (a & (quarter - 1)) - quarter // in [-1/4, 0)
  let result = expNearZero(byPower(modulo, integerBits))
  const rest = (modulo - a) | 0
  for (let k = -2; k < integerBits && k <= 4; k++)
    if (rest & (1 << (fractionBits + k))) result = highMultiply(result, barrel[k + 2])
  return result
}

/** e^a for a in [-1/4, 0), by Taylor's series around -1/8. */
function expNearZero(a: number): number {
  const [eighth, third] = [1895147668, 715827883] // e^(-1/8), 1/3
  const x = (a + 268435456) | 0
  const x2 = highMultiply(x, x)
  const x3 = highMultiply(x2, x)
  const x4 = highMultiply(x2, x2)
  const terms = byPower((highMultiply((byPower(x4, -2) + x3) | 0, third) + x2) | 0, -1)
  return (eighth + highMultiply(eighth, (x + terms) | 0)) | 0
}

/** 2 / (1 + a) in FixedPoint<2>, for a of FixedPoint<0> in [0, 1): three steps of Newton and Raphson. */
function twoOverOnePlus(a: number): number {
  const half = Math.trunc((a + most + 1) / 2) // (a + 1) / 2, rounded
  let x = (1515870810 + highMultiply(half, -1010580540)) | 0 // 48/17 - 32/17 half
  for (let i = 0; i < 3; i++) {
    const rest = (536870912 - highMultiply(half, x)) | 0
    x = (x + byPower(highMultiply(x, rest), 2)) | 0
  }
  return x
}

/** 1 / (1 + a) in FixedPoint<0>. */
export const oneOverOnePlus = (a: number): number => byPower(twoOverOnePlus(a), 1)

/** 1 / (1 + e^-a), in FixedPoint<0>. */
export function logistic(a: number, integerBits: number): number {
  if (a === 0) return 1073741824
  const positive = oneOverOnePlus(expOfNegative(-Math.abs(a), integerBits))
  return a > 0 ? positive : most - positive
}

/** Hyperbolic tangent, in FixedPoint<0>: (1 - e^-2|a|) / (1 + e^-2|a|). */
export function tanh(a: number, integerBits: number): number {
  if (a === 0) return 0
  const t = byPower((twoOverOnePlus(expOfNegative(-Math.abs(a), integerBits + 1)) - 536870912) | 0, 2)
  return a > 0 ? t : -t
}
