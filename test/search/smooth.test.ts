// Errors of a layer by bits, smoothed: the law where it holds, what was measured where it does not.
import { describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { smoothed } from '../../src/stages/search/smooth.ts'

const law = (floor: number, slope: number) => (bits: number) => floor + slope * 4 ** -bits

describe('smoothed errors', () => {
  test('are those of a floor and a part that each bit quarters, where these were measured', () => {
    const error = law(3, 5000)
    const found = smoothed([4, 5, 6, 7, 8].map(bits => ({ bits, error: error(bits) })))
    for (const [i, bits] of [4, 5, 6, 7, 8].entries()) expect(found[i]).toBeCloseTo(error(bits), 8)
  })

  test('lie nearer to the truth than what was measured of it', () => {
    const rng = createRng(3, 'draws')
    const error = law(10, 20_000)
    const bits = [4, 5, 6, 7, 8]
    const off = { measured: 0, smoothed: 0 }
    for (let round = 0; round < 200; round++) {
      const measured = bits.map(b => ({ bits: b, error: error(b) * (0.8 + (0.4 * rng.below(1000)) / 1000) }))
      const found = smoothed(measured)
      for (const [i, b] of bits.entries()) {
        off.measured += (measured[i].error / error(b) - 1) ** 2
        off.smoothed += (found[i] / error(b) - 1) ** 2
      }
    }
    expect(off.smoothed).toBeLessThan(0.6 * off.measured)
  })

  test('never grow with bits, nor fall below nothing', () => {
    const rising = smoothed([5, 6, 7, 8].map((bits, i) => ({ bits, error: 1 + i })))
    expect(new Set(rising).size).toBe(1)
    const steep = smoothed([4, 5, 6].map((bits, i) => ({ bits, error: [100, 1, 0.001][i] })))
    expect(Math.min(...steep)).toBeGreaterThan(0)
  })

  test('are as measured below 4 bits, and where there are too few', () => {
    expect(
      smoothed([
        { bits: 4, error: 7 },
        { bits: 8, error: 9 },
      ]),
    ).toEqual([7, 9])
    const found = smoothed([2, 4, 6, 8].map(bits => ({ bits, error: bits === 2 ? 1234 : law(1, 1000)(bits) })))
    expect(found[0]).toBe(1234)
  })
})
