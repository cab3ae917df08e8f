// Rounding as something that can be learned (AdaRound: Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020,
// section 3.2): a weight lies between two neighbouring levels, W = s (low + h(V) (high - low)) with the rectified sigmoid
// h(V) = clip(1.2 sigmoid(V) - 0.1, 0, 1), and a regulariser, the sum of 1 - |2 h - 1|^b, that draws h to 0 or 1 as b falls.
import { exp, log, sigmoid } from '../../../base/math.ts'
import { levelsOf } from '../../../ir/levels.ts'
import { codesOf, type NumberFormat } from '../../../ir/number-format.ts'

/** The two neighbouring levels, in units of the scale, that a real is between, or those at the end that it is beyond. */
export type Around = (unit: number) => readonly [number, number]

/** Null for formats of floating point, whose levels nobody chooses among here. */
export function aroundIn(format: NumberFormat, restricted: boolean, zeroPoint: number): Around | null {
  if (format.kind === 'int') {
    if (format.bits === 1 && format.signed) return () => [-1, 1]
    const { qmin, qmax } = codesOf(format, restricted)
    return unit => {
      const low = Math.min(qmax - 1, Math.max(qmin, Math.floor(unit) + zeroPoint)) - zeroPoint
      return [low, low + 1]
    }
  }
  if (format.kind !== 'levels') return null
  const levels = Float32Array.from(levelsOf(format.name).table).sort()
  return unit => {
    let [low, high] = [0, levels.length - 1]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (levels[middle] <= unit) low = middle
      else high = middle
    }
    return [levels[low], levels[high]]
  }
}

export interface Soft {
  /** Levels below, and distances to those above, in units of the scale. */
  low: Float32Array
  gap: Float32Array
  v: Float32Array
  /** The scale of each weight among all. */
  scaleAt: Uint32Array
  scales: Float32Array
}

// A real this close to a level, in units of the scale, lies on it: a repair before has rounded it.
const onLevel = 1e-3
/** How far a weight that was rounded before starts from its level, so that gradients can still move it. */
const head = 0.1

/**
 * Soft weights that start as `weights`. One that lies on a level chooses between that and the next one towards `origin`, the weight
 * before any rounding.
 */
export function soften(
  weights: Float32Array | Float64Array,
  origin: Float32Array | Float64Array,
  scaleAt: Uint32Array,
  scales: Float32Array,
  around: Around,
): Soft {
  const n = weights.length
  const soft: Soft = {
    low: new Float32Array(n),
    gap: new Float32Array(n),
    v: new Float32Array(n),
    scaleAt,
    scales: scales.slice(),
  }
  for (let i = 0; i < n; i++) {
    const scale = scales[scaleAt[i]]
    const unit = weights[i] / scale
    let [low, high] = around(unit)
    const nearest = unit - low <= high - unit ? low : high
    let share = (unit - low) / (high - low)
    if (Math.abs(unit - nearest) < onLevel) {
      const towards = origin[i] / scale > nearest ? 0.5 : -0.5
      const beside = around(nearest + towards * (high - low))
      if (beside.includes(nearest)) [low, high] = beside
      share = nearest === low ? head : 1 - head
    }
    soft.low[i] = low
    soft.gap[i] = high - low
    soft.v[i] = inverse(Math.min(1, Math.max(0, share)))
  }
  return soft
}

const inverse = (h: number): number => -log(1.2 / (h + 0.1) - 1)

const rectified = (v: number): number => Math.min(1, Math.max(0, 1.2 * sigmoid(v) - 0.1))

/** The weights as they stand, between their levels. */
export function softWeights({ low, gap, v, scaleAt, scales }: Soft): Float32Array {
  const weights = new Float32Array(v.length)
  for (let i = 0; i < v.length; i++) weights[i] = scales[scaleAt[i]] * (low[i] + rectified(v[i]) * gap[i])
  return weights
}

/** The weights on the level that each has come closer to. */
export function hardWeights({ low, gap, v, scaleAt, scales }: Soft): Float32Array {
  const weights = new Float32Array(v.length)
  for (let i = 0; i < v.length; i++) weights[i] = scales[scaleAt[i]] * (low[i] + (v[i] >= 0 ? gap[i] : 0))
  return weights
}

export interface Pull {
  /** Of the regulariser, a weight. */
  strength: number
  /** Its exponent b. */
  exponent: number
}

/** Adam's rate for V: the papers' 0.001 over 15,000 steps, so that V can travel as far in fewer. */
export const roundingRate = (steps: number): number => Math.min(0.3, 15 / steps)

/**
 * Of the regulariser, where the loss has a slope of about 1 a weight: strong enough to hold a weight that has come to a level. Chosen on
 * calibration images that were kept apart.
 */
export const strength = 15

const [warmUp, annealed] = [0.2, 0.7]
const exponents = { first: 20, last: 2 }

/**
 * No regulariser in the first fifth of the steps; then the exponent falls in a line (section 3.2 of the paper), and stays for a while, so
 * that with few steps too all weights come to a level.
 */
export function pullAt(step: number, steps: number): Pull {
  const done = Math.min(1, (step / steps - warmUp) / (annealed - warmUp))
  if (done < 0) return { strength: 0, exponent: exponents.first }
  return { strength, exponent: exponents.first + (exponents.last - exponents.first) * done }
}

const entries = 256
const logs = Float64Array.from({ length: entries + 1 }, (_, i) => log(i / entries))

/** Gradient with respect to V of a loss with the gradient `dw` with respect to the soft weights, and of the regulariser. */
export function roundingGradient(
  { gap, v, scaleAt, scales }: Soft,
  dw: Float32Array,
  { strength, exponent }: Pull,
): Float32Array {
  // |2h - 1|^(b - 1) from a table, since there are many weights.
  const slope = logs.map(x => exponent * exp((exponent - 1) * x))
  const gradient = new Float32Array(v.length)
  for (let i = 0; i < v.length; i++) {
    const s = sigmoid(v[i])
    const h = 1.2 * s - 0.1
    if (h <= 0 || h >= 1) continue
    const distance = 2 * h - 1
    const pull = -2 * Math.sign(distance) * slope[Math.round(Math.abs(distance) * entries)]
    gradient[i] = (dw[i] * scales[scaleAt[i]] * gap[i] + strength * pull) * 1.2 * s * (1 - s)
  }
  return gradient
}
