// Rounding with feedback of several channels at once, and coordinate descent for what is left.
//
// Of one output channel with weights w and codes q under a scale s, the error is (w - s q)^T H (w - s q), H the centred second moments.
import { type AddProducts, dampedCholesky } from '../../../base/cholesky.ts'
import { meanDiagonal } from '../../../ir/least-squares.ts'
import { lotTask } from '../../../ir/lots.ts'
import { type Coder, coderOf, type NumberFormat } from '../../../ir/number-format.ts'

export interface FeedbackRequest {
  h: Float64Array // [k + 1, k + 1]
  rows: number
  k: number
  hasBias: boolean
  /** What is added to the diagonal, as a share of its mean. */
  share: number
}

/** What all channels are rounded by. */
export interface Feedback {
  k: number
  diagonal: Float64Array // of the centred second moments
  damped: Float64Array // [k, k]
  order: Uint32Array
  l: Float64Array // of the damped moments in that order
}

export const feedbackTask = lotTask(
  'feedback',
  ({ h, rows, k, hasBias, share }: FeedbackRequest, kernels): Feedback => {
    const damped = centred(h, rows, k, hasBias)
    const diagonal = Float64Array.from({ length: k }, (_, j) => damped[j * k + j])
    const add = share * meanDiagonal(damped, k)
    const order = ascending(diagonal)
    const { l } = dampedCholesky(permuted(damped, k, order), k, Math.max(add, 1e-30), kernels.addProducts)
    for (let j = 0; j < k; j++) damped[j * k + j] += add
    return { k, diagonal, damped, order, l }
  },
)

// Of the mean's square so much stays in H: a bias that is kept as a code is not quite free.
export const meanShare = 1e-3

export function centred(h: Float64Array, rows: number, k: number, hasBias: boolean): Float64Array {
  const out = new Float64Array(k * k)
  const share = hasBias ? (1 - meanShare) / rows : 0
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++) out[i * k + j] = h[i * (k + 1) + j] - share * h[i * (k + 1) + k] * h[j * (k + 1) + k]
  return out
}

/** Inputs by rising second moment: those that matter most are rounded first, from the end, while all others can still make up for it. */
const ascending = (diagonal: Float64Array): Uint32Array =>
  Uint32Array.from(diagonal.keys()).sort((i, j) => diagonal[i] - diagonal[j] || i - j)

function permuted(h: Float64Array, k: number, order: Uint32Array): Float64Array {
  const out = new Float64Array(k * k)
  for (let i = 0; i < k; i++) for (let j = 0; j <= i; j++) out[i * k + j] = h[order[i] * k + order[j]]
  return out
}

