// Small views of the matrices that methods split and put together.

/** The first `r` rows of [n, q]. */
export const rowsOf = (a: Float32Array, q: number, r: number): Float32Array => a.slice(0, r * q)

/** The first `r` columns of [p, n]. */
export function columnsOf(a: Float32Array, p: number, r: number): Float32Array {
  const n = a.length / p
  const out = new Float32Array(p * r)
  for (let i = 0; i < p; i++) out.set(a.subarray(i * n, i * n + r), i * r)
  return out
}

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

export const volume = (size: readonly number[]): number => size.reduce((n, d) => n * d, 1)

/** Covariances of blocks of columns, [n, n], as a mean over those where `of` says which column block `i` has in place `k`. */
export function meanBlock(
  covariance: Float64Array | null,
  columns: number,
  n: number,
  places: number,
  of: (i: number, k: number) => number,
): Float64Array | null {
  if (!covariance) return null
  const mean = new Float64Array(n * n)
  for (let k = 0; k < places; k++)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) mean[i * n + j] += covariance[of(i, k) * columns + of(j, k)] / places
  return mean
}
