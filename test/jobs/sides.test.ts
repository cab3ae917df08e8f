// Costs of a model with an open width are those of the data that it was fed.
import { expect, test } from 'vitest'
import { withOutputs } from '../../src/host/ort-runner.ts'
import { sideBefore } from '../../src/jobs/sides.ts'
import { infer } from '../../src/ops/infer.ts'
import { initialState } from '../../src/recipe/state.ts'
import { build } from '../build.ts'

const model = infer(
  build(`graph (x: f32[N,1,4,W]) -> (y) {
  y = Conv(x, w: f32[2,1,1,1])
}`),
)

test('an open width costs what the width of the samples costs, for one sample', () => {
  const state = initialState(model)
  const observed = { samples: 3, inputs: { x: { shape: [1, 1, 4, 10], min: 0, max: 1 } } }
  const side = sideBefore({ ...state, observed }, 0)
  expect(side.macs).toBe(2 * 4 * 10)
  // input 40 floats beside output 80 floats
  expect(side.peakActivationBytes).toBe(4 * (40 + 80))
})

test('the runtime is not shown a newer IR version than it knows, and an older one as it is', () => {
  expect(withOutputs({ ...model, irVersion: 14 }, undefined).irVersion).toBe(13)
  expect(withOutputs({ ...model, irVersion: 8 }, undefined).irVersion).toBe(8)
})
