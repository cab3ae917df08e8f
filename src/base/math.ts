// Exponential, logarithm and their kin from + - * / and square root alone, so that every engine gives the same bits: the
// engines' own differ in the last one. `exp` and `log` are series after an argument reduction in two pieces (Cody and Waite,
// "Software Manual for the Elementary Functions", 1980); the rest works in pairs of numbers, some 100 bits (Dekker, "A
// floating-point technique for extending the available precision", 1971), slower and rounded almost always correctly.

/** An unevaluated sum of two numbers, the second at most half a unit in the last place of the first. */
type Pair = readonly [number, number]

const ln2Short = 0.6931471803691238 // ln 2 cut after 32 bits: its product with an exponent is exact
const ln2Rest = 1.9082149292705877e-10
const ln2: Pair = [Math.LN2, 2.3190468138462996e-17]
const perLn2: Pair = [Math.LOG2E, 2.0355273740931033e-17]
const perLn10: Pair = [Math.LOG10E, 1.098319650216765e-17]
const log10Of2: Pair = [0.3010299956639812, -2.8037281277851704e-18]
const twoPerRootPi: Pair = [1.1283791670955126, 1.533545961316588e-17]

const words = new Uint32Array(2)
const double = new Float64Array(words.buffer) // little-endian, as every engine that runs WebAssembly
const high = 1

/** 2^n for whole n from -1022 to 1023, exact. */
export function powerOfTwo(n: number): number {
  words[0] = 0
  words[high] = (n + 1023) << 20
  return double[0]
}

/** x * 2^n for n from -1100 to 1024, with gradual underflow. */
function scale(x: number, n: number): number {
  if (n > 1023) return x * 2 * powerOfTwo(n - 1)
  if (n < -1022) return x * powerOfTwo(n + 200) * powerOfTwo(-200)
  return x * powerOfTwo(n)
}

let exponent = 0

/** For finite x > 0: m in [sqrt(1/2), sqrt(2)), roughly, with x = m * 2^exponent; leaves `exponent`. */
function mantissa(x: number): number {
  const lift = x < 2.2250738585072014e-308 ? 54 : 0
  double[0] = lift ? x * 18014398509481984 : x
  const bits = words[high]
  const upper = (bits & 0xfffff) >= 0x6a09e ? 1 : 0 // sqrt(2) is 0x3ff6a09e...
  exponent = (bits >>> 20) - 1023 + upper - lift
  words[high] = (bits & 0xfffff) | ((1023 - upper) << 20)
  return double[0]
}

/** e^x, within 1 unit in the last place. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x
  if (x > 709.782712893384) return Number.POSITIVE_INFINITY
  if (x < -745.1332191019412) return 0
  const k = Math.round(x * perLn2[0])
  const a = x - k * ln2Short // exact
  const b = k * ln2Rest
  const r = a - b
  const lost = a - r - b
  // Sum of r^n / (n + 3)!, n to 11.
  let p = r * (1 / 87178291200) + 1 / 6227020800
  p = p * r + 1 / 479001600
  p = p * r + 1 / 39916800
  p = p * r + 1 / 3628800
  p = p * r + 1 / 362880
  p = p * r + 1 / 40320
  p = p * r + 1 / 5040
  p = p * r + 1 / 720
  p = p * r + 1 / 120
  p = p * r + 1 / 24
  p = p * r + 1 / 6
  const rest = r * r * (0.5 + r * p) + lost
  const sum = 1 + r
  return scale(sum + (r - (sum - 1) + rest), k)
}

/** Natural logarithm, within 1 unit in the last place. */
export function log(x: number): number {
  if (Number.isNaN(x) || x < 0) return Number.NaN
  if (x === 0) return Number.NEGATIVE_INFINITY
  if (x === Number.POSITIVE_INFINITY) return x
  const f = mantissa(x) - 1 // exact
  const k = exponent
  // log(1 + f) = 2 atanh(s) = 2s + s R(s^2), s = f / (2 + f); 2s = f - f^2/2 + s f^2/2, in which f carries no error.
  const s = f / (2 + f)
  const z = s * s
  let r = z * (2 / 25) + 2 / 23
  r = r * z + 2 / 21
  r = r * z + 2 / 19
  r = r * z + 2 / 17
  r = r * z + 2 / 15
  r = r * z + 2 / 13
  r = r * z + 2 / 11
  r = r * z + 2 / 9
  r = r * z + 2 / 7
  r = r * z + 2 / 5
  r = (r * z + 2 / 3) * z
  const half = 0.5 * f * f
  return k * ln2Short + (f - (half - (s * (half + r) + k * ln2Rest)))
}

export const sqrt = Math.sqrt

/** Hyperbolic tangent, within 1 unit in the last place. */
export function tanh(x: number): number {
  const a = Math.abs(x)
  if (a < 0.55) {
    // Lambert's continued fraction: tanh x = x / (1 + t), t = x^2 / (3 + x^2 / (5 + ...)).
    const z = x * x
    let t = 0
    for (let n = 19; n >= 3; n -= 2) t = z / (n + t)
    return x - (x * t) / (1 + t)
  }
  if (!(a < 22)) return Number.isNaN(x) ? x : x < 0 ? -1 : 1
  const q = dividePairs([2, 0], addPairs(expPair([2 * a, 0]), [1, 0]))
  const y = 1 - q[0] - q[1]
  return x < 0 ? -y : y
}

