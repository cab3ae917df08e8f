import { describe, expect, test } from 'vitest'
import { cholesky, dampedCholesky, solveCholesky } from '../../src/base/cholesky.ts'
import { createRng } from '../../src/base/rng.ts'

describe('Cholesky', () => {
  test('of a matrix worked by hand', () => {
    // [[4, 12, -16], [12, 37, -43], [-16, -43, 98]] = L L^T with L = [[2], [6, 1], [-8, 5, 3]]
    const a = Float64Array.of(4, 12, -16, 12, 37, -43, -16, -43, 98)
    expect(cholesky(a, 3)).toBe(true)
    expect([a[0], a[3], a[4], a[6], a[7], a[8]]).toEqual([2, 6, 1, -8, 5, 3])
  })

  test('solves for several right sides', () => {
    const [n, m] = [7, 3]
    const rng = createRng(4)
    const x = Float64Array.from({ length: n * m }, () => rng.normal())
    const root = Float64Array.from({ length: n * n }, () => rng.normal())
    const a = new Float64Array(n * n)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) a[i * n + j] += root[i * n + k] * root[j * n + k]
    const b = new Float64Array(n * m)
    for (let i = 0; i < n; i++)
      for (let c = 0; c < m; c++) for (let j = 0; j < n; j++) b[i * m + c] += a[i * n + j] * x[j * m + c]
    expect(cholesky(a, n)).toBe(true)
    solveCholesky(a, n, b, m)
    for (const [i, v] of x.entries()) expect(b[i]).toBeCloseTo(v, 7)
  })

  test('says of a matrix that is not positive definite that it is not', () => {
    expect(cholesky(Float64Array.of(1, 2, 2, 1), 2)).toBe(false)
    expect(cholesky(Float64Array.of(Number.NaN), 1)).toBe(false)
  })

  test('damping grows until it is enough', () => {
    const { added, l } = dampedCholesky(Float64Array.of(1, 3, 3, 1), 2, 0.1)
    expect(added).toBe(10)
    expect(l[0]).toBeCloseTo(Math.sqrt(11))
  })
})
