// A matrix as the product of two thin ones that is closest to it in what it gives: with M the matrix and S the covariance of what it is
// multiplied by, M X with X X' = S is best met by the leading part of the singular value decomposition of M L, where S = L L', with L taken
// off again (Wang et al., SVD-LLM: Truncation-aware Singular Value Decomposition, 2024). Without samples S is the identity, which gives the
// plain decomposition (Eckart and Young, The Approximation of One Matrix by Another of Lower Rank, 1936). Singular vectors come from the
// eigenvectors on the shorter side: of M S M' the projections of what is given, else of L' M' M L.
import { dampedCholesky } from '../../base/cholesky.ts'
import { symmetricEigen } from '../../base/eigen.ts'
import type { KernelSet } from '../../ir/context.ts'
import { meanDiagonal } from '../../ir/least-squares.ts'
import { lotTask } from '../../ir/lots.ts'

export interface SplitRequest {
  m: Float64Array // [p, q]
  p: number
  q: number
  metric: Float64Array | null // S, [q, q]; null: the identity
}

/** Of rank n = min(p, q); the first r columns and rows are the best of rank r. */
export interface Split {
  energies: Float64Array // [n], what each part adds to the squares of what is given; descending
  left: Float32Array // [p, n], columns of length 1
  right: Float32Array // [n, q]
}

// Of the mean variance: what never moves on the samples must keep some weight.
const damping = 1e-6
// Of the largest energy: what is less is rounding.
const least = 1e-14

export const splitTask = lotTask('split', ({ m, p, q, metric }: SplitRequest, kernels): Split => {
  const s = metric && damped(metric, q)
  return p <= q ? byOutputs(m, p, q, s, kernels) : byInputs(m, p, q, s, kernels)
})

function damped(metric: Float64Array, q: number): Float64Array {
  const s = metric.slice()
  const add = Math.max(damping * meanDiagonal(s, q), 1e-30)
  for (let i = 0; i < q; i++) s[i * q + i] += add
  return s
}

function byOutputs(m: Float64Array, p: number, q: number, s: Float64Array | null, kernels: KernelSet): Split {
  const columns = transposed(m, p, q)
  const weighed = s ? transposed(product(columns, s, { p, q }, kernels), p, q) : columns
  const { values, vectors } = symmetricEigen(product(weighed, columns, { p, q: p }, kernels), p)
  const left = transposed(vectors, p, p)
  const right = product(left, m, { p, q }, kernels)
  return { energies: values.map(v => Math.max(0, v)), left: Float32Array.from(left), right: Float32Array.from(right) }
}

function byInputs(m: Float64Array, p: number, q: number, s: Float64Array | null, kernels: KernelSet): Split {
  const l = s && lower(dampedCholesky(s, q, 0).l, q)
  const columns = transposed(m, p, q)
  const seen = l ? product(columns, l, { p, q }, kernels) : m
  const { values, vectors } = symmetricEigen(product(seen, seen, { p: q, q }, kernels), q)
  const left = product(transposed(seen, p, q), transposed(vectors, q, q), { p, q }, kernels)
  if (l) for (let i = 0; i < q; i++) takeOff(vectors.subarray(i * q, (i + 1) * q), l, q)
  for (const [i, energy] of values.entries()) {
    const size = energy > least * values[0] ? Math.sqrt(energy) : 0
    for (let row = 0; row < p; row++) left[row * q + i] *= size > 0 ? 1 / size : 0
    for (let j = 0; j < q; j++) vectors[i * q + j] *= size
  }
  return { energies: values.map(v => Math.max(0, v)), left: Float32Array.from(left), right: Float32Array.from(vectors) }
}

/** Replaces x by the solution of x' L = v'. */
function takeOff(v: Float64Array, l: Float64Array, q: number): void {
  for (let j = q - 1; j >= 0; j--) {
    v[j] /= l[j * q + j]
    for (let i = 0; i < j; i++) v[i] -= v[j] * l[j * q + i]
  }
}

/** A' B of a [n, p] and b [n, q]. */
function product(
  a: Float64Array,
  b: Float64Array,
  { p, q }: { p: number; q: number },
  kernels: KernelSet,
): Float64Array {
  const into = new Float64Array(p * q)
  kernels.addProducts(a, b, { p, q }, into)
  return into
}

function transposed(a: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(a.length)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j]
  return out
}

/** With zeros above the diagonal, where a factorisation leaves what was there. */
function lower(l: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) l.fill(0, i * n + i + 1, (i + 1) * n)
  return l
}
