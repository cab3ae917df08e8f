// The expected values were computed with mpmath at 300 bits and rounded to float64 (math-values.json: arguments, then value).
import { describe, expect, test } from 'vitest'
import { erf, exp, log, log2, log10, pow, sigmoid, tanh } from '../../src/base/math.ts'
import values from './math-values.json' with { type: 'json' }

const double = new Float64Array(1)
const bits = new BigInt64Array(double.buffer)
const ordinal = (x: number): bigint => {
  double[0] = x
  return bits[0] < 0n ? -(bits[0] & 0x7fffffffffffffffn) : bits[0]
}
const ulps = (a: number, b: number): number => Number(ordinal(a) - ordinal(b)) * (ordinal(a) < ordinal(b) ? -1 : 1)

const functions = { exp, log, tanh, sigmoid, log2, log10, erf, pow }
const allowed = { exp: 1, log: 1, tanh: 1, sigmoid: 2, log2: 0, log10: 0, erf: 0, pow: 0 }

describe.each(Object.entries(allowed))('%s', (name, bound) => {
  const rows = values[name as keyof typeof values]
  test(`is within ${bound} units in the last place`, () => {
    const f = functions[name as keyof typeof functions] as (...args: number[]) => number
    for (const row of rows) {
      const expected = row[row.length - 1]
      const got = f(...row.slice(0, -1))
      expect(ulps(got, expected), `${name}(${row.slice(0, -1)}) = ${got}, expected ${expected}`).toBeLessThanOrEqual(
        bound,
      )
    }
  })
})

test('special values are those of ECMAScript', () => {
  const same = (got: number, expected: number, what: string): void =>
    expect(
      got === expected ||
        Math.abs(got - expected) <= 1e-15 * Math.abs(expected) ||
        (Number.isNaN(got) && Number.isNaN(expected)),
      what,
    ).toBe(true)
  const odd = [0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, Infinity, -Infinity, NaN]
  for (const x of odd) {
    same(exp(x), Math.exp(x), `exp ${x}`)
    same(log(x), Math.log(x), `log ${x}`)
    same(log2(x), Math.log2(x), `log2 ${x}`)
    same(log10(x), Math.log10(x), `log10 ${x}`)
    same(tanh(x), Math.tanh(x), `tanh ${x}`)
    for (const y of odd) same(pow(x, y), x ** y, `pow ${x} ${y}`)
  }
  expect(pow(1, Infinity)).toBeNaN()
  expect(1 / pow(-0, -3)).toBe(-0)
  expect(exp(-746)).toBe(0)
  expect(exp(710)).toBe(Infinity)
  expect(erf(Infinity)).toBe(1)
  expect(erf(-7)).toBe(-1)
  expect(sigmoid(-Infinity)).toBe(0)
  expect(sigmoid(800)).toBe(1)
})
