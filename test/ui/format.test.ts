// Figures as they are shown: units, signs, rounding at the borders between units.
import { describe, expect, test } from 'vitest'
import * as format from '../../src/ui/format.ts'

const spaces = (text: string) => text.replaceAll('\u00a0', ' ')

describe('format', () => {
  test.each([
    [0, '0 B'],
    [286, '286 B'],
    [999.4, '999 B'],
    [999.6, '1.00 kB'],
    [1204, '1.20 kB'],
    [33_240, '33.2 kB'],
    [318_204, '318 kB'],
    [1_093_412, '1.09 MB'],
    [10_700_000_000, '10.7 GB'],
  ])('%d bytes read as %s', (value, text) => expect(spaces(format.bytes(value))).toBe(text))
  test('a change carries its sign, with a true minus', () => {
    expect(spaces(format.change(1_093_412, 318_204))).toBe('−71 %')
    expect(spaces(format.change(100, 118))).toBe('+18 %')
    expect(spaces(format.change(1000, 1002))).toBe('+0.2 %')
    expect(spaces(format.change(5, 5))).toBe('0 %')
    expect(format.change(0, 5)).toBe('–')
  })
  test('what rounds to zero has no sign', () => {
    expect(format.signed(-0.001, 2)).toBe('0.00')
    expect(format.signed(0.001, 2)).toBe('0.00')
    expect(format.signed(-0.12, 2)).toBe('−0.12')
    expect(format.signed(0.47, 2)).toBe('+0.47')
  })
  test('decibels without a figure are a dash, without noise infinite', () => {
    expect(format.decibel(null)).toBe('–')
    expect(spaces(format.decibel(Number.POSITIVE_INFINITY))).toBe('∞ dB')
    expect(spaces(format.decibel(31.24))).toBe('31.2 dB')
  })
  test('durations go from tenths to minutes', () => {
    expect(spaces(format.duration(0.31))).toBe('0.3 s')
    expect(spaces(format.duration(9.97))).toBe('10 s')
    expect(spaces(format.duration(185))).toBe('3 min 05 s')
  })
  test('milliseconds become seconds from a thousand on', () => {
    expect(spaces(format.milliseconds(3.416))).toBe('3.42 ms')
    expect(spaces(format.milliseconds(287.4))).toBe('287 ms')
    expect(spaces(format.milliseconds(1890))).toBe('1.89 s')
  })
  test('shapes say symbols and unknown dimensions', () => {
    expect(format.shape(['N', 3, null, 32])).toBe('N×3×?×32')
    expect(format.shape([])).toBe('[]')
    expect(format.shape(null)).toBe('?')
  })
  test('times past are told in the language', () => {
    const now = 1_700_000_000_000
    expect(format.whenChanged(now - 7_200_000, now)).toBe('2 hours ago')
    expect(format.whenChanged(now - 86_400_000, now, 'zh')).toBe('昨天')
  })
})
