// TFLite's fixed-point arithmetic, worked by hand.
import { expect, test } from 'vitest'
import {
  awayFromZero,
  expOfNegative,
  highMultiply,
  logistic,
  multiplierOf,
  multiply,
  multiplyWide,
  shiftRight,
  tanh,
} from '../../src/base/fixed-point.ts'

const half = 1073741824 // 2^30: one half in 31 fraction bits
const [least, most] = [-2147483648, 2147483647]

test('half times half is a quarter, and only the least by itself saturates', () => {
  expect(highMultiply(half, half)).toBe(536870912)
  expect(highMultiply(least, least)).toBe(most)
  expect(highMultiply(least, most)).toBe(-2147483647)
})

test('a product is rounded to the nearest, ties up', () => {
  expect(highMultiply(1, half)).toBe(1) // 0.5
  expect(highMultiply(-1, half)).toBe(0) // -0.5
  expect(highMultiply(3, half)).toBe(2) // 1.5
  expect(highMultiply(-3, half)).toBe(-1) // -1.5
})

test('products are exact where float64 has too few digits: compared with BigInt', () => {
  for (const [a, b] of [
    [2147483647, 2147483647],
    [-2147483647, 2147483645],
    [1234567891, -1987654321],
    [65537, 65535],
  ])
    expect(highMultiply(a, b)).toBe(Number((BigInt(a) * BigInt(b) + (1n << 30n)) >> 31n))
})

test('shifting right rounds ties away from zero', () => {
  expect([5, -5, 3, -3, 6, -6].map(x => shiftRight(x, 2))).toEqual([1, -1, 1, -1, 2, -2])
  expect([2, -2].map(x => shiftRight(x, 2))).toEqual([1, -1])
  expect(awayFromZero(-2.5)).toBe(-3)
})

test('a multiplier lies in [2^30, 2^31) times a power of two', () => {
  expect(multiplierOf(1)).toEqual({ m: half, shift: 1 })
  expect(multiplierOf(0.375)).toEqual({ m: 1610612736, shift: -1 })
  expect(multiplierOf(1 - 1e-12)).toEqual({ m: half, shift: 1 }) // rounds up to 2^31, so that it is halved
  expect(multiplierOf(1e-12)).toEqual({ m: 0, shift: 0 })
})

test('two roundings carry what lies just below a tie over it', () => {
  // 4 times it is 1.499999999: to 31 bits that is 3 halves, and the second rounding makes it 2.
  const below = multiplierOf(0.37499999975)
  expect(multiply(4, below)).toBe(2)
  expect(multiply(-4, below)).toBe(-2)
})

test('sums of 64 bits have a multiplier of 16 bits', () => {
  const third = multiplierOf(1 / 3) // 0.6666 * 2^-1; in 16 bits 21845.33 -> 21845 / 2^15
  expect(multiplyWide(3_000_000_000, third)).toBe(Number((3_000_000_000n * 21845n + 32768n) >> 16n))
  expect(multiplyWide(3, third)).toBe(1)
})

test('e^0 is all but one; e^-1 and e^-2 to six digits', () => {
  expect(expOfNegative(0, 5)).toBe(most)
  const inUnits = (x: number): number => x / 2147483648
  expect(inUnits(expOfNegative(-67108864, 5))).toBeCloseTo(0.36787944, 6)
  expect(inUnits(expOfNegative(-134217728, 5))).toBeCloseTo(0.13533528, 6)
})

test('logistic and tanh in four integer bits', () => {
  const one = 134217728
  const inUnits = (x: number): number => x / 2147483648
  expect(logistic(0, 4)).toBe(half)
  expect(inUnits(logistic(one, 4))).toBeCloseTo(0.73105858, 6)
  expect(inUnits(logistic(-one, 4))).toBeCloseTo(0.26894142, 6)
  expect(tanh(0, 4)).toBe(0)
  expect(inUnits(tanh(one, 4))).toBeCloseTo(0.76159416, 6)
  expect(tanh(-one, 4)).toBe(-tanh(one, 4))
})
