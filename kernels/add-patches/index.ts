// Columns of a matrix added back to the image whose patches they are.
import { normals } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { shapes } from '../patches/cases.ts'
import { columnsOf, type PatchShape, scalarsOf } from '../patches/reference.ts'
import { reference } from './reference.ts'

export const addPatches = kernel<PatchShape>({
  id: 'add-patches',
  arrays: [
    { name: 'columns', kind: 'f32', use: 'input' },
    { name: 'x', kind: 'f32', use: 'output', length: (_, { channels, size }) => channels * size[0] * size[1] },
  ],
  scalars: scalarsOf,
  reference,
  simd: 'addPatches',
  shader: { unsupported: 'it only serves gemm, which has none' },
  cases: () =>
    shapes.map(({ name, shape }) => ({ name, params: shape, inputs: { columns: normals(columnsOf(shape)) } })),
  tolerance: exact('the order of the additions is part of the definition'),
})
