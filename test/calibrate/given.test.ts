// Ranges that a recipe gives.
import { expect, test } from 'vitest'
import { checkGiven, givenRange } from '../../src/stages/calibrate/given.ts'

const given = { conv_1: { min: -1, max: 2 } }

test('a given range is taken as it is, and of no other name', () => {
  expect(givenRange(given, 'conv_1')).toEqual({ min: -1, max: 2 })
  expect(givenRange(given, 'conv_2')).toBeNull()
  expect(givenRange(given, 'toString')).toBeNull()
  expect(() => checkGiven(given, ['x', 'conv_1'])).not.toThrow()
})

test('a name that there is not is refused with the one that was meant', () => {
  expect(() => checkGiven(given, ['x', 'conv_11'])).toThrow(
    expect.objectContaining({ code: 'bad-recipe', hint: 'Did you mean conv_11?' }),
  )
})

test.each([[{ min: 2, max: 1 }], [{ min: Number.NaN, max: 1 }], [{ min: 0, max: Number.POSITIVE_INFINITY }]])(
  '%j is no range',
  range => {
    expect(() => checkGiven({ x: range }, ['x'])).toThrow(expect.objectContaining({ code: 'bad-recipe' }))
  },
)
