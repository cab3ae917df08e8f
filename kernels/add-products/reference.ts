// c += a^T b in float64, one row after the other: each element is what a loop over the rows that adds one product at a time gives, so
// that work on few columns at once, or on many, comes to the same bits. What triangular solves and rounding with feedback are made of.
import type { Arrays } from '../lib/kernel.ts'

export interface ProductShape {
  p: number // columns of a
  q: number // columns of b
}

export function reference({ a, b, c }: Arrays, { p, q }: ProductShape): void {
  const rows = p === 0 ? 0 : a.length / p
  for (let i = 0; i < p; i++)
    for (let j = 0; j < q; j++) {
      let sum = c[i * q + j]
      for (let r = 0; r < rows; r++) sum += a[r * p + i] * b[r * q + j]
      c[i * q + j] = sum
    }
}
