// Cholesky's factorisation of symmetric positive definite matrices in float64, row-major, of which only the lower half is read. In blocks
// of columns: what a block takes from the rest is one product of matrices, which a kernel may compute. Each element is still the same
// chain of subtractions in the order of the columns, whatever the blocks.

/** Adds to `into` ([p, q]) the products of the columns of `a` ([n, p]) and `b` ([n, q]), one row after the other. */
export type AddProducts = (
  a: Float64Array,
  b: Float64Array,
  shape: { p: number; q: number },
  into: Float64Array,
) => void

const plainly: AddProducts = (a, b, { p, q }, into) => {
  for (let r = 0; r * q < b.length; r++)
    for (let i = 0; i < p; i++) {
      const factor = a[r * p + i]
      for (let j = 0; j < q; j++) into[i * q + j] += factor * b[r * q + j]
    }
}

const block = 32
const stripe = 128

/** Replaces the lower half of `a` ([n, n]) with L, where A = L L^T; false, with `a` spoilt, where A is not positive definite. */
export function cholesky(a: Float64Array, n: number, add: AddProducts = plainly): boolean {
  for (let from = 0; from < n; from += block) {
    const to = Math.min(n, from + block)
    for (let i = from; i < n; i++) {
      const row = i * n
      for (let j = from; j <= i && j < to; j++) {
        const other = j * n
        let sum = a[row + j]
        for (let k = from; k < j; k++) sum -= a[row + k] * a[other + k]
        if (i === j) {
          if (!(sum > 0)) return false
          a[row + i] = Math.sqrt(sum)
        } else a[row + j] = sum / a[other + j]
      }
    }
    if (to < n) takeFromRest(a, n, from, to, add)
  }
  return true
}

/** Subtracts what the columns `from` to `to` of L make of the rows behind them. */
function takeFromRest(a: Float64Array, n: number, from: number, to: number, add: AddProducts): void {
  const panel = new Float64Array((to - from) * (n - to))
  for (let i = to; i < n; i++) for (let k = from; k < to; k++) panel[(k - from) * (n - to) + i - to] = a[i * n + k]
  for (let first = to; first < n; first += stripe) {
    const last = Math.min(n, first + stripe)
    const [p, q] = [last - first, last - to]
    const left = new Float64Array((to - from) * p)
    const right = new Float64Array((to - from) * q)
    for (let k = 0; k < to - from; k++) {
      for (let i = 0; i < p; i++) left[k * p + i] = -panel[k * (n - to) + first - to + i]
      right.set(panel.subarray(k * (n - to), k * (n - to) + q), k * q)
    }
    const rest = new Float64Array(p * q)
    for (let i = 0; i < p; i++) rest.set(a.subarray((first + i) * n + to, (first + i) * n + last), i * q)
    add(left, right, { p, q }, rest)
    for (let i = 0; i < p; i++) a.set(rest.subarray(i * q, i * q + first + i - to + 1), (first + i) * n + to)
  }
}

/** Solves L L^T X = B for the `m` columns of `b` ([n, m]), in place; each column on its own comes to the same bits. */
export function solveCholesky(
  l: Float64Array,
  n: number,
  b: Float64Array,
  m: number,
  add: AddProducts = plainly,
): void {
  const rowOf = (i: number): Float64Array => b.subarray(i * m, (i + 1) * m)
  for (let from = 0; from < n; from += block) {
    const to = Math.min(n, from + block)
    for (let i = from; i < to; i++) {
      for (let k = from; k < i; k++) subtract(rowOf(i), l[i * n + k], rowOf(k))
      divide(rowOf(i), l[i * n + i])
    }
    const rest = n - to
    if (rest === 0) break
    const factors = new Float64Array((to - from) * rest)
    for (let k = from; k < to; k++) for (let i = to; i < n; i++) factors[(k - from) * rest + i - to] = -l[i * n + k]
    add(factors, b.subarray(from * m, to * m), { p: rest, q: m }, b.subarray(to * m))
  }
  for (let to = n; to > 0; ) {
    const from = Math.max(0, to - block)
    const solved = new Float64Array((to - from) * m)
    for (let i = to - 1; i >= from; i--) {
      divide(rowOf(i), l[i * n + i])
      for (let k = from; k < i; k++) subtract(rowOf(k), l[i * n + k], rowOf(i))
      solved.set(rowOf(i), (to - 1 - i) * m)
    }
    if (from > 0) {
      const factors = new Float64Array((to - from) * from)
      for (let i = to - 1; i >= from; i--)
        for (let k = 0; k < from; k++) factors[(to - 1 - i) * from + k] = -l[i * n + k]
      add(factors, solved, { p: from, q: m }, b.subarray(0, from * m))
    }
    to = from
  }
}

function subtract(from: Float64Array, factor: number, row: Float64Array): void {
  for (let c = 0; c < from.length; c++) from[c] -= factor * row[c]
}

function divide(row: Float64Array, by: number): void {
  for (let c = 0; c < row.length; c++) row[c] /= by
}

/** `add` on the diagonal, and tenfold where that is not enough: L of A + add I, and what was added. `a` is finite, and not changed. */
export function dampedCholesky(
  a: Float64Array,
  n: number,
  add: number,
  products: AddProducts = plainly,
): { l: Float64Array; added: number } {
  for (let added = add; ; added *= 10) {
    const l = a.slice()
    for (let i = 0; i < n; i++) l[i * n + i] += added
    if (cholesky(l, n, products)) return { l, added }
  }
}
