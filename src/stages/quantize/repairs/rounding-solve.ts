// Weights of one layer rounded so that its output stays closest to a target, from the second moments of its input alone: least squares
// for the real optimum, GPTQ (2022) for a first rounding with feedback, coordinate descent for what is left. Channels are independent
// once the moments are factored, and are shared out to threads.
import type { Context } from '../../../ir/context.ts'
import { optimumTask, ridgeTask } from '../../../ir/least-squares.ts'
import { inLots } from '../../../ir/lots.ts'
import { biasFor, type Moments } from '../../../ir/moments.ts'
import { feedbackTask, type Grid, roundTask, sharedScale } from './feedback.ts'

export interface Layer {
  weights: Float64Array // [c, k]
  bias: Float64Array | null // null: the operator takes none
}

export interface Rounded {
  scales: Float32Array
  weights: Float32Array // [c, k], on the grid
  bias: Float64Array | null
  /** Squared errors of the output over all rows, rounded so and to nearest, where they were asked for. */
  errors?: { solved: number; nearest: number }
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

/** Channels of one part that are solved together. */
interface Slab {
  part: number
  from: number
  to: number
}

export async function roundLayer(
  parts: readonly Part[],
  { perform, runner }: Pick<Context, 'perform' | 'runner'>,
): Promise<Rounded[]> {
  const squares = ({ k }: { k: number }): number => k * k
  const requests = parts.map(({ moments: { h, n, k }, layer, damping }) => {
    const common = { h, k, hasBias: layer.bias !== null }
    return { ridge: { ...common, share: damping.ridge }, feedback: { ...common, rows: n, share: damping.rounding } }
  })
  const slabs = parts.flatMap(({ moments: { c } }, part) => slabsOf(part, c))
  const factored = inLots(
    feedbackTask,
    requests.map(r => r.feedback),
    squares,
    perform,
  )
  factored.catch(() => {}) // seen below
  const ridges = await inLots(
    ridgeTask,
    requests.map(r => r.ridge),
    squares,
    perform,
  )
  const optima = await inLots(
    optimumTask,
    slabs.map(({ part, from, to }) => {
      const { moments, layer } = parts[part]
      const { k, c, r } = moments
      return {
        ridge: ridges[part],
        r: columns(r, c, from, to),
        weights: layer.weights.slice(from * k, to * k),
      }
    }),
    ({ ridge: { k } }) => k * k,
    perform,
  )
  const feedback = await factored
  const shared =
    parts[0].grid.free && parts[0].grid.shared
      ? sharedScale(
          slabs.map((slab, i) => ({
            best: optima[i],
            grid: gridOf(parts[slab.part].grid, slab, null),
            diagonal: feedback[slab.part].diagonal,
          })),
        )
      : null
  const rounded = await inLots(
    roundTask,
    slabs.map((slab, i) => ({
      best: optima[i],
      grid: gridOf(parts[slab.part].grid, slab, shared),
      feedback: feedback[slab.part],
    })),
    ({ feedback: { k } }) => 2 * k * k,
    perform,
  )
  runner.discard([ridges, optima, feedback])
  return parts.map(({ moments, layer }, part) => {
    const { c, k } = moments
    const scales = new Float32Array(c)
    const weights = new Float32Array(c * k)
    for (const [i, slab] of slabs.entries()) {
      if (slab.part !== part) continue
      scales.set(rounded[i].scales, slab.from)
      weights.set(rounded[i].weights, slab.from * k)
    }
    return { scales, weights, bias: layer.bias && biasFor(moments, weights) }
  })
}

/** Few enough that every one of sixteen threads has some, enough that the moments are not copied for nothing. */
function slabsOf(part: number, c: number): Slab[] {
  const width = Math.max(16, Math.ceil(c / 16))
  return Array.from({ length: Math.ceil(c / width) }, (_, i) => ({
    part,
    from: i * width,
    to: Math.min(c, (i + 1) * width),
  }))
}

/** Columns of a matrix of `c`. */
function columns(matrix: Float64Array, c: number, from: number, to: number): Float64Array {
  const width = to - from
  const rows = matrix.length / c
  const out = new Float64Array(rows * width)
  for (let i = 0; i < rows; i++) out.set(matrix.subarray(i * c + from, i * c + to), i * width)
  return out
}

const gridOf = (grid: Grid, { from, to }: Slab, shared: number | null): Grid => ({
  ...grid,
  scales: shared === null ? grid.scales.slice(from, to) : new Float32Array(to - from).fill(shared),
  least: grid.least.slice(from, to),
})

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
