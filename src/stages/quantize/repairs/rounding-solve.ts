// Weights of one layer rounded so that its output stays closest to a target, from the second moments of its input alone: least squares
// for the real optimum, GPTQ (2022) for a first rounding with feedback, coordinate descent for what is left.
//
// Of one output channel with weights w and codes q under a scale s, the error is (w - s q)^T H (w - s q), H the centred second moments.
import { cholesky, dampedCholesky, solveCholesky } from '../../../base/cholesky.ts'
import type { Coder } from '../../../ir/number-format.ts'
import type { Around } from './soft-rounding.ts'

/** What rows of inputs U ([n, k], a column of ones behind) and targets T ([n, c]) come to. */
export interface Moments {
  n: number
  k: number
  c: number
  h: Float64Array // U^T U, [k + 1, k + 1], all of it
  r: Float64Array // U^T T, [k + 1, c]
  t: Float64Array // sums of squares of T, [c]
}

export interface Layer {
  weights: Float64Array // [c, k]
  bias: Float64Array | null // null: the operator takes none
}

export interface Grid {
  coder: Coder
  /** The levels beside a real; null for formats of which it is not asked. */
  around: Around | null
  largest: number // real of the largest code, in units of the scale
  /** Scales that the recipe's rule gave, one a channel. */
  scales: Float32Array
  /** Whether a better scale may be looked for; else those given stay. */
  free: boolean
  /** Whether all channels have one scale. */
  shared: boolean
  /** The smallest scale under which the bias still fits, a channel. */
  least: Float64Array
}

export interface Rounded {
  scales: Float32Array
  weights: Float32Array // [c, k], on the grid
  bias: Float64Array | null
}

/** Strength of the pull towards the float weights, and of the damping, as shares of the mean second moment. */
export interface Damping {
  ridge: number
  rounding: number
}

/** One part of a layer for each group of its channels; a scale that all share is looked for over all of them. */
export interface Part {
  moments: Moments
  layer: Layer
  grid: Grid
  damping: Damping
}

export function roundLayer(parts: readonly Part[]): Rounded[] {
  const prepared = parts.map(prepare)
  const { free, shared } = parts[0].grid
  const scales = !free
    ? parts.map(part => part.grid.scales.slice())
    : shared
      ? sharedScale(prepared)
      : prepared.map(ownScales)
  return prepared.map((part, i) => roundPart(part, scales[i]))
}

/** A part with its real optimum and what its second moments come to. */
interface Prepared extends Part {
  best: Float64Array // [c, k]
  h: Float64Array // [k, k], centred
  damped: Float64Array
  order: Uint32Array
  l: Float64Array
}

function prepare(part: Part): Prepared {
  const { moments, layer, damping } = part
  const { k } = moments
  const h = centred(moments, layer.bias !== null)
  const add = damping.rounding * meanDiagonal(h, k)
  const order = ascending(h, k)
  const { l } = dampedCholesky(permuted(h, k, order), k, Math.max(add, 1e-30))
  const damped = h.slice()
  for (let j = 0; j < k; j++) damped[j * k + j] += add
  return { ...part, best: leastSquares(moments, layer, damping.ridge), h, damped, order, l }
}

function roundPart({ moments, layer, grid, best, damped, order, l }: Prepared, scales: Float32Array): Rounded {
  const { k, c } = moments
  const rounded = new Float32Array(c * k)
  for (let channel = 0; channel < c; channel++) {
    const w = best.subarray(channel * k, (channel + 1) * k)
    if (grid.free && !grid.shared) scales[channel] = refineScale(w, scales[channel], l, order, grid, channel)
    const { q } = withFeedback(w, scales[channel], l, order, grid.coder)
    scales[channel] = descend(w, q, scales[channel], damped, k, grid, channel)
    for (let j = 0; j < k; j++) rounded[channel * k + j] = Math.fround(q[j] * scales[channel])
  }
  return { scales, weights: rounded, bias: layer.bias && biasFor(moments, rounded) }
}

/** (H + D)^-1 (R + D P): the real weights of least error, drawn towards the float ones P by D; inputs that are always zero have none. */
function leastSquares({ h, r, k, c }: Moments, { weights, bias }: Layer, share: number): Float64Array {
  const n = bias ? k + 1 : k
  const ridge = Math.max(share * meanDiagonal(h, k, k + 1), 1e-30)
  const a = new Float64Array(n * n)
  const b = new Float64Array(n * c)
  for (let i = 0; i < n; i++) {
    a.set(h.subarray(i * (k + 1), i * (k + 1) + n), i * n)
    const isWeight = i < k
    if (isWeight) a[i * n + i] += ridge
    for (let channel = 0; channel < c; channel++)
      b[i * c + channel] = r[i * c + channel] + (isWeight ? ridge * weights[channel * k + i] : 0)
  }
  if (!cholesky(a, n)) return weights
  solveCholesky(a, n, b, c)
  const solved = new Float64Array(c * k)
  for (let j = 0; j < k; j++) {
    if (h[j * (k + 1) + j] === 0) continue
    for (let channel = 0; channel < c; channel++) solved[channel * k + j] = b[j * c + channel]
  }
  return solved
}

