// Patches of an image as columns of a matrix.
import { normals } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { shapes } from './cases.ts'
import { columnsOf, type PatchShape, reference, scalarsOf } from './reference.ts'

export const patches = kernel<PatchShape>({
  id: 'patches',
  arrays: [
    { name: 'x', kind: 'f32', use: 'input' },
    { name: 'columns', kind: 'f32', use: 'output', length: (_, shape) => columnsOf(shape) },
  ],
  scalars: scalarsOf,
  reference,
  simd: 'patches',
  shader: { unsupported: 'it only serves gemm, which has none' },
  cases: () =>
    shapes.map(({ name, shape }) => ({
      name,
      params: shape,
      inputs: { x: normals(shape.channels * shape.size[0] * shape.size[1]) },
    })),
  tolerance: exact('elements are moved'),
})
