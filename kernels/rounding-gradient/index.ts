// The gradient through rounding, and by the step.
import type { Interval } from '../clip/reference.ts'
import { awkwardLengths, normals, specials } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { reference } from './reference.ts'

const of = (name: string, x: Float32Array, params: Interval = { low: -0.5, high: 0.9 }) => ({
  name,
  params,
  inputs: { x, rounded: x.map(v => Math.max(-0.5, Math.min(0.9, Math.round(v * 8) / 8))), dy: normals(x.length, 1, 5) },
})

export const roundingGradient = kernel<Interval>({
  id: 'rounding-gradient',
  arrays: [
    { name: 'x', kind: 'f32', use: 'input' },
    { name: 'rounded', kind: 'f32', use: 'input', sameLength: true },
    { name: 'dy', kind: 'f32', use: 'input', sameLength: true },
    { name: 'dx', kind: 'f32', use: 'output', length: ({ x }) => x.length },
    { name: 'sums', kind: 'f64', use: 'output', length: () => 4 },
  ],
  scalars: ({ low, high }) => [low, high],
  reference,
  simd: 'roundingGradient',
  shader: { unsupported: 'WGSL has no float64, which the sums are in' },
  cases: () => [
    ...awkwardLengths.map(n => of(`${n} normals`, normals(n))),
    of('specials', specials().filter(Number.isFinite)),
  ],
  tolerance: exact('each operation and the order of the additions are part of the definition'),
})