/** The grid of some channels of a layer. */
export interface Grid {
  format: NumberFormat
  restricted: boolean
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

export interface RoundRequest {
  best: Float64Array // [m, k], the real optimum
  grid: Grid // of m channels, its scales those to start from
  feedback: Feedback
}

export interface RoundedRows {
  scales: Float32Array
  weights: Float32Array // [m, k], on the grid
}

export const roundTask = lotTask('round', ({ best, grid, feedback }: RoundRequest, kernels): RoundedRows => {
  const { k, damped } = feedback
  const m = grid.scales.length
  const coder = coderOf(grid.format, grid.restricted)
  const own = grid.free && !grid.shared
  const scales = own ? ownScales(best, grid, feedback.diagonal, coder) : grid.scales.slice()
  const codes = new Float64Array(m * k)
  for (let from = 0; from < m; from += atOnce) {
    const channels = Array.from({ length: Math.min(atOnce, m - from) }, (_, i) => from + i)
    if (own) refine(best, scales, codes, channels, grid, feedback, coder, kernels.addProducts)
    else {
      const { q } = withFeedback(best, channels, scales.subarray(from), feedback, coder, kernels.addProducts)
      for (const [lane, channel] of channels.entries()) take(q, channels.length, lane, codes, channel, k)
    }
  }
  const hw = throughMoments(best, m, damped, k, kernels.addProducts)
  const hq = throughMoments(codes, m, damped, k, kernels.addProducts)
  const weights = new Float32Array(m * k)
  for (let c = 0; c < m; c++) {
    const of = (rows: Float64Array): Float64Array => rows.subarray(c * k, (c + 1) * k)
    const limits = { free: own, least: grid.least[c] }
    scales[c] = descend(of(codes), scales[c], of(hw), of(hq), damped, coder, limits)
    for (let j = 0; j < k; j++) weights[c * k + j] = Math.fround(codes[c * k + j] * scales[c])
  }
  return { scales, weights }
})

const atOnce = 8

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
function nearestError(w: Float64Array, diagonal: Float64Array, coder: Coder, scale: number): number {
  let sum = 0
  for (let j = 0; j < w.length; j++) {
    const e = w[j] - coder.decode(coder.encode(Math.fround(w[j] / scale))) * scale
    sum += diagonal[j] * e * e
  }
  return sum
}

/** The scale that a channel's largest weight asks for. */
const largestScale = (w: Float64Array, { largest }: Grid): number =>
  w.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / largest

function ownScales(best: Float64Array, grid: Grid, diagonal: Float64Array, coder: Coder): Float32Array {
  const k = diagonal.length
  return grid.scales.map((given, channel) => {
    const w = best.subarray(channel * k, (channel + 1) * k)
    const most = largestScale(w, grid)
    const found = most > 0 ? search(most, lowest.own, s => nearestError(w, diagonal, coder, s)) : given
    return Math.max(found, grid.least[channel])
  })
}

/** One scale for all channels of all parts. */
export function sharedScale(parts: readonly { best: Float64Array; grid: Grid; diagonal: Float64Array }[]): number {
  const rows = parts.flatMap(({ best, grid, diagonal }) =>
    Array.from(grid.scales.keys(), c => ({
      w: best.subarray(c * diagonal.length, (c + 1) * diagonal.length),
      least: grid.least[c],
      diagonal,
    })),
  )
  const { grid } = parts[0]
  const coder = coderOf(grid.format, grid.restricted)
  const most = rows.reduce((m, { w }) => Math.max(m, largestScale(w, grid)), 0)
  const floor = rows.reduce((m, { least }) => Math.max(m, least), 0)
  const total = (scale: number): number =>
    rows.reduce((sum, { w, diagonal }) => sum + nearestError(w, diagonal, coder, scale), 0)
  return most > 0 ? Math.max(search(most, lowest.shared, total), floor) : grid.scales[0]
}

const block = 32

/**
 * GPTQ: rounds one input after the other, and lets those that are left make up for what was lost (the order of Babai's nearest plane:
 * with H = L L^T, whose first columns see all others, from the last to the first). A lane is a channel under a scale; levels [k, lanes]
 * in units of the scale, and (w - s q)^T H (w - s q) of each.
 */
function withFeedback(
  best: Float64Array,
  channels: readonly number[],
  scales: ArrayLike<number>,
  { k, l, order }: Feedback,
  coder: Coder,
  add: AddProducts,
): { q: Float64Array; error: Float64Array } {
  const lanes = channels.length
  const q = new Float64Array(k * lanes)
  const error = new Float64Array(lanes)
  const carried = new Float64Array(k * lanes)
  for (let to = k; to > 0; to -= block) {
    const from = Math.max(0, to - block)
    const lost = new Float64Array((to - from) * lanes)
    for (let i = to - 1; i >= from; i--) {
      const input = order[i]
      const pivot = l[i * k + i]
      const row = (to - 1 - i) * lanes
      for (let lane = 0; lane < lanes; lane++) {
        const w = best[channels[lane] * k + input]
        const had = carried[i * lanes + lane]
        const level = coder.decode(coder.encode(Math.fround((w + had / pivot) / scales[lane])))
        q[input * lanes + lane] = level
        const less = w - level * scales[lane]
        lost[row + lane] = less
        const left = pivot * less + had
        error[lane] += left * left
      }
      for (let j = from; j < i; j++) {
        const factor = l[i * k + j]
        for (let lane = 0; lane < lanes; lane++) carried[j * lanes + lane] += factor * lost[row + lane]
      }
    }
    if (from === 0) break
    // The inputs before the block see all of it at once.
    const factors = new Float64Array((to - from) * from)
    for (let i = to - 1; i >= from; i--) factors.set(l.subarray(i * k, i * k + from), (to - 1 - i) * from)
    add(factors, lost, { p: from, q: lanes }, carried.subarray(0, from * lanes))
  }
  return { q, error }
}

const factors = [0.7, 0.76, 0.82, 0.88, 0.94, 1, 1.06, 1.12, 1.18, 1.24, 1.3]

/** The scales, among those around the given ones, under which rounding with feedback errs least; into `scales` and `codes`. */
function refine(
  best: Float64Array,
  scales: Float32Array,
  codes: Float64Array,
  channels: readonly number[],
  grid: Grid,
  feedback: Feedback,
  coder: Coder,
  add: AddProducts,
): void {
  const lanes = channels.flatMap(channel => factors.map(() => channel))
  const tried = channels.flatMap(channel =>
    factors.map(factor => Math.fround(Math.max(scales[channel] * factor, grid.least[channel]))),
  )
  const { q, error } = withFeedback(best, lanes, tried, feedback, coder, add)
  for (const [n, channel] of channels.entries()) {
    let lane = n * factors.length
    for (let other = lane + 1; other < (n + 1) * factors.length; other++) if (error[other] < error[lane]) lane = other
    scales[channel] = tried[lane]
    take(q, lanes.length, lane, codes, channel, feedback.k)
  }
}

function take(q: Float64Array, lanes: number, lane: number, codes: Float64Array, channel: number, k: number): void {
  for (let j = 0; j < k; j++) codes[channel * k + j] = q[j * lanes + lane]
}

/** H x for each of the `m` rows of `x`. */
function throughMoments(x: Float64Array, m: number, h: Float64Array, k: number, add: AddProducts): Float64Array {
  const columns = new Float64Array(k * m)
  for (let c = 0; c < m; c++) for (let j = 0; j < k; j++) columns[j * m + c] = x[c * k + j]
  const out = new Float64Array(m * k)
  add(columns, h, { p: m, q: k }, out)
  return out
}

const sweeps = 8

/** Coordinate descent on the codes, and between sweeps the scale that fits them best; changes `q`, gives the scale. */
function descend(
  q: Float64Array,
  given: number,
  hw: Float64Array,
  hq: Float64Array,
  h: Float64Array,
  coder: Coder,
  { free, least }: { free: boolean; least: number },
): number {
  const k = q.length
  let scale = given
  const gradient = hq.map((x, i) => x * scale - hw[i])
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let changed = false
    for (let j = 0; j < k; j++) {
      const curvature = h[j * k + j]
      if (!(curvature > 0)) continue
      const target = q[j] - gradient[j] / (curvature * scale)
      const level = coder.decode(coder.encode(Math.fround(target)))
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
    if (!free) continue
    const better = bestScale(q, gradient, hw, scale)
    if (better > 0 && better >= least) {
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
