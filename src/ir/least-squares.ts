// The real weights of least error, from second moments: (H + D)^-1 (R + D P), drawn towards the float ones P by D.
import { cholesky, solveCholesky } from '../base/cholesky.ts'
import type { KernelSet } from './context.ts'
import { lotTask } from './lots.ts'

export interface RidgeRequest {
  h: Float64Array // [k + 1, k + 1]
  k: number
  /** Whether a bias is fitted too. */
  hasBias: boolean
  /** Strength of the pull, as a share of the mean second moment. */
  share: number
}

/** What all channels are solved with. */
export interface Ridge {
  l: Float64Array | null // [n, n]; null where the samples say nothing
  n: number // k, one more with a bias
  k: number
  pull: number
  /** 0 for inputs that are always zero, which have no weights. */
  used: Uint8Array
}

export const ridgeTask = lotTask('ridge', ridgeOf)

function ridgeOf({ h, k, hasBias, share }: RidgeRequest, kernels: KernelSet): Ridge {
  const n = hasBias ? k + 1 : k
  const pull = Math.max(share * meanDiagonal(h, k, k + 1), 1e-30)
  const a = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    a.set(h.subarray(i * (k + 1), i * (k + 1) + n), i * n)
    if (i < k) a[i * n + i] += pull
  }
  const used = Uint8Array.from({ length: k }, (_, j) => (h[j * (k + 1) + j] === 0 ? 0 : 1))
  return { l: cholesky(a, n, kernels.addProducts) ? a : null, n, k, pull, used }
}

export interface OptimumRequest {
  ridge: Ridge
  r: Float64Array // [k + 1, m]
  weights: Float64Array // [m, k], the float ones
}

/** [m, k]. */
export const optimumTask = lotTask('optimum', ({ ridge, r, weights }: OptimumRequest, kernels): Float64Array => {
  const { k, used } = ridge
  const m = weights.length / k
  const all = solve(ridge, r, weights, kernels)
  if (all === null) return weights
  const solved = new Float64Array(m * k)
  for (let j = 0; j < k; j++) if (used[j]) for (let c = 0; c < m; c++) solved[c * k + j] = all[j * m + c]
  return solved
})

/** [n, m], the bias in the last row where one is fitted; null where the samples say nothing. */
function solve(
  { l, n, k, pull }: Ridge,
  r: Float64Array,
  weights: Float64Array,
  kernels: KernelSet,
): Float64Array | null {
  if (l === null) return null
  const m = weights.length / k
  const b = r.slice(0, n * m)
  for (let j = 0; j < k; j++) for (let c = 0; c < m; c++) b[j * m + c] += pull * weights[c * k + j]
  solveCholesky(l, n, b, m, kernels.addProducts)
  return b
}

export interface HeldRequest {
  /** What the rows come to that are fitted to. */
  fitted: RidgeRequest & Pick<OptimumRequest, 'r' | 'weights'>
  /** What others do: sums of squares [n, n] and of products with the targets [n, m], with n as in `Ridge`. */
  held: { h: Float64Array; r: Float64Array }
}

/** Squared error on the rows that were not fitted to, but for a constant; infinite where nothing can be solved. */
export const heldTask = lotTask('held', ({ fitted, held }: HeldRequest, kernels): number => {
  const ridge = ridgeOf(fitted, kernels)
  const w = solve(ridge, fitted.r, fitted.weights, kernels)
  if (w === null) return Number.POSITIVE_INFINITY
  // w^T H w - 2 w^T R, H being symmetric.
  const product = new Float64Array(w.length)
  kernels.addProducts(held.h, w, { p: ridge.n, q: w.length / ridge.n }, product)
  let error = 0
  for (let i = 0; i < w.length; i++) error += w[i] * (product[i] - 2 * held.r[i])
  return error
})

export function meanDiagonal(h: Float64Array | Float32Array, k: number, stride = k): number {
  let sum = 0
  for (let i = 0; i < k; i++) sum += h[i * stride + i]
  return sum / Math.max(k, 1)
}
