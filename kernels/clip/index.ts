// Relu and Clip, and their gradient.
import { awkwardLengths, normals, specials } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { gradientReference, type Interval, reference } from './reference.ts'

const relu: Interval = { low: 0, high: Number.POSITIVE_INFINITY }
const shader = { unsupported: 'it serves training, which has no shaders' }
const given: readonly { name: string; params: Interval; x: Float32Array }[] = [
  ...awkwardLengths.map(n => ({ name: `${n} normals`, params: relu, x: normals(n) })),
  { name: 'between two ends', params: { low: -0.3, high: 0.7 }, x: normals(1023) },
  { name: 'specials', params: { low: -1.5, high: 127.5 }, x: specials() },
]

export const clip = kernel<Interval>({
  id: 'clip',
  arrays: [
    { name: 'x', kind: 'f32', use: 'input' },
    { name: 'y', kind: 'f32', use: 'output', length: ({ x }) => x.length },
  ],
  scalars: ({ low, high }) => [low, high],
  reference,
  simd: 'clip',
  shader,
  cases: () => given.map(({ x, ...rest }) => ({ ...rest, inputs: { x } })),
  tolerance: exact('elements are chosen'),
})

export const clipGradient = kernel<Interval>({
  id: 'clip-gradient',
  arrays: [
    { name: 'x', kind: 'f32', use: 'input' },
    { name: 'dy', kind: 'f32', use: 'input', sameLength: true },
    { name: 'dx', kind: 'f32', use: 'output', length: ({ x }) => x.length },
  ],
  scalars: ({ low, high }) => [low, high],
  reference: gradientReference,
  simd: 'clipGradient',
  shader,
  cases: () => given.map(({ x, ...rest }) => ({ ...rest, inputs: { x, dy: normals(x.length, 1, 5) } })),
  tolerance: exact('elements are chosen'),
})
