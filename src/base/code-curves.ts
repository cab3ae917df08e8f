// Functions from code to code, as TFLite's integer kernels compute them for int8 (kernels/internal/reference/integer_ops). A code q stands for
// (q - zeroPoint) * scale. Each takes constant scales and gives the function.
import {
  awayFromZero,
  expOfNegative,
  highMultiply,
  inputRadius,
  logistic,
  multiplierOf,
  multiply,
  shiftRight,
  tanh as tanhInFixedPoint,
} from './fixed-point.ts'

/** real = (q - zeroPoint) * scale for codes from qmin to qmax; a fused activation function narrows the codes. */
export interface Affine {
  scale: number
  zeroPoint: number
  qmin: number
  qmax: number
}

const f32 = Math.fround
const clamp = (x: number, low: number, high: number): number => (x < low ? low : x > high ? high : x)

/** QUANTIZE of a float (quantize.h): the quotient is a float32, which may lie on a tie that the exact one misses. */
export const quantized = (x: number, y: Affine): number =>
  Number.isNaN(x) ? y.zeroPoint : clamp(awayFromZero(f32(x / y.scale)) + y.zeroPoint, y.qmin, y.qmax)

/** QUANTIZE between integers (requantize.h). */
export function rescaled(x: Affine, y: Affine): (q: number) => number {
  const m = multiplierOf(x.scale / y.scale)
  return q => clamp(multiply(q - x.zeroPoint, m) + y.zeroPoint, y.qmin, y.qmax)
}

export function relu(x: Affine, y: Affine): (q: number) => number {
  const m = multiplierOf(f32(x.scale / y.scale))
  return q => clamp(multiply(q - x.zeroPoint, m) + y.zeroPoint, y.zeroPoint, y.qmax)
}

/** leaky_relu.h: one multiplier on either side of zero. */
export function leakyRelu(x: Affine, y: Affine, above: number, below: number): (q: number) => number {
  const [positive, negative] = [multiplierOf(above), multiplierOf(below)]
  return q => {
    const value = q - x.zeroPoint
    return clamp(multiply(value, value >= 0 ? positive : negative) + y.zeroPoint, y.qmin, y.qmax)
  }
}

/** logistic.h: inputs in FixedPoint<4>, outputs in 1/256. */
export const sigmoid = (x: Affine, y: Affine): ((q: number) => number) =>
  throughFixedPoint(x, q => clamp(shiftRight(logistic(q, 4), 23) - 128, y.qmin, y.qmax), y)

/** tanh.h: outputs in 1/128. */
export const tanh = (x: Affine, y: Affine): ((q: number) => number) =>
  throughFixedPoint(x, q => clamp(shiftRight(tanhInFixedPoint(q, 4), 24), y.qmin, y.qmax), y)

/** `f` of the input in FixedPoint<4>; beyond its reach the ends of the type. */
function throughFixedPoint(x: Affine, f: (q: number) => number, y: Affine): (q: number) => number {
  const m = multiplierOf(x.scale * 134217728)
  const radius = inputRadius(4, m.shift)
  return q => {
    const value = q - x.zeroPoint
    if (value <= -radius) return y.qmin
    if (value >= radius) return y.qmax
    return f(multiply(value, m))
  }
}

const short = (x: number): number => clamp(x, -32768, 32767)
/** Of two int16: floor((a b + 2^14) / 2^15). */
const shortHighMultiply = (a: number, b: number): number =>
  a === -32768 && b === -32768 ? 32767 : Math.floor((a * b + 16384) / 32768)
const toShort = (m: number): number => (m >= 2147483647 - 32768 ? 32767 : (m + 32768) >> 16)

/** hard_swish.h: x times relu6(x + 3) / 6 in int16, the latter as a number in [0, 1]. */
export function hardSwish(x: Affine, y: Affine): (q: number) => number {
  const fine = f32(x.scale / 128)
  const out = multiplierOf(f32(fine / y.scale))
  const reluish = multiplierOf(f32(fine / f32(3 / 32768)))
  return q => {
    const value = (q - x.zeroPoint) * 128
    const scaled = shortHighMultiply(value, toShort(out.m))
    let r = value
    if (reluish.shift > 0) r = short(r * (1 << (reluish.shift - 1)))
    r = shortHighMultiply(r, toShort(reluish.m))
    if (reluish.shift > 0) r = short(r * 2)
    if (reluish.shift < 0) r = shiftRight(r, -reluish.shift)
    r = (r + 32768) >> 1
    const product = Math.trunc((r * scaled) / 32768)
    return clamp(shiftRight(product, -out.shift) + y.zeroPoint, y.qmin, y.qmax)
  }
}

/**
 * softmax.h: e^x in FixedPoint<0> of a distance in codes of `scale`, which is 0 or less. What is farther off than `farthest` counts as 0.
 */
export function exponentials(scale: number): { farthest: number; exp: (distance: number) => number } {
  const m = multiplierOf(Math.min(scale * 67108864, 2147483647))
  const exps = new Map<number, number>()
  const exp = (distance: number): number => {
    const known = exps.get(distance) ?? expOfNegative(highMultiply(distance << m.shift, m.m), 5)
    exps.set(distance, known)
    return known
  }
  return { farthest: -inputRadius(5, m.shift), exp }
}
