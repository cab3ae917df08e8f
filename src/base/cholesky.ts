// Cholesky's factorisation of symmetric positive definite matrices in float64, row-major, of which only the lower half is read.

/** Replaces the lower half of `a` ([n, n]) with L, where A = L L^T; false, with `a` spoilt, where A is not positive definite. */
export function cholesky(a: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    const row = i * n
    for (let j = 0; j <= i; j++) {
      const other = j * n
      let sum = a[row + j]
      for (let k = 0; k < j; k++) sum -= a[row + k] * a[other + k]
      if (i === j) {
        if (!(sum > 0)) return false
        a[row + i] = Math.sqrt(sum)
      } else a[row + j] = sum / a[other + j]
    }
  }
  return true
}

/** Solves L L^T X = B for the `m` columns of `b` ([n, m]), in place. */
export function solveCholesky(l: Float64Array, n: number, b: Float64Array, m: number): void {
  for (let i = 0; i < n; i++) {
    const row = b.subarray(i * m, (i + 1) * m)
    for (let k = 0; k < i; k++) subtract(row, l[i * n + k], b.subarray(k * m, (k + 1) * m))
    divide(row, l[i * n + i])
  }
  for (let i = n - 1; i >= 0; i--) {
    const row = b.subarray(i * m, (i + 1) * m)
    divide(row, l[i * n + i])
    for (let k = 0; k < i; k++) subtract(b.subarray(k * m, (k + 1) * m), l[i * n + k], row)
  }
}

function subtract(from: Float64Array, factor: number, row: Float64Array): void {
  if (factor === 0) return
  for (let c = 0; c < from.length; c++) from[c] -= factor * row[c]
}

function divide(row: Float64Array, by: number): void {
  for (let c = 0; c < row.length; c++) row[c] /= by
}

/** `add` on the diagonal, and tenfold where that is not enough: L of A + add I, and what was added. `a` is finite, and not changed. */
export function dampedCholesky(a: Float64Array, n: number, add: number): { l: Float64Array; added: number } {
  for (let added = add; ; added *= 10) {
    const l = a.slice()
    for (let i = 0; i < n; i++) l[i * n + i] += added
    if (cholesky(l, n)) return { l, added }
  }
}
