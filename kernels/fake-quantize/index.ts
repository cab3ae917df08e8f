// float32 to float32 through codes: quantise and dequantise at once.
import { awkwardLengths, normals, specials } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import type { Quantizer } from '../quantize-linear/reference.ts'
import { reference } from './reference.ts'

export const fakeQuantize = kernel<Quantizer>({
  id: 'fake-quantize',
  arrays: [
    { name: 'x', kind: 'f32', use: 'input' },
    { name: 'y', kind: 'f32', use: 'output', length: ({ x }) => x.length },
  ],
  scalars: ({ scale, zeroPoint, qmin, qmax }) => [scale, qmin - zeroPoint, qmax - zeroPoint],
  reference,
  simd: 'fakeQuantize',
  shader: { unsupported: 'division in WGSL may be 2.5 units in the last place off, which moves codes at ties' },
  cases: () => [
    ...awkwardLengths.map(n => ({
      name: `${n} normals`,
      params: { scale: Math.fround(0.0231), zeroPoint: 117, qmin: 0, qmax: 255 },
      inputs: { x: normals(n) },
    })),
    { name: 'specials', params: { scale: 1, zeroPoint: 0, qmin: -128, qmax: 127 }, inputs: { x: specials() } },
    {
      name: '16 bits',
      params: { scale: Math.fround(1e-4), zeroPoint: 32768, qmin: 0, qmax: 65535 },
      inputs: { x: normals(515) },
    },
  ],
  tolerance: exact('one product of float32 numbers'),
})
