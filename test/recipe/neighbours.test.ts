// A bundle is what it would be alone, whatever else the recipe asks for.
import { expect, test } from 'vitest'
import { infer } from '../../src/ops/infer.ts'
import { play } from '../../src/recipe/play.ts'
import { initialState, type Wanted } from '../../src/recipe/state.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { findTarget } from '../../src/targets/index.ts'
import { build } from '../build.ts'
import { samplesFor, testContext } from '../quantize/played.ts'

const model = build(
  `graph (x: f32[N,4,8,8]) -> (y) {
    a = Conv(x, w: f32[6,4,3,3], b: f32[6])
    m = ReduceMean(a) {axes=[2,3], keepdims=0}
    y = Gemm(m, v: f32[2,6]) {transB=1}
  }`,
  { opset: 17 },
)

test('no operators newer than its own formats want: 16 bits are of opset 21, which the toolkit of RKNN does not read', async () => {
  const ctx = await testContext()
  const wanted = (target: string, form: string | null): Wanted => ({ target: findTarget(target), form, io: 'float' })
  const asked = [wanted('rknn:rk3588', null), wanted('tflite', '16x8'), wanted('tflite', 'float16')]
  const played = async (asked: readonly Wanted[]) => {
    const calibration = samplesFor(model, 4)
    const recipe = checkRecipe({ thimble: 1, steps: [{ do: 'optimize' }, { do: 'quantize' }] })
    const state = initialState(infer(model))
    const request = {
      recipe,
      state,
      inputHash: '',
      calibration,
      evaluation: null,
      samples: 4,
      wanted: asked,
      store: null,
    }
    return (await play(request, ctx)).variants
  }
  const together = await played(asked)
  expect(together.map(variant => variant.model.opsets[''])).toEqual([17, 21, 17])
  for (const [i, one] of asked.entries()) {
    const [alone] = await played([one])
    expect(alone.model.graph).toEqual(together[i].model.graph)
  }
})
