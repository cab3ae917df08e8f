// y[r, c] = sum over k of a[r, k] b[c, k], wrapping at 32 bits as the accumulators of integer kernels do: the product that
// convolutions (by im2col) and matrix multiplications come down to. Codes less their zero point fit int16.
import type { Arrays } from '../lib/kernel.ts'

export interface DotShape {
  depth: number // length of a row of `a` and of `b`
}

export function reference({ a, b, y }: Arrays, { depth }: DotShape): void {
  const columns = depth === 0 ? 0 : b.length / depth
  for (let i = 0; i < y.length; i++) {
    const row = Math.floor(i / columns) * depth
    const column = (i % columns) * depth
    let sum = 0
    for (let k = 0; k < depth; k++) sum = (sum + a[row + k] * b[column + k]) | 0
    y[i] = sum
  }
}
