// The real weights of least error, from second moments: (H + D)^-1 (R + D P), drawn towards the float ones P by D.
import { cholesky, solveCholesky } from '../base/cholesky.ts'
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

export const ridgeTask = lotTask('ridge', ({ h, k, hasBias, share }: RidgeRequest, kernels): Ridge => {
  const n = hasBias ? k + 1 : k
  const pull = Math.max(share * meanDiagonal(h, k, k + 1), 1e-30)
  const a = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    a.set(h.subarray(i * (k + 1), i * (k + 1) + n), i * n)
    if (i < k) a[i * n + i] += pull
  }
  const used = Uint8Array.from({ length: k }, (_, j) => (h[j * (k + 1) + j] === 0 ? 0 : 1))
  return { l: cholesky(a, n, kernels.addProducts) ? a : null, n, k, pull, used }
})

export interface OptimumRequest {
  ridge: Ridge
  r: Float64Array // [k + 1, m]
  weights: Float64Array // [m, k], the float ones
}

/** [m, k]. */
export const optimumTask = lotTask('optimum', ({ ridge, r, weights }: OptimumRequest, kernels): Float64Array => {
  const { l, n, k, pull, used } = ridge
  if (l === null) return weights
  const m = weights.length / k
  const b = r.slice(0, n * m)
  for (let j = 0; j < k; j++) for (let c = 0; c < m; c++) b[j * m + c] += pull * weights[c * k + j]
  solveCholesky(l, n, b, m, kernels.addProducts)
  const solved = new Float64Array(m * k)
  for (let j = 0; j < k; j++) if (used[j]) for (let c = 0; c < m; c++) solved[c * k + j] = b[j * m + c]
  return solved
})

export function meanDiagonal(h: Float64Array | Float32Array, k: number, stride = k): number {
  let sum = 0
  for (let i = 0; i < k; i++) sum += h[i * stride + i]
  return sum / Math.max(k, 1)
}