// Of the mean's square so much stays in H: a bias that is kept as a code is not quite free.
export const meanShare = 1e-3

export function centred({ h, n, k }: Moments, hasBias: boolean): Float64Array {
  const out = new Float64Array(k * k)
  const share = hasBias ? (1 - meanShare) / n : 0
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++) out[i * k + j] = h[i * (k + 1) + j] - share * h[i * (k + 1) + k] * h[j * (k + 1) + k]
  return out
}

export function meanDiagonal(h: Float64Array | Float32Array, k: number, stride = k): number {
  let sum = 0
  for (let i = 0; i < k; i++) sum += h[i * stride + i]
  return sum / Math.max(k, 1)
}

/** Inputs by rising second moment: those that matter most are rounded first, from the end, while all others can still make up for it. */
function ascending(h: Float64Array, k: number): Uint32Array {
  return Uint32Array.from({ length: k }, (_, i) => i).sort((i, j) => h[i * k + i] - h[j * k + j] || i - j)
}

function permuted(h: Float64Array, k: number, order: Uint32Array): Float64Array {
  const out = new Float64Array(k * k)
  for (let i = 0; i < k; i++) for (let j = 0; j <= i; j++) out[i * k + j] = h[order[i] * k + order[j]]
  return out
}

// From 0.3 to 1.0 of what the largest weight asks for; where all channels share one, a single wild channel may ask for far too much.
const candidates = 36
const lowest = { own: 0.3, shared: 0.05 }

/** The candidate of least error. */
function search(most: number, from: number, error: (scale: number) => number): number {
  let best = most
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < candidates; i++) {
    const scale = Math.fround(most * (1 - ((1 - from) * i) / (candidates - 1)))
    const e = error(scale)
    if (e < least) {
      least = e
      best = scale
    }
  }
  return best
}

/** Error of rounding a channel to the nearest codes, weighted by the second moments. */
function nearestError({ moments: { k }, best, h, grid: { coder } }: Prepared, channel: number, scale: number): number {
  let sum = 0
  for (let j = 0; j < k; j++) {
    const x = best[channel * k + j]
    const e = x - coder.decode(coder.encode(Math.fround(x / scale))) * scale
    sum += h[j * k + j] * e * e
  }
  return sum
}

/** The scale that a channel's largest weight asks for. */
function largestScale({ moments: { k }, best, grid }: Prepared, channel: number): number {
  let most = 0
  for (let j = 0; j < k; j++) most = Math.max(most, Math.abs(best[channel * k + j]))
  return most / grid.largest
}

function ownScales(part: Prepared): Float32Array {
  const { scales, least } = part.grid
  return scales.map((given, channel) => {
    const most = largestScale(part, channel)
    const found = most > 0 ? search(most, lowest.own, s => nearestError(part, channel, s)) : given
    return Math.max(found, least[channel])
  })
}

function sharedScale(parts: readonly Prepared[]): Float32Array[] {
  const each = parts.flatMap(part => Array.from(part.grid.scales.keys(), channel => ({ part, channel })))
  const most = each.reduce((m, { part, channel }) => Math.max(m, largestScale(part, channel)), 0)
  const floor = each.reduce((m, { part, channel }) => Math.max(m, part.grid.least[channel]), 0)
  const total = (scale: number): number =>
    each.reduce((sum, { part, channel }) => sum + nearestError(part, channel, scale), 0)
  const found = most > 0 ? Math.max(search(most, lowest.shared, total), floor) : parts[0].grid.scales[0]
  return parts.map(part => part.grid.scales.map(() => found))
}

/**
 * GPTQ: rounds one input after the other, and lets those that are left make up for what was lost (the order of Babai's nearest plane:
 * with H = L L^T, whose first columns see all others, from the last to the first). Reals in units of the scale, and (w - s q)^T H (w - s q).
 */
