// The step `factorize`: budgets are met within a hundredth or refused with the reason, and samples help.
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeModel } from '../../src/exporters/onnx.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { infer } from '../../src/ops/infer.ts'
import { cost } from '../../src/stages/inspect/cost.ts'
import { build } from '../build.ts'
import { errorOf, reduced, reducing } from './reduced.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await reducing()
})

const convs = build(`graph (x: f32[N,8,10,10]) -> (y) {
  a = Conv(x, f32[48,8,3,3], f32[48]) {pads=[1,1,1,1]}
  ar = Relu(a)
  b = Conv(ar, f32[48,48,3,3], f32[48]) {pads=[1,1,1,1], strides=[2,2]}
  br = Relu(b)
  c = Conv(br, f32[64,48,3,3], f32[64]) {pads=[1,1,1,1]}
  cr = Relu(c)
  y = Conv(cr, f32[10,64,5,5], f32[10])
}`)

/** What the layers behind the first read are sums of twelve numbers. */
const narrow = build(`graph (x: f32[N,12]) -> (y) {
  a = MatMul(x, f32[12,64])
  b = Gemm(a, f32[64,64], f32[64])
  h = MatMul(a, f32[64,80])
  t = Tanh(h)
  s = MatMul(t, f32[80,64])
  m = Add(b, s)
  y = Gemm(m, f32[32,64], f32[32]) {transB=1}
}`)

const sizes: Record<string, (m: Model) => Promise<number>> = {
  bytes: async m => (await encodeModel(m, ctx.bytes)).byteLength,
  parameters: async m => cost(infer(m)).parameters,
  macs: async m => cost(infer(m)).macs,
}
const plain = { do: 'factorize', dataAware: false, ranks: 'energy', reconstruct: false }

describe.each(['svd', 'spatial-svd', 'tucker2'])('%s', method => {
  test.for([0.7, 0.4])('leaves %d of the bytes, parameters and multiply-accumulates', async share => {
    for (const [of, size] of Object.entries(sizes)) {
      const { model, factorized } = await reduced(convs, [{ ...plain, method, budget: { of, share } }], ctx, {
        samples: 0,
      })
      const reached = (await size(model)) / (await size(infer(convs)))
      expect(reached, of).toBeLessThanOrEqual(share)
      expect(reached, of).toBeGreaterThan(0.99 * share)
      expect(factorized!.after).toBe(await size(model))
      // It runs, and still has something of what it was.
      expect(await errorOf(convs, model, ctx)).toBeLessThan(1)
    }
  })

  test('loses less with samples, ranks by their error at the outputs, and a fit', async () => {
    const budget = { of: 'macs', share: 0.5 }
    const { model: without } = await reduced(convs, [{ ...plain, method, budget }], ctx)
    const { model: with_ } = await reduced(convs, [{ do: 'factorize', method, budget }], ctx)
    expect(await errorOf(convs, with_, ctx)).toBeLessThan(0.8 * (await errorOf(convs, without, ctx)))
  })
})

test('weighed by inputs that lie in few dimensions nothing is lost, where plain factors lose much', async () => {
  const budget = { of: 'parameters', share: 0.6 }
  const { model: without } = await reduced(narrow, [{ ...plain, budget }], ctx)
  const { model: aware } = await reduced(narrow, [{ ...plain, dataAware: true, budget }], ctx)
  const [lost, kept] = [await errorOf(narrow, without, ctx), await errorOf(narrow, aware, ctx)]
  expect(lost).toBeGreaterThan(0.02)
  expect(kept).toBeLessThan(0.2 * lost)
})

test('what was cut off goes on to the same bytes', async () => {
  const step = [{ do: 'factorize', budget: { of: 'parameters', share: 0.6 } }]
  const whole = await reduced(narrow, step, ctx)
  const store = new Map<string, Uint8Array>()
  await reduced(narrow, step, ctx, { store })
  // All but half of what was kept.
  for (const [i, key] of [...store.keys()].entries()) if (i % 2 === 0) store.delete(key)
  const again = await reduced(narrow, step, ctx, { store })
  expect(await encodeModel(again.model, ctx.bytes)).toEqual(await encodeModel(whole.model, ctx.bytes))
})

test('less than can be is refused, and says how little can be', async () => {
  const budget = { of: 'parameters', share: 0.01 }
  await expect(reduced(convs, [{ ...plain, budget }], ctx)).rejects.toThrow(
    /Factorising cannot get down to \d+ parameters: at least \d+ parameters are left/,
  )
})

test('it needs samples only where it looks at them', async () => {
  await expect(reduced(narrow, [{ do: 'factorize' }], ctx, { samples: 0 })).rejects.toThrow(/needs calibration samples/)
})
