// Two models on one sample, and what each value is shown as.
import { describe, expect, test } from 'vitest'
import { parseModel as parse } from '../../src/ir/parse.ts'
import { floats } from '../../src/ir/tensor.ts'
import { asRead, mapsOf, sharedValues } from '../../src/jobs/beside.ts'

const float = parse(`graph (x: f32[1,2,2,2]) -> (y) {
  c = Conv(x, w: f32[2,2,1,1])
  n = BatchNormalization(c, g: f32[2], b: f32[2], m: f32[2], v: f32[2])
  y = Relu(n)
}`)
const quantised = parse(`graph (x: f32[1,2,2,2]) -> (y) {
  n = Conv(x, w: f32[2,2,1,1])
  q = QuantizeLinear(n, s: f32[], z: u8[])
  d = DequantizeLinear(q, s, z)
  y = Relu(d)
}`)

test('values that both compute, in the order of the first; what only one has is left out', () => {
  expect(sharedValues(float, quantised).map(({ value, op }) => `${op} ${value}`)).toEqual([
    'BatchNormalization n',
    'Relu y',
  ])
})

test('a rounded value is read behind its pair, another as it is', () => {
  expect(asRead(quantised, 'n')).toBe('d')
  expect(asRead(quantised, 'y')).toBe('y')
  expect(asRead(float, 'n')).toBe('n')
})

describe('shapes as pictures', () => {
  const of = (...shape: number[]) => {
    const n = shape.reduce((a, b) => a * b, 1)
    const maps = mapsOf(
      floats(
        shape,
        Float32Array.from({ length: n }, (_, k) => k),
      ),
    )
    return maps && [maps.channels, maps.height, maps.width]
  }
  test('images by channel, lines as rows, vectors as a square', () => {
    expect(of(1, 16, 7, 5)).toEqual([16, 7, 5])
    expect(of(1, 40, 6625)).toEqual([1, 40, 6625])
    expect(of(2, 3, 4, 5)).toEqual([6, 4, 5])
    expect(of(1, 10)).toEqual([1, 3, 4])
    expect(of(1, 1, 1, 4)).toEqual([1, 1, 4])
    expect(of(1, 0, 3)).toBeNull()
  })
  test('room that only fills up the square has no value', () => {
    expect([...mapsOf(floats([1, 3], Float32Array.of(1, 2, 3)))!.data]).toEqual([1, 2, 3, Number.NaN])
  })
})