function withFeedback(
  w: Float64Array,
  scale: number,
  l: Float64Array,
  order: Uint32Array,
  coder: Coder,
): { q: Float64Array; error: number } {
  const k = w.length
  let error = 0
  const q = new Float64Array(k)
  const carried = new Float64Array(k)
  for (let i = k - 1; i >= 0; i--) {
    const target = w[order[i]] + carried[i] / l[i * k + i]
    const level = coder.decode(coder.encode(Math.fround(target / scale)))
    q[order[i]] = level
    const lost = w[order[i]] - level * scale
    const row = i * k
    const left = l[row + i] * lost + carried[i]
    error += left * left
    for (let j = 0; j < i; j++) carried[j] += l[row + j] * lost
  }
  return { q, error }
}

const factors = [0.7, 0.76, 0.82, 0.88, 0.94, 1, 1.06, 1.12, 1.18, 1.24, 1.3]

/** The scale, among those around the given one, under which rounding with feedback errs least. */
function refineScale(
  w: Float64Array,
  given: number,
  l: Float64Array,
  order: Uint32Array,
  grid: Grid,
  channel: number,
): number {
  let best = given
  let least = Number.POSITIVE_INFINITY
  for (const factor of factors) {
    const scale = Math.fround(Math.max(given * factor, grid.least[channel]))
    const { error } = withFeedback(w, scale, l, order, grid.coder)
    if (error < least) {
      least = error
      best = scale
    }
  }
  return best
}

const sweeps = 8

/** Coordinate descent on the codes, and between sweeps the scale that fits them best; changes `q`, gives the scale. */
function descend(
  w: Float64Array,
  q: Float64Array,
  given: number,
  h: Float64Array,
  k: number,
  grid: Grid,
  channel: number,
): number {
  let scale = given
  const hw = product(h, w, k)
  const hq = product(h, q, k)
  const gradient = hq.map((x, i) => x * scale - hw[i])
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let changed = false
    for (let j = 0; j < k; j++) {
      const curvature = h[j * k + j]
      if (!(curvature > 0)) continue
      const target = q[j] - gradient[j] / (curvature * scale)
      const level = grid.coder.decode(grid.coder.encode(Math.fround(target)))
      const step = (level - q[j]) * scale
      if (step === 0) continue
      // A level that the format lacks may leave the nearest one worse than what was.
      if (step * gradient[j] + 0.5 * step * step * curvature >= 0) continue
      q[j] = level
      changed = true
      const row = j * k
      for (let i = 0; i < k; i++) gradient[i] += step * h[row + i]
    }
    if (!changed) break
    if (!grid.free || grid.shared) continue
    const better = bestScale(q, gradient, hw, scale)
    if (better > 0 && better >= grid.least[channel]) {
      const factor = Math.fround(better) / scale
      for (let j = 0; j < k; j++) gradient[j] = factor * (gradient[j] + hw[j]) - hw[j]
      scale = Math.fround(better)
    }
  }
  return scale
}

/** (q^T H w) / (q^T H q), or 0 where that is no scale; `gradient` is s H q - H w. */
function bestScale(q: Float64Array, gradient: Float64Array, hw: Float64Array, scale: number): number {
  let withW = 0
  let withQ = 0
  for (let j = 0; j < q.length; j++) {
    withW += q[j] * hw[j]
    withQ += q[j] * (gradient[j] + hw[j])
  }
  return withQ > 0 && withW > 0 ? (withW / withQ) * scale : 0
}

function product(h: Float64Array, x: Float64Array, k: number): Float64Array {
  const out = new Float64Array(k)
  for (let i = 0; i < k; i++) {
    if (x[i] === 0) continue
    const factor = x[i]
    const row = i * k
    for (let j = 0; j < k; j++) out[j] += factor * h[row + j]
  }
  return out
}

/** The mean of the targets less what the rounded weights make of the mean input. */
export function biasFor({ h, r, n, k, c }: Moments, weights: Float32Array): Float64Array {
  return Float64Array.from({ length: c }, (_, channel) => {
    let sum = r[k * c + channel]
    for (let j = 0; j < k; j++) sum -= weights[channel * k + j] * h[j * (k + 1) + k]
    return sum / n
  })
}

/** Sum over all rows of the squared error of one channel's output. */
export function squaredError(
  { h, r, t, k, c }: Moments,
  weights: Float32Array,
  bias: Float64Array | null,
  channel: number,
): number {
  const u = new Float64Array(k + 1)
  u.set(weights.subarray(channel * k, (channel + 1) * k))
  u[k] = bias ? bias[channel] : 0
  let sum = t[channel]
  for (let i = 0; i <= k; i++) {
    if (u[i] === 0) continue
    let row = 0
    for (let j = 0; j <= k; j++) row += h[i * (k + 1) + j] * u[j]
    sum += u[i] * (row - 2 * r[i * c + channel])
  }
  return Math.max(0, sum)
}
