// Level sets that are no grid: a table of reals in [-1, 1] by code, and the bounds between neighbours, at which a real changes sides.
import { powerOfTwo } from '../base/math.ts'

export type LevelsName = 'nf4' | 'pow2' | 'apot' | 'log8' | 'log16'

export interface Levels {
  bits: number
  /** The real that a code stands for. */
  table: Float32Array
  /** Codes in ascending order of their reals; `bounds[i]` lies between the i-th and the next, and belongs to the next. */
  order: Uint32Array
  bounds: Float64Array
  /** How a scale must be: null any; a number n: a power of 2^(1/n). */
  scalesPerOctave: number | null
}

const cache = new Map<LevelsName, Levels>()

export function levelsOf(name: LevelsName): Levels {
  const known = cache.get(name)
  if (known) return known
  const made = makers[name]()
  cache.set(name, made)
  return made
}

/** Code of the level that a real in units of the scale belongs to; NaN belongs to zero. */
export function nearestLevel({ order, bounds }: Levels, unit: number): number {
  const x = Number.isNaN(unit) ? 0 : unit
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (x < bounds[middle]) high = middle
    else low = middle + 1
  }
  return order[low]
}

/** Levels in ascending order whose bounds are the means of neighbours. */
function evenly(bits: number, levels: readonly number[], scalesPerOctave: number | null = null): Levels {
  return {
    bits,
    table: Float32Array.from(levels),
    order: Uint32Array.from(levels, (_, i) => i),
    bounds: Float64Array.from(levels.slice(1), (x, i) => (x + levels[i]) / 2),
    scalesPerOctave,
  }
}

const mirrored = (sizes: readonly number[]): number[] => [
  ...sizes
    .filter(x => x !== 0)
    .map(x => -x)
    .reverse(),
  ...sizes,
]

// QLoRA: Efficient Finetuning of Quantized LLMs (2023), appendix E.
const normalFloat = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
]

// Additive Powers-of-Two Quantization (2020), 3 bits of magnitude: a sum of one of {0, 1/2, 1/4, 1/16} and one of {0, 1/8}.
const additive = [0, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 5 / 8].map(x => x / (5 / 8))

const makers: Record<LevelsName, () => Levels> = {
  nf4: () => evenly(4, normalFloat),
  // Incremental Network Quantization (2017): zero and seven powers of two, under a scale that is one too.
  pow2: () => evenly(4, mirrored([0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1]), 1),
  apot: () => evenly(4, mirrored(additive)),
  log8: () => logarithmic(8, 16),
  log16: () => logarithmic(16, 2048),
}

/**
 * Huawei NNIE's non-linear form (documented by MQBench, 2021), sign and magnitude: k stands for 2^((k - largest) / perOctave) times
 * the scale, which is a power of 2^(1/perOctave). Zero is the code of "minus zero"; there is no -2^(-largest / perOctave). Bounds
 * lie half-way between exponents; below half of the smallest a real becomes zero. 16 bits: the same with 2^(1/2048), sixteen octaves.
 */
function logarithmic(bits: number, perOctave: number): Levels {
  const half = powerOfTwo(bits - 1)
  const largest = half - 1
  // 2^(i / perOctave) for one octave, and half steps: by square roots, which are exact to the last bit, and products.
  const fine = octave(2 * perOctave)
  const at = (halfSteps: number): number => {
    const whole = Math.floor(halfSteps / (2 * perOctave))
    return fine[halfSteps - whole * 2 * perOctave] * powerOfTwo(whole)
  }
  const size = (k: number): number => at(2 * (k - largest))
  const table = new Float32Array(2 * half)
  const order = new Uint32Array(2 * half)
  const bounds = new Float64Array(2 * half - 1)
  for (let k = 0; k <= largest; k++) {
    table[k] = size(k)
    if (k > 0) table[half + k] = -size(k)
    order[half + k] = k
    if (k > 0) order[largest - k] = half + k
  }
  order[largest] = half
  for (let k = 1; k <= largest; k++) {
    bounds[half + k - 1] = at(2 * (k - largest) - 1)
    // A negative real between two exponents goes to the larger magnitude from the middle on, as a positive one does.
    if (k > 1) bounds[largest - k] = -at(2 * (k - largest) - 1)
  }
  bounds[half - 1] = size(0) / 2
  bounds[largest - 1] = -size(1) / 2
  return { bits, table, order, bounds, scalesPerOctave: perOctave }
}

/** 2^(i / count) for i below `count`, a power of two. */
function octave(count: number): Float64Array {
  const powers = Float64Array.of(1)
  let made: Float64Array = powers
  let root = 2
  for (let n = 1; n < count; n *= 2) {
    root = Math.sqrt(root)
    const next = new Float64Array(2 * n)
    for (let i = 0; i < n; i++) {
      next[2 * i] = made[i]
      next[2 * i + 1] = made[i] * root
    }
    made = next
  }
  return made
}
