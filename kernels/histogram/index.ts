// Histogram over the bits of the floats, with the range of the elements, in one sweep.
import { anyBits, awkwardLengths, normals, onlyNaN, rectified, specials } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { emptyStats } from '../range/reference.ts'
import { histogramShader } from '../range/shader.ts'
import { keyCount, reference } from './reference.ts'

export const histogram = kernel<object>({
  id: 'histogram',
  arrays: [
    { name: 'x', kind: 'f32', use: 'input' },
    { name: 'stats', kind: 'u32', use: 'output', length: () => emptyStats.length, initial: emptyStats },
    { name: 'table', kind: 'u32', use: 'output', length: () => keyCount },
    { name: 'lanes', kind: 'u32', use: 'scratch', length: () => 4 * keyCount },
  ],
  scalars: () => [],
  reference,
  simd: 'histogram',
  shader: { code: histogramShader },
  cases: () => [
    ...awkwardLengths.map(n => ({ name: `${n} rectified`, params: {}, inputs: { x: rectified(n) } })),
    { name: 'normals', params: {}, inputs: { x: normals(10_001, 100) } },
    { name: 'specials', params: {}, inputs: { x: specials() } },
    { name: 'any bits', params: {}, inputs: { x: anyBits(65_537) } },
    { name: 'NaN only', params: {}, inputs: { x: onlyNaN(33) } },
    { name: 'constant', params: {}, inputs: { x: new Float32Array(5000).fill(6) } },
  ],
  tolerance: exact('counts'),
})
