// Sums of products between the columns of two matrices.
import { normals } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { type GramShape, reference } from './reference.ts'

const given = (rows: number, p: number, q: number, upper = false) => {
  const a = normals(rows * p)
  return {
    name: `${rows} rows, ${p} x ${q}${upper ? ', upper half' : ''}`,
    params: { p, q, upper },
    inputs: { a, b: upper ? a : normals(rows * q, 1.5, 7) },
  }
}

export const gram = kernel<GramShape>({
  id: 'gram',
  arrays: [
    { name: 'a', kind: 'f32', use: 'input' },
    { name: 'b', kind: 'f32', use: 'input' },
    { name: 'c', kind: 'f64', use: 'output', length: (_, { p, q }) => p * q },
  ],
  scalars: ({ p, q, upper }) => [p, q, upper ? 1 : 0],
  reference,
  simd: 'gram',
  shader: { unsupported: 'WGSL has no float64' },
  cases: () => [
    ...[0, 1, 3, 255, 256, 257, 600].map(rows => given(rows, 5, 9)),
    ...[1, 4, 7, 8, 63, 65].map(p => given(70, p, 3)),
    ...[1, 8, 63, 64, 65, 130].map(q => given(70, 6, q)),
    ...[1, 9, 70, 131].map(p => given(300, p, p, true)),
  ],
  tolerance: exact('each operation and the order of the additions are part of the definition'),
})
