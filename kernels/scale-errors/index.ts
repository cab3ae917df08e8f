// Squared quantisation error for many candidate scales at once.
import { awkwardLengths, normals } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { reference } from './reference.ts'

const scales = (max: number, count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => ((0.2 + (0.8 * (i + 1)) / count) * max) / 127)

export const scaleErrors = kernel<{ qmax: number }>({
  id: 'scale-errors',
  arrays: [
    { name: 'x', kind: 'f32', use: 'input' },
    { name: 'scales', kind: 'f32', use: 'input' },
    { name: 'errors', kind: 'f64', use: 'output', length: inputs => inputs.scales.length },
  ],
  scalars: ({ qmax }) => [qmax],
  reference,
  simd: 'scaleErrors',
  shader: { unsupported: 'WGSL has no float64, and its division is not exact' },
  cases: () => [
    ...awkwardLengths.map(n => ({
      name: `${n} normals`,
      params: { qmax: 127 },
      inputs: { x: normals(n), scales: scales(4, 5) },
    })),
    { name: '4 bits, 81 scales', params: { qmax: 7 }, inputs: { x: normals(2500), scales: scales(64, 81) } },
    { name: 'no scale', params: { qmax: 127 }, inputs: { x: normals(9), scales: new Float32Array(0) } },
  ],
  tolerance: exact('each operation and the order of the additions are part of the definition'),
})
