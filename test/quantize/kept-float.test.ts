// A layer that the recipe keeps in float stays in float in the runtime too, which would round its weights where they follow a pair.
import { beforeAll, describe, expect, test } from 'vitest'
import { elementCount } from '../../src/base/dtype.ts'
import { createRng } from '../../src/base/rng.ts'
import type { Context } from '../../src/ir/context.ts'
import { edit } from '../../src/ir/edit.ts'
import type { Model } from '../../src/ir/model.ts'
import { floats, tensorOf } from '../../src/ir/tensor.ts'
import { build } from '../build.ts'
import { play, testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

/** One weight so large that eight bits over all of them leave the others nothing; what it multiplies is always zero. */
function withOutlier(model: Model): Model {
  const graph = edit(model.graph, e => {
    const change = (name: string, to: (data: Float32Array) => void): void => {
      const { shape } = model.graph.values.get(name)!.data!
      const rng = createRng(1, name)
      const data = Float32Array.from({ length: elementCount(shape) }, () => rng.normal() / 4)
      to(data)
      e.setValue({ ...e.value(name)!, data: tensorOf(floats(shape, data)) })
    }
    change('b', b => (b[0] = -1000))
    change('v', v => (v[0] = 400))
  })
  return { ...model, graph }
}

describe.each([
  [
    'Conv',
    `graph (x: f32[N,4,8,8]) -> (y) {
      a = Conv(x, w: f32[6,4,3,3], b: f32[6])
      r = Relu(a)
      k = Conv(r, v: f32[2,6,3,3], c: f32[2])
      y = Conv(k, u: f32[2,2,1,1])
    }`,
  ],
  [
    'ConvTranspose',
    `graph (x: f32[N,4,8,8]) -> (y) {
      a = Conv(x, w: f32[6,4,3,3], b: f32[6])
      r = Relu(a)
      k = ConvTranspose(r, v: f32[6,2,2,2], c: f32[2])
      y = Conv(k, u: f32[2,2,1,1])
    }`,
  ],
  [
    'Gemm',
    `graph (x: f32[N,16]) -> (y) {
      a = Gemm(x, w: f32[16,12], b: f32[12])
      r = Relu(a)
      k = Gemm(r, v: f32[12,5], c: f32[5])
      y = Gemm(k, u: f32[5,3], d: f32[3])
    }`,
  ],
])('a %s in float between integers', (op, text) => {
  test('keeps its weights', async () => {
    const model = withOutlier(build(text))
    const kept = model.graph.nodes.find(n => n.outputs[0] === 'k')!.id
    const { variant, sqnr } = await play(model, ctx, { step: { layers: { [kept]: { float: true } } } })
    expect(variant.floatLeft.map(f => f.op)).toEqual([op])
    expect(sqnr.y).toBeGreaterThan(30)
  })
})
