// Operators on codes instead of pairs: the same values to the bit, and nothing left to dequantise but what the user sees.
import { beforeAll, expect, test } from 'vitest'
import { withQOperators } from '../../src/exporters/onnx-qoperator.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { verify } from '../../src/ir/verify.ts'
import { build } from '../build.ts'
import { play, ratios, testContext } from '../quantize/played.ts'
import { randomNetwork } from '../quantize/random-network.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

// What is said where there is no noise at all.
const equal = 200
const ops = (model: Model): string[] => model.graph.nodes.map(n => n.op)

test('a residual network has no float operator left', async () => {
  const model = build(`graph (x: f32[N,3,16,16]) -> (y) {
    a = Conv(x, w1: f32[8,3,3,3], b1: f32[8]) {pads=[1,1,1,1]}
    r = Relu(a)
    c = Conv(r, w2: f32[8,1,3,3], b2: f32[8]) {pads=[1,1,1,1], group=8}
    s = Add(c, r)
    t = Relu(s)
    p = MaxPool(t) {kernel_shape=[2,2], strides=[2,2]}
    k = Concat(p, p) {axis=1}
    g = GlobalAveragePool(k)
    f = Flatten(g)
    y = Gemm(f, v: f32[16,10], d: f32[10])
  }`)
  const { variant } = await play(model, ctx, { name: 'qoperator' })
  const written = await withQOperators(variant.model, ctx.bytes)
  verify(written.graph)
  expect(ops(written)).toEqual([
    'QuantizeLinear',
    'QLinearConv',
    'QLinearConv',
    'QLinearAdd',
    'MaxPool',
    'QLinearConcat',
    'QLinearGlobalAveragePool',
    'Flatten',
    'QGemm',
  ])
  expect(await ratios(variant.model, written, ctx)).toEqual({ y: equal })
})

test('random networks give the same bits as with pairs', async () => {
  for (let seed = 1; seed <= 24; seed++) {
    const text = randomNetwork(seed, 4 + (seed % 20))
    const { variant } = await play(build(text, { opset: 17, seed }), ctx, { samples: 8, name: `qoperator ${seed}` })
    const written = await withQOperators(variant.model, ctx.bytes)
    verify(written.graph)
    expect(written.graph.nodes.length).toBeLessThan(variant.model.graph.nodes.length)
    for (const [name, db] of Object.entries(await ratios(variant.model, written, ctx)))
      expect(db, `${name}, seed ${seed}: ${text}`).toBe(equal)
  }
}, 300_000)

test('layers of four bits stay as they are, and a model of nothing else is refused', async () => {
  const model = build(`graph (x: f32[N,16]) -> (y) {
    y = MatMul(x, w: f32[16,8])
  }`)
  const { variant } = await play(model, ctx, { step: { weights: 'int4', activations: 'float32' }, name: 'four bits' })
  await expect(withQOperators(variant.model, ctx.bytes)).rejects.toThrow(
    'No layer can be written in the form qoperator',
  )
})
