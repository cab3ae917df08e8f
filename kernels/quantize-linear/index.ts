// float32 to 8-bit codes, as ONNX QuantizeLinear with one scale.
import { anyBits, awkwardLengths, normals, specials } from '../lib/cases.ts'
import { exact, kernel } from '../lib/kernel.ts'
import { type Quantizer, reference } from './reference.ts'

const scalars = ({ scale, zeroPoint, qmin, qmax }: Quantizer): readonly number[] => [
  scale,
  zeroPoint,
  qmin - zeroPoint,
  qmax - zeroPoint,
  qmin < 0 ? 1 : 0,
]
const unsigned = { scale: 0.5, zeroPoint: 3, qmin: 0, qmax: 255 }
const restricted = { scale: Math.fround(0.0123), zeroPoint: 0, qmin: -127, qmax: 127 }

export const quantizeLinear = kernel<Quantizer>({
  id: 'quantize-linear',
  arrays: [
    { name: 'x', kind: 'f32', use: 'input' },
    { name: 'y', kind: p => (p.qmin < 0 ? 'i8' : 'u8'), use: 'output', length: ({ x }) => x.length },
  ],
  scalars,
  reference,
  simd: 'quantizeLinear',
  shader: { unsupported: 'division in WGSL may be 2.5 units in the last place off, which moves codes at ties' },
  cases: () => [
    ...awkwardLengths.map(n => ({ name: `${n} normals`, params: restricted, inputs: { x: normals(n) } })),
    { name: 'ties and specials', params: { ...unsigned, scale: 1 }, inputs: { x: specials() } },
    {
      name: 'ties at half scale',
      params: unsigned,
      inputs: { x: Float32Array.from({ length: 600 }, (_, i) => (i - 300) / 4) },
    },
    { name: 'signed', params: { scale: 1, zeroPoint: -5, qmin: -128, qmax: 127 }, inputs: { x: specials() } },
    { name: 'seven bits', params: { scale: 1, zeroPoint: 0, qmin: -64, qmax: 63 }, inputs: { x: anyBits(999) } },
  ],
  tolerance: exact('integer codes'),
})
