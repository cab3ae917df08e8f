// Eigenvalues and eigenvectors of a symmetric matrix in float64: Householder's reduction to three diagonals, then QL steps with implicit
// shifts (Bowdler, Martin, Reinsch and Wilkinson, The QR and QL Algorithms for Symmetric Matrices, 1968; as in EISPACK's tred2 and tql2).

export interface Eigen {
  values: Float64Array // descending
  vectors: Float64Array // [n, n], row i belongs to value i
}

/** Of `a` ([n, n], row-major, symmetric), which is left as it is. Each vector's largest element is positive. */
export function symmetricEigen(a: Float64Array, n: number): Eigen {
  // Column k of the textbook's matrix is row k here, so that the loops run along memory.
  const v = a.slice()
  const d = new Float64Array(n)
  const e = new Float64Array(n)
  if (n === 0) return { values: d, vectors: v }
  tridiagonal(v, d, e, n)
  diagonal(v, d, e, n)
  const order = [...d.keys()].sort((i, j) => d[j] - d[i] || i - j)
  const vectors = new Float64Array(n * n)
  for (const [to, from] of order.entries()) {
    const row = v.subarray(from * n, (from + 1) * n)
    let largest = 0
    for (let k = 1; k < n; k++) if (Math.abs(row[k]) > Math.abs(row[largest])) largest = k
    const sign = row[largest] < 0 ? -1 : 1
    for (let k = 0; k < n; k++) vectors[to * n + k] = sign * row[k]
  }
  return { values: Float64Array.from(order, i => d[i]), vectors }
}

/** Leaves the diagonal in `d`, what stands beside it in `e` from 1 on, and the transformation in `v`. */
function tridiagonal(v: Float64Array, d: Float64Array, e: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) d[j] = v[j * n + n - 1]
  for (let i = n - 1; i > 0; i--) {
    let scale = 0
    for (let k = 0; k < i; k++) scale += Math.abs(d[k])
    if (scale === 0) {
      e[i] = d[i - 1]
      for (let j = 0; j < i; j++) {
        d[j] = v[j * n + i - 1]
        v[j * n + i] = 0
        v[i * n + j] = 0
      }
      d[i] = 0
      continue
    }
    let h = 0
    for (let k = 0; k < i; k++) {
      d[k] /= scale
      h += d[k] * d[k]
    }
    const g = d[i - 1] > 0 ? -Math.sqrt(h) : Math.sqrt(h)
    e[i] = scale * g
    h -= d[i - 1] * g
    d[i - 1] -= g
    e.fill(0, 0, i)
    for (let j = 0; j < i; j++) {
      const row = j * n
      const f = d[j]
      v[i * n + j] = f
      let sum = e[j] + v[row + j] * f
      for (let k = j + 1; k < i; k++) {
        sum += v[row + k] * d[k]
        e[k] += v[row + k] * f
      }
      e[j] = sum
    }
    let f = 0
    for (let j = 0; j < i; j++) {
      e[j] /= h
      f += e[j] * d[j]
    }
    const half = f / (h + h)
    for (let j = 0; j < i; j++) e[j] -= half * d[j]
    for (let j = 0; j < i; j++) {
      const row = j * n
      for (let k = j; k < i; k++) v[row + k] -= d[j] * e[k] + e[j] * d[k]
      d[j] = v[row + i - 1]
      v[row + i] = 0
    }
    d[i] = h
  }
  for (let i = 0; i < n - 1; i++) {
    v[i * n + n - 1] = v[i * n + i]
    v[i * n + i] = 1
    const next = (i + 1) * n
    const h = d[i + 1]
    if (h !== 0) {
      for (let k = 0; k <= i; k++) d[k] = v[next + k] / h
      for (let j = 0; j <= i; j++) {
        const row = j * n
        let g = 0
        for (let k = 0; k <= i; k++) g += v[next + k] * v[row + k]
        for (let k = 0; k <= i; k++) v[row + k] -= g * d[k]
      }
    }
    v.fill(0, next, next + i + 1)
  }
  for (let j = 0; j < n; j++) {
    d[j] = v[j * n + n - 1]
    v[j * n + n - 1] = 0
  }
  v[n * n - 1] = 1
  e[0] = 0
}

const epsilon = 2.220446049250313e-16

function diagonal(v: Float64Array, d: Float64Array, e: Float64Array, n: number): void {
  e.copyWithin(0, 1)
  e[n - 1] = 0
  let shift = 0
  let size = 0
  for (let l = 0; l < n; l++) {
    size = Math.max(size, Math.abs(d[l]) + Math.abs(e[l]))
    let m = l
    while (m < n - 1 && Math.abs(e[m]) > epsilon * size) m++
    while (m > l && Math.abs(e[l]) > epsilon * size) {
      const start = d[l]
      const slope = (d[l + 1] - start) / (2 * e[l])
      const root = slope < 0 ? -Math.sqrt(slope * slope + 1) : Math.sqrt(slope * slope + 1)
      d[l] = e[l] / (slope + root)
      d[l + 1] = e[l] * (slope + root)
      const after = d[l + 1]
      const moved = start - d[l]
      for (let i = l + 2; i < n; i++) d[i] -= moved
      shift += moved
      let p = d[m]
      let [c, c2, c3, s, s2] = [1, 1, 1, 0, 0]
      const beside = e[l + 1]
      for (let i = m - 1; i >= l; i--) {
        c3 = c2
        c2 = c
        s2 = s
        const g = c * e[i]
        const h = c * p
        const r = Math.sqrt(p * p + e[i] * e[i])
        e[i + 1] = s * r
        s = e[i] / r
        c = p / r
        p = c * d[i] - s * g
        d[i + 1] = h + s * (c * g + s * d[i])
        rotate(v.subarray(i * n, (i + 1) * n), v.subarray((i + 1) * n, (i + 2) * n), c, s)
      }
      p = (-s * s2 * c3 * beside * e[l]) / after
      e[l] = s * p
      d[l] = c * p
    }
    d[l] += shift
    e[l] = 0
  }
}

function rotate(a: Float64Array, b: Float64Array, c: number, s: number): void {
  for (let k = 0; k < a.length; k++) {
    const h = b[k]
    b[k] = s * a[k] + c * h
    a[k] = c * a[k] - s * h
  }
}
