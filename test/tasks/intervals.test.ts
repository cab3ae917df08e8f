import { expect, test } from 'vitest'
import { meanInterval, pairedDifference, wilson } from '../../src/tasks/intervals.ts'

// Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])('Wilson: %i of %i gives the published %f to %f', (right, n, low, high) => {
  const interval = wilson(right, n)
  expect(interval.low).toBeCloseTo(low, 4)
  expect(interval.high).toBeCloseTo(high, 4)
})

// Newcombe, Statistics in Medicine 17 (1998) 2635-2650, table III, method 10.
test.each([[36, 12, 2, 0, 0.0569, 0.3404]])(
  'paired difference: pairs %i, %i, %i, %i give the published %f to %f',
  (both, first, second, neither, low, high) => {
    const interval = pairedDifference({ both, first, second, neither })
    expect(interval.low).toBeCloseTo(low, 4)
    expect(interval.high).toBeCloseTo(high, 4)
  },
)

test('equal answers on all samples: the interval contains zero and shrinks with the samples', () => {
  const few = pairedDifference({ both: 90, first: 0, second: 0, neither: 10 })
  const many = pairedDifference({ both: 9000, first: 0, second: 0, neither: 1000 })
  expect(few.low).toBeLessThan(0)
  expect(few.high).toBeGreaterThan(0)
  expect(many.high - many.low).toBeLessThan((few.high - few.low) / 5)
})

test('swapping the two swaps the signs', () => {
  const one = pairedDifference({ both: 700, first: 20, second: 30, neither: 96 })
  const two = pairedDifference({ both: 700, first: 30, second: 20, neither: 96 })
  expect(one.low).toBeCloseTo(-two.high, 12)
  expect(one.high).toBeCloseTo(-two.low, 12)
})

test('the interval of a mean is that of the normal distribution: 1, 2, 3 by hand', () => {
  // mean 2, standard deviation 1, standard error 0.57735
  const { low, high } = meanInterval(3, 6, 14)
  expect(low).toBeCloseTo(2 - 1.95996 * 0.57735, 4)
  expect(high).toBeCloseTo(2 + 1.95996 * 0.57735, 4)
})
