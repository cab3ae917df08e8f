import { expect, test } from 'vitest'
import { pack, unpack } from '../../src/base/pack.ts'

test('every kind of plain data comes back as it went in', () => {
  const value = {
    numbers: [1, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e300],
    big: 9223372036854775807n,
    map: new Map<unknown, unknown>([
      ['a', new Set([1, 2])],
      [3, null],
    ]),
    nothing: undefined,
    arrays: [Float32Array.of(1.5, Number.NaN), Uint8Array.of(1, 2, 3), new Float64Array(0), BigInt64Array.of(-1n)],
    text: 'µ ✓',
  }
  expect(unpack(pack(value))).toEqual(value)
})

test('a view into a larger buffer is stored alone, and an array used twice is stored once', () => {
  const large = new Uint8Array(1_000_000).fill(7)
  const view = large.subarray(10, 20)
  const bytes = pack({ a: view, b: view })
  expect(bytes.length).toBeLessThan(500)
  const back = unpack(bytes) as { a: Uint8Array; b: Uint8Array }
  expect([...back.a]).toEqual(new Array(10).fill(7))
  expect(back.b).toBe(back.a)
})

test('equal data give equal bytes', () => {
  const make = () => pack({ x: Float32Array.of(1, 2), m: new Map([['k', 1]]) })
  expect(make()).toEqual(make())
})
