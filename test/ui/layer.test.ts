// The figures of a layer's page that the page itself works out.
import { describe, expect, test } from 'vitest'
import { real } from '../../src/ui/format.ts'
import { columnsOf } from '../../src/ui/parts/channel-columns.ts'
import { estimatedLocal } from '../../src/ui/parts/estimated-local.ts'
import { tickText } from '../../src/ui/parts/ticks.ts'

describe('columns of channels', () => {
  const channels = Float32Array.of(0, 1, 2, 3, 4, -5, -1, 0, 1, 9, -2, -2, 1, 2, 2)
  test('one channel in each is as it is', () => {
    expect(columnsOf(channels, 1).map(({ figures }) => figures)).toEqual([
      [0, 1, 2, 3, 4],
      [-5, -1, 0, 1, 9],
      [-2, -2, 1, 2, 2],
    ])
  })
  test('several reach as far as any of them, and none is left out', () => {
    expect(columnsOf(channels, 2)).toEqual([
      { first: 0, figures: [-5, -1, 1, 3, 9] },
      { first: 2, figures: [-2, -2, 1, 2, 2] },
    ])
  })
})

describe('the estimate of a layer', () => {
  test('is what was measured where the output is rounded as before', () => {
    expect(estimatedLocal(31, 40, 40)).toBeCloseTo(31, 10)
  })
  test('falls by 3 dB where the output comes to make as much noise as all else', () => {
    // Without its output the layer is at 30 dB: noise of 1/1000. Another 1/1000 doubles it.
    expect(estimatedLocal(-10 * Math.log10(0.0011), 40, 30)).toBeCloseTo(30 - 10 * Math.log10(2), 10)
  })
  test('never promises more than the output itself has', () => {
    expect(estimatedLocal(42, 41, 20)).toBeCloseTo(20, 10)
  })
})

test('values are written with three figures, ticks as short as they are round', () => {
  expect([0, 7.2936, -0.04128, 1234.5, 0.0000123, 2e7].map(value => real(value))).toEqual([
    '0',
    '7.29',
    '\u22120.0413',
    '1,235',
    '1.23e\u22125',
    '2.00e7',
  ])
  expect([5, 0.5, -0.25, 2000].map(tick => tickText(tick, 'en'))).toEqual(['5', '0.5', '\u22120.25', '2,000'])
})
