// c += a^T b for rows of two matrices: what least squares and second-order rounding are made of. Over 256 rows products are summed in
// float32, one row after the other, then added in float64: the order is part of the definition. With `upper` only what a symmetric
// result needs is computed, in tiles of 4 x 8: those that lie wholly below the diagonal stay zero.
import type { Arrays } from '../lib/kernel.ts'

export interface GramShape {
  p: number // columns of a
  q: number // columns of b
  upper: boolean
}

const block = 256

export function reference({ a, b, c }: Arrays, { p, q, upper }: GramShape): void {
  const rows = p === 0 ? 0 : a.length / p
  for (let start = 0; start < rows; start += block) {
    const end = Math.min(rows, start + block)
    for (let i = 0; i < p; i++) {
      for (let j = 0; j < q; j++) {
        if (upper && i - (i % 4) > j - (j % 8) + 7) continue
        let sum = 0
        for (let r = start; r < end; r++) sum = Math.fround(sum + Math.fround(a[r * p + i] * b[r * q + j]))
        c[i * q + j] += sum
      }
    }
  }
}
