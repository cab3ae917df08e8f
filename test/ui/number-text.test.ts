// Numbers in the page's forms.
import { expect, test } from 'vitest'
import { numbers } from '../../src/ui/state/input-edit.ts'
import { numberText, readNumber } from '../../src/ui/state/number-text.ts'

test.each([
  [1 / 255, '1/255'],
  [1 / 127.5, '1/127.5'],
  [0.1307, '0.1307'],
  [0, '0'],
  [1, '1'],
  [-1 / 3, '-1/3'],
  [Math.PI, '3.141592653589793'],
  [1e-21, '1e-21'],
])('%d is shown as %s, which is read as the same number', (value, text) => {
  expect(numberText(value)).toBe(text)
  expect(readNumber(text)).toBe(value)
})

test.each(['', ' ', 'x', '1/', '/2', '1/0', '1/2/3', '1,5'])('%j is no number', text => {
  expect(readNumber(text)).toBeNull()
})

test('a list takes fractions', () => {
  expect(numbers('1/2, 0.25 3')).toEqual([0.5, 0.25, 3])
  expect(numbers('1, x')).toBeNull()
})
