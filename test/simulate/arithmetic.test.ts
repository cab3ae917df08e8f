// Roundings in which targets differ, where random layers seldom hit them.
import { expect, test } from 'vitest'
import { arithmetics } from '../../src/stages/simulate/arithmetic/index.ts'
import type { Affine } from '../../src/stages/simulate/types.ts'

const { ort, tflite, tflm } = arithmetics
const int8 = (scale: number, zeroPoint = 0): Affine => ({
  scale: Math.fround(scale),
  zeroPoint,
  qmin: -128,
  qmax: 127,
})

test('halves: ONNX Runtime to even, TFLite away from zero', () => {
  expect([0.5, 1.5, -0.5, -2.5].map(x => ort.quantize(x, int8(1)))).toEqual([0, 2, 0, -2])
  expect([0.5, 1.5, -0.5, -2.5].map(x => tflite.quantize(x, int8(1)))).toEqual([1, 2, -1, -3])
})

test('what lies outside saturates, NaN is the zero point', () => {
  for (const { quantize } of [ort, tflite, tflm]) {
    expect([1e9, -1e9, Number.POSITIVE_INFINITY].map(x => quantize(x, int8(1, 3)))).toEqual([127, -128, 127])
    expect(quantize(Number.NaN, int8(1, 3))).toBe(3)
  }
})

test('LiteRT takes the multiplier of Mul in float32, TFLite Micro in float64: 110 there, 109 here, as both gave', () => {
  const [a, b] = [int8(0.02987031452357769, -128), int8(0.02641361579298973, -128)]
  const y = int8(0.03545694053173065, -104)
  expect(tflm.multiplier!(a, b, y)(-11, -46)).toBe(110)
  expect(tflite.multiplier!(a, b, y)(-11, -46)).toBe(109)
})
