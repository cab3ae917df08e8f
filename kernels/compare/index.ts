// Sums for SQNR and cosine between two arrays.
import { awkwardLengths, normals } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { emptySums, reference } from './reference.ts'

export const compare = kernel<object>({
  id: 'compare',
  arrays: [
    { name: 'a', kind: 'f32', use: 'input' },
    { name: 'b', kind: 'f32', use: 'input', sameLength: true },
    { name: 'sums', kind: 'f64', use: 'output', length: () => emptySums.length },
  ],
  scalars: () => [],
  reference,
  simd: 'compare',
  shader: { unsupported: 'WGSL has no float64' },
  cases: () => [
    ...awkwardLengths.map(n => ({
      name: `${n} normals`,
      params: {},
      inputs: { a: normals(n), b: normals(n, 1.01, 9) },
    })),
    { name: 'large and small', params: {}, inputs: { a: normals(1001, 1e30), b: normals(1001, 1e-30) } },
  ],
  tolerance: exact('products of float32 are exact in float64, and the order of the additions is fixed'),
})
