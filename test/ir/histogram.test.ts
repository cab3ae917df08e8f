// Histograms over float bits: edges by the IEEE 754 layout, quantiles and linear bins by hand.
import { describe, expect, test } from 'vitest'
import { cellsOf, edgesOf, linearBins, magnitudes, quantile } from '../../src/ir/histogram.ts'
import { observed } from '../calibrate/samples.ts'

const cells = async (...data: number[]) => {
  const observation = await observed(data)
  return cellsOf(observation, observation.histogram!)
}
const rowsOf = (c: { low: Float64Array; high: Float64Array; count: Float64Array }) =>
  Array.from(c.count, (n, i) => [c.low[i], c.high[i], n])

describe('edges of a key', () => {
  test('are 1/128 apart at 1, and mirrored below zero', () => {
    expect(edgesOf(0x3f80, 7)).toEqual([1, 1 + 1 / 128])
    expect(edgesOf(0xbf80, 7)).toEqual([-1 - 1 / 128, -1])
  })
  test('begin at zero and end at 2^128', () => {
    expect(edgesOf(0, 7)).toEqual([0, 2 ** -133])
    expect(edgesOf(0x7f7f, 7)[1]).toBe(2 ** 128)
  })
})

describe('cells', () => {
  test('ascend, are cut at smallest and largest, and hold zeros apart', async () => {
    expect(rowsOf(await cells(1, 0, -0, -2, 1, 1.005, 0))).toEqual([
      [-2, -2, 1],
      [0, 0, 3],
      [1, Math.fround(1.005), 3],
    ])
  })
  test('of what is smaller than every key are not zeros', async () => {
    const tiny = Math.fround(1e-43)
    expect(rowsOf(await cells(tiny, 0))).toEqual([
      [0, 0, 1],
      [0, tiny, 1],
    ])
  })
  test('of magnitudes leave zeros out and join both signs', async () => {
    expect(rowsOf(magnitudes(await cells(-3, 0, 1, 3)))).toEqual([
      [1, 1 + 1 / 128, 1],
      [3, 3, 1],
      [3, 3, 1],
    ])
  })
})

test('a quantile is exact to the width of a cell', async () => {
  const c = await cells(...Array.from({ length: 1000 }, (_, i) => (i + 1) / 1000))
  for (const q of [0.1, 0.5, 0.9, 0.999]) expect(Math.abs(quantile(c, q) - q)).toBeLessThan(q / 128)
  expect(quantile(c, 1)).toBe(1)
})

describe('linear bins', () => {
  test('lose no count and know what lies beyond', async () => {
    const data = Array.from({ length: 5000 }, (_, i) => (i % 100) / 7 + 0.01)
    const { counts, beyond } = linearBins(magnitudes(await cells(...data)), 10, 64)
    expect(counts.every(Number.isInteger)).toBe(true)
    expect(counts.reduce((n, c) => n + c, 0) + beyond).toBe(5000)
    const below = data.filter(x => x < 10).length
    expect(Math.abs(5000 - beyond - below)).toBeLessThan(5000 / 100)
  })
  test('place elements at even distances within a wide cell', () => {
    const wide = { low: Float64Array.of(2), high: Float64Array.of(6), count: Float64Array.of(8) }
    expect([...linearBins(wide, 8, 8).counts]).toEqual([0, 0, 2, 2, 2, 2, 0, 0])
    expect([...linearBins(wide, 4, 4).counts]).toEqual([0, 0, 2, 2])
    expect(linearBins(wide, 4, 4).beyond).toBe(4)
  })
})
