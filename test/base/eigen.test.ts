import { describe, expect, test } from 'vitest'
import { symmetricEigen } from '../../src/base/eigen.ts'
import { createRng } from '../../src/base/rng.ts'

/** B B' of a [n, rank] matrix of random numbers. */
function product(n: number, rank: number): Float64Array {
  const rng = createRng(n, `eigen ${rank}`)
  const b = Float64Array.from({ length: n * rank }, () => rng.uniform() - 0.5)
  const a = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) for (let k = 0; k < rank; k++) a[i * n + j] += b[i * rank + k] * b[j * rank + k]
  return a
}

describe('eigenvalues of symmetric matrices', () => {
  test('worked out by hand', () => {
    const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 0, 1, 2, 0, 0, 0, -5), 3)
    const half = Math.sqrt(0.5)
    expect([...values].map(v => Math.round(v * 1e12) / 1e12)).toEqual([3, 1, -5])
    for (const [i, want] of [half, half, 0].entries()) expect(vectors[i]).toBeCloseTo(want, 12)
    for (const [i, want] of [0, 0, 1].entries()) expect(vectors[6 + i]).toBeCloseTo(want, 12)
  })

  test.for([
    [1, 1],
    [2, 2],
    [7, 7],
    [64, 64],
    [64, 20],
    [150, 150],
  ])('of %d rows and rank %d give the matrix again', ([n, rank]) => {
    const a = product(n, rank)
    const { values, vectors } = symmetricEigen(a, n)
    let apart = 0
    let skew = 0
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let again = 0
        let dot = 0
        for (let k = 0; k < n; k++) {
          again += vectors[k * n + i] * values[k] * vectors[k * n + j]
          dot += vectors[i * n + k] * vectors[j * n + k]
        }
        apart = Math.max(apart, Math.abs(again - a[i * n + j]))
        skew = Math.max(skew, Math.abs(dot - (i === j ? 1 : 0)))
      }
    // The algorithm is stable: errors of some n roundings of the largest value.
    expect(apart).toBeLessThan(1e-13 * n * Math.max(values[0], 1))
    expect(skew).toBeLessThan(1e-13 * n)
    for (let k = 1; k < n; k++) expect(values[k]).toBeLessThanOrEqual(values[k - 1])
    for (let k = rank; k < n; k++) expect(Math.abs(values[k])).toBeLessThan(1e-12 * values[0])
  })

  test('of what is diagonal already, or zero', () => {
    expect([...symmetricEigen(new Float64Array(9), 3).values]).toEqual([0, 0, 0])
    expect([...symmetricEigen(Float64Array.of(1, 0, 0, 0, 3, 0, 0, 0, 2), 3).values]).toEqual([3, 2, 1])
  })
})
