// Sums of products between the columns of two matrices, in float64.
import { normals } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { type ProductShape, reference } from './reference.ts'

const given = (rows: number, p: number, q: number) => ({
  name: `${rows} rows, ${p} x ${q}`,
  params: { p, q },
  inputs: {
    a: Float64Array.from(normals(rows * p), x => x / 3),
    b: Float64Array.from(normals(rows * q, 1.5, 7), x => x / 7),
  },
})

export const addProducts = kernel<ProductShape>({
  id: 'add-products',
  arrays: [
    { name: 'a', kind: 'f64', use: 'input' },
    { name: 'b', kind: 'f64', use: 'input' },
    { name: 'c', kind: 'f64', use: 'output', length: (_, { p, q }) => p * q },
  ],
  scalars: ({ p, q }) => [p, q],
  reference,
  simd: 'addProducts',
  shader: { unsupported: 'WGSL has no float64' },
  cases: () => [
    ...[0, 1, 32, 33].map(rows => given(rows, 5, 9)),
    ...[1, 3, 4, 8, 65].map(p => given(20, p, 7)),
    ...[1, 3, 4, 12, 66].map(q => given(20, 6, q)),
  ],
  tolerance: exact('each operation and the order of the additions are part of the definition'),
})
