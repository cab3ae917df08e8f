// What a run is called after its recipe.
import { expect, test } from 'vitest'
import { recipeName } from '../../src/jobs/recipe-name.ts'
import type { Step } from '../../src/recipe/types.ts'

const named = (steps: Step[], taken: string[] = []) => recipeName({ thimble: 1, seed: 0, steps }, taken)

test('formats, and what is other than usual of them', () => {
  expect(named([{ do: 'optimize' }, { do: 'quantize' }, { do: 'evaluate' }])).toBe('int8/uint8')
  expect(
    named([{ do: 'quantize', weights: 'int4', granularity: 'block:32', range: 'mse', repairs: ['equalize', 'gptq'] }]),
  ).toBe('int4/uint8 block:32 mse equalize gptq')
})

test('what comes before quantising, with its budget', () => {
  expect(named([{ do: 'prune', budget: { of: 'macs', share: 0.5 } }, { do: 'quantize' }])).toBe('prune 50% int8/uint8')
  expect(named([{ do: 'search', keep: { bytes: 300000 } }])).toBe('search bytes 300000')
})

test('a form that is asked for, and nothing at all', () => {
  expect(named([{ do: 'export', target: 'onnxruntime', form: 'float16' }])).toBe('float16')
  expect(named([{ do: 'export', target: 'onnxruntime', form: null }])).toBe('float32')
})

test('a name that is taken gets a number', () => {
  expect(named([{ do: 'quantize' }], ['int8/uint8', 'int8/uint8 (2)'])).toBe('int8/uint8 (3)')
})
