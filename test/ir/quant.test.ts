// Codes are their elements over the scale, rounded half to even and kept within the ends, and what they stand for is their reals.
import { expect, test } from 'vitest'
import { roundHalfEven } from '../../src/base/round.ts'
import { dequantizeTensor, type QuantParams, quantizeTensor } from '../../src/ir/quant.ts'

test.each([
  [4, true, [0, 0]],
  [8, false, [3, 128]],
  [16, true, [0, -5]],
] as const)('%i bits, signed: %s, zero points %j', (bits, signed, zeroPoint) => {
  const scale = Float32Array.of(0.1, 0.37)
  const params: QuantParams = {
    spec: {
      format: { kind: 'int', bits, signed },
      symmetric: false,
      granularity: { kind: 'channel', axis: 1 },
      restricted: false,
    },
    scale,
    zeroPoint: Int32Array.from(zeroPoint),
  }
  const span = 2 ** bits
  const [qmin, qmax] = signed ? [-span / 2, span / 2 - 1] : [0, span - 1]
  // Ties, both sides of them, both ends and beyond, and what is no number.
  const steps = [-1e9, qmin - 0.5, qmin, -2.5, -1.5, -0.5, -0.49, 0, 0.5, 0.51, 1.5, 2.5, qmax, qmax + 0.5, 1e9]
  const units = [...steps, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]
  const data = Float32Array.from([...units.map(u => u * scale[0]), ...units.map(u => u * scale[1])])
  const shape = [1, 2, units.length]
  const channel = (i: number): number => Math.floor(i / units.length)
  const codes = quantizeTensor(data, shape, params)
  const want = Array.from(data, (x, i) => {
    const zero = zeroPoint[channel(i)]
    const code = roundHalfEven(Math.fround(x / scale[channel(i)])) + zero
    return Number.isNaN(x) ? zero : Math.min(qmax, Math.max(qmin, code))
  })
  expect(Array.from(codes)).toEqual(want.map(q => q + 0))
  const reals = Float32Array.from(want, (q, i) => (q - zeroPoint[channel(i)]) * scale[channel(i)])
  expect(dequantizeTensor(codes, shape, params)).toEqual(reals)
})
