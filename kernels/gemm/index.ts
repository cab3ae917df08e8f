// Product of two matrices in float32.
import { normals } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { type GemmShape, reference } from './reference.ts'

const given = (m: number, n: number, k: number, transA = false, transB = false) => ({
  name: `${m} x ${n} over ${k}${transA ? ', a transposed' : ''}${transB ? ', b transposed' : ''}`,
  params: { m, n, k, transA, transB },
  inputs: { a: normals(m * k), b: normals(k * n, 1.5, 7) },
})

export const gemm = kernel<GemmShape>({
  id: 'gemm',
  arrays: [
    { name: 'a', kind: 'f32', use: 'input' },
    { name: 'b', kind: 'f32', use: 'input' },
    { name: 'c', kind: 'f32', use: 'output', length: (_, { m, n }) => m * n },
  ],
  scalars: ({ m, n, k, transA, transB }) => [m, n, k, transA ? 1 : 0, transB ? 1 : 0],
  reference,
  simd: 'gemm',
  shader: {
    unsupported: 'WGSL may round a product and the addition of it once, so that it could not agree to the bit',
  },
  cases: () => [
    ...[0, 1, 3, 255, 256, 257, 600].map(k => given(5, 9, k)),
    ...[1, 4, 7, 63, 65, 130].map(m => given(m, 12, 70)),
    ...[1, 8, 63, 65, 130].map(n => given(6, n, 70)),
    ...[
      [true, false],
      [false, true],
      [true, true],
    ].flatMap(([transA, transB]) => [given(7, 13, 300, transA, transB), given(66, 70, 33, transA, transB)]),
  ],
  tolerance: exact('each operation and the order of the additions are part of the definition'),
})