/** 1 / (1 + e^-x), within 2 units in the last place. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + exp(-x))
  const e = exp(x)
  return e / (1 + e)
}

/** Base-2 logarithm, exact at powers of two. */
export function log2(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return log(x)
  const m = mantissaLog(x)
  const sum = addPairs([exponent, 0], multiplyPairs(m, perLn2))
  return sum[0] + sum[1]
}

/** Base-10 logarithm, exact at powers of ten. */
export function log10(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return log(x)
  const m = mantissaLog(x)
  const sum = addPairs(multiplyPairs([exponent, 0], log10Of2), multiplyPairs(m, perLn10))
  return sum[0] + sum[1]
}

/** x to the power y, with the special cases of ECMAScript's `**`. */
export function pow(x: number, y: number): number {
  if (y === 0) return 1
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN
  const a = Math.abs(x)
  if (a === 1 && Math.abs(y) === Number.POSITIVE_INFINITY) return Number.NaN
  const whole = Number.isInteger(y)
  const negative = (x < 0 || Object.is(x, -0)) && whole && y % 2 !== 0
  if (x < 0 && a < Number.POSITIVE_INFINITY && Number.isFinite(y) && !whole) return Number.NaN
  const size = magnitudePower(a, y)
  return negative ? -size : size
}

function magnitudePower(a: number, y: number): number {
  if (a === 1) return 1
  const estimate = y * log(a)
  if (estimate > 800) return Number.POSITIVE_INFINITY
  if (estimate < -800) return 0
  const m = mantissaLog(a)
  const logarithm = addPairs(multiplyPairs([exponent, 0], ln2), m)
  const power = expPair(multiplyPairs(logarithm, [y, 0]))
  return power[0] + power[1]
}

/** Error function 2/sqrt(pi) * integral of e^(-t^2) from 0 to x. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x
  const a = Math.abs(x)
  if (a >= 6) return x < 0 ? -1 : 1
  // erf x = 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (1 3 5 ... (2n+1)) (Abramowitz and Stegun 7.1.6): no term is negative.
  const square = multiplyPairs([a, 0], [a, 0])
  const twice: Pair = [2 * square[0], 2 * square[1]]
  let term: Pair = [a, 0]
  let sum = term
  for (let n = 3; term[0] > sum[0] * 1e-24; n += 2) {
    term = dividePairs(multiplyPairs(term, twice), [n, 0])
    sum = addPairs(sum, term)
  }
  const y = multiplyPairs(multiplyPairs(sum, twoPerRootPi), expPair([-square[0], -square[1]]))
  return x < 0 ? -(y[0] + y[1]) : y[0] + y[1]
}

function addPairs(a: Pair, b: Pair): Pair {
  const s = a[0] + b[0]
  const part = s - a[0]
  const error = a[0] - (s - part) + (b[0] - part) + (a[1] + b[1])
  const sum = s + error
  return [sum, error - (sum - s)]
}

function multiplyPairs(a: Pair, b: Pair): Pair {
  const p = a[0] * b[0]
  const error = productError(a[0], b[0], p) + (a[0] * b[1] + a[1] * b[0])
  const product = p + error
  return [product, error - (product - p)]
}

function dividePairs(a: Pair, b: Pair): Pair {
  const q = a[0] / b[0]
  const back = multiplyPairs([q, 0], b)
  const rest = (a[0] - back[0] + (a[1] - back[1])) / b[0]
  const quotient = q + rest
  return [quotient, rest - (quotient - q)]
}

/** a * b - p exactly, p being their rounded product: both are split into halves of 26 bits. */
function productError(a: number, b: number, p: number): number {
  const ta = 134217729 * a // 2^27 + 1
  const tb = 134217729 * b
  const ah = ta - (ta - a)
  const bh = tb - (tb - b)
  const al = a - ah
  const bl = b - bh
  return ah * bh - p + ah * bl + al * bh + al * bl
}

/** Natural logarithm of x's mantissa; leaves `exponent`. */
function mantissaLog(x: number): Pair {
  const m = mantissa(x)
  const s = dividePairs([m - 1, 0], addPairs([m, 0], [1, 0]))
  const z = multiplyPairs(s, s)
  let sum: Pair = [0, 0]
  for (let n = 41; n >= 1; n -= 2) sum = addPairs(multiplyPairs(sum, z), dividePairs([2, 0], [n, 0]))
  return multiplyPairs(s, sum)
}

function expPair(x: Pair): Pair {
  if (x[0] > 710) return [Number.POSITIVE_INFINITY, 0]
  if (x[0] < -746) return [0, 0]
  const k = Math.round(x[0] * perLn2[0])
  const r = addPairs(x, multiplyPairs([-k, 0], ln2))
  let sum: Pair = [1, 0]
  for (let n = 24; n >= 1; n--) sum = addPairs([1, 0], dividePairs(multiplyPairs(r, sum), [n, 0]))
  return [scale(sum[0], k), scale(sum[1], k)]
}
