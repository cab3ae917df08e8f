// Range of a tensor's finite elements, and counts of what is not finite and of what is zero: all that min-max calibration needs.
import { anyBits, awkwardLengths, normals, onlyNaN, specials } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { emptyStats, reference } from './reference.ts'
import { rangeShader } from './shader.ts'

export const range = kernel<object>({
  id: 'range',
  arrays: [
    { name: 'x', kind: 'f32', use: 'input' },
    { name: 'stats', kind: 'u32', use: 'output', length: () => emptyStats.length, initial: emptyStats },
  ],
  scalars: () => [],
  reference,
  simd: 'range',
  shader: { code: rangeShader },
  cases: () => [
    ...awkwardLengths.map(n => ({ name: `${n} normals`, params: {}, inputs: { x: normals(n) } })),
    { name: 'specials', params: {}, inputs: { x: specials() } },
    { name: 'any bits', params: {}, inputs: { x: anyBits(4099) } },
    { name: 'NaN only', params: {}, inputs: { x: onlyNaN(33) } },
    { name: 'infinity only', params: {}, inputs: { x: new Float32Array(40).fill(Number.POSITIVE_INFINITY) } },
    { name: 'negative zeros', params: {}, inputs: { x: new Float32Array(64).fill(-0) } },
    { name: 'negative only', params: {}, inputs: { x: normals(100).map(x => -1 - Math.abs(x)) } },
  ],
  tolerance: exact('counts, and bounds that are elements'),
})
