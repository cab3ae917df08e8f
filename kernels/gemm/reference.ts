// c += a b for matrices in float32, either of them read transposed: what convolutions and layers are computed and differentiated with.
// Over 256 of the depth products are summed one after the other, then added to c: the order is part of the definition.
import type { Arrays } from '../lib/kernel.ts'

export interface GemmShape {
  m: number // rows of c
  n: number // columns of c
  k: number // depth
  transA: boolean // a lies as [k, m] instead of [m, k]
  transB: boolean // b lies as [n, k] instead of [k, n]
}

export const product = (
  m: number,
  n: number,
  k: number,
  { transA = false, transB = false }: Partial<Pick<GemmShape, 'transA' | 'transB'>> = {},
): GemmShape => ({ m, n, k, transA, transB })

const block = 256

export function reference({ a, b, c }: Arrays, { m, n, k, transA, transB }: GemmShape): void {
  for (let start = 0; start < k; start += block) {
    const end = Math.min(k, start + block)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let d = start; d < end; d++) {
          const x = a[transA ? d * m + i : i * k + d]
          const y = b[transB ? j * k + d : d * n + j]
          sum = Math.fround(sum + Math.fround(x * y))
        }
        c[i * n + j] = Math.fround(c[i * n + j] + sum)
      }
  }
}
