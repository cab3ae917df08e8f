// C += A · B in float64, blocked 4 x 4 so that each loaded element serves four products. Strides stand for transposes:
// A[i, k] = a[i * ai + k * ak], B[k, j] = b[k * bk + j * bj], C[i, j] = c[i * ci + j]. Fixed order, so the same bits every time.

export function matmul(
  rows: number,
  columns: number,
  depth: number,
  a: Float64Array,
  ai: number,
  ak: number,
  b: Float64Array,
  bk: number,
  bj: number,
  c: Float64Array,
  ci: number,
): void {
  const wholeRows = rows - (rows % 4)
  const wholeColumns = columns - (columns % 4)
  for (let i = 0; i < wholeRows; i += 4) {
    for (let j = 0; j < wholeColumns; j += 4) {
      let c00 = 0,
        c01 = 0,
        c02 = 0,
        c03 = 0
      let c10 = 0,
        c11 = 0,
        c12 = 0,
        c13 = 0
      let c20 = 0,
        c21 = 0,
        c22 = 0,
        c23 = 0
      let c30 = 0,
        c31 = 0,
        c32 = 0,
        c33 = 0
      let p = i * ai
      let q = j * bj
      for (let k = 0; k < depth; k++, p += ak, q += bk) {
        const b0 = b[q]
        const b1 = b[q + bj]
        const b2 = b[q + 2 * bj]
        const b3 = b[q + 3 * bj]
        const a0 = a[p]
        c00 += a0 * b0
        c01 += a0 * b1
        c02 += a0 * b2
        c03 += a0 * b3
        const a1 = a[p + ai]
        c10 += a1 * b0
        c11 += a1 * b1
        c12 += a1 * b2
        c13 += a1 * b3
        const a2 = a[p + 2 * ai]
        c20 += a2 * b0
        c21 += a2 * b1
        c22 += a2 * b2
        c23 += a2 * b3
        const a3 = a[p + 3 * ai]
        c30 += a3 * b0
        c31 += a3 * b1
        c32 += a3 * b2
        c33 += a3 * b3
      }
      let o = i * ci + j
      c[o] += c00
      c[o + 1] += c01
      c[o + 2] += c02
      c[o + 3] += c03
      o += ci
      c[o] += c10
      c[o + 1] += c11
      c[o + 2] += c12
      c[o + 3] += c13
      o += ci
      c[o] += c20
      c[o + 1] += c21
      c[o + 2] += c22
      c[o + 3] += c23
      o += ci
      c[o] += c30
      c[o + 1] += c31
      c[o + 2] += c32
      c[o + 3] += c33
    }
  }
  const one = (i: number, j: number): void => {
    let sum = 0
    for (let k = 0, p = i * ai, q = j * bj; k < depth; k++, p += ak, q += bk) sum += a[p] * b[q]
    c[i * ci + j] += sum
  }
  for (let i = 0; i < wholeRows; i++) for (let j = wholeColumns; j < columns; j++) one(i, j)
  for (let i = wholeRows; i < rows; i++) for (let j = 0; j < columns; j++) one(i, j)
}
