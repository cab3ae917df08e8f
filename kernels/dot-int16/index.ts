// Rows of int16 against rows of int16, in 32-bit accumulators.
import { normals } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { type DotShape, reference } from './reference.ts'

const codes = (n: number, seed: number, most = 255): Int16Array =>
  Int16Array.from(normals(n, most / 2, seed), x => Math.max(-most, Math.min(most, Math.round(x))))
const rows = (a: number, b: number, depth: number, most?: number) => ({
  name: `${a} x ${b}, ${depth} deep${most ? `, up to ${most}` : ''}`,
  params: { depth },
  inputs: { a: codes(a * depth, 1, most), b: codes(b * depth, 2, most) },
})

export const dotInt16 = kernel<DotShape>({
  id: 'dot-int16',
  arrays: [
    { name: 'a', kind: 'i16', use: 'input' },
    { name: 'b', kind: 'i16', use: 'input' },
    {
      name: 'y',
      kind: 'i32',
      use: 'output',
      length: ({ a, b }, { depth }) => (depth === 0 ? 0 : (a.length / depth) * (b.length / depth)),
    },
  ],
  scalars: ({ depth }) => [depth],
  reference,
  simd: 'dotInt16',
  shader: { unsupported: 'activations of the preview lie in memory of the processor' },
  cases: () => [
    rows(1, 1, 1),
    rows(3, 5, 7),
    rows(2, 4, 8),
    rows(17, 9, 27),
    rows(64, 16, 144),
    rows(5, 6, 33, 32767), // the sums wrap
    { name: 'no rows', params: { depth: 8 }, inputs: { a: new Int16Array(0), b: codes(8, 2) } },
  ],
  tolerance: exact('integers'),
})
