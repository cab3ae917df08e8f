// Whole quantised models: integer layers, float ones between them, and what may be asked for, against onnxruntime-web.
import { beforeAll, describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import type { Context } from '../../src/ir/context.ts'
import { cutGraph } from '../../src/ir/cut.ts'
import type { Model } from '../../src/ir/model.ts'
import { infer } from '../../src/ops/infer.ts'
import { arithmetics } from '../../src/stages/simulate/arithmetic/index.ts'
import { simulate, simulator } from '../../src/stages/simulate/simulate.ts'
import { build } from '../build.ts'
import { feedsFor } from '../passes/feeds.ts'
import { play, testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const residual = `graph (x: f32[N,3,12,12]) -> (y) {
  a = Conv(x, w0: f32[8,3,3,3], b0: f32[8]) {pads=[1,1,1,1]}
  ar = Relu(a)
  b = Conv(ar, w1: f32[8,1,3,3], b1: f32[8]) {pads=[1,1,1,1], group=8}
  c = Conv(b, w2: f32[8,8,1,1])
  d = Add(c, ar)
  dr = Relu(d)
  p = MaxPool(dr) {kernel_shape=[2,2], strides=[2,2]}
  e = Erf(p)
  f = Conv(e, w3: f32[4,8,3,3], b3: f32[4]) {strides=[2,2]}
  g = Conv(p, w4: f32[4,8,3,3], b4: f32[4]) {strides=[2,2]}
  h = Concat(f, g) {axis=1}
  i = GlobalAveragePool(h)
  j = Flatten(i)
  y = Gemm(j, w5: f32[10,8], b5: f32[10]) {transB=1}
}`

const codeOf = (model: Model, value: string): string =>
  model.graph.nodes.find(n => n.op === 'QuantizeLinear' && n.inputs[0] === value)!.outputs[0]!

async function quantised(text: string): Promise<Model> {
  const { variant } = await play(build(text), ctx)
  return variant.model
}

describe('a residual network with a float operator in its middle', () => {
  test('gives the outputs and every code of the runtime', async () => {
    const model = await quantised(residual)
    const codes = model.graph.nodes.filter(n => n.op === 'QuantizeLinear').map(n => n.outputs[0]!)
    const outputs = [...model.graph.outputs, ...codes]
    const ours = await simulate(model, 'ort', ctx, { outputs })
    const theirs = await ctx.runner.open(model, { outputs })
    const feeds = feedsFor(model, createRng(1))
    const [a, b] = [await ours.run(feeds), await theirs.run(feeds)]
    expect(ours.integer.length).toBeGreaterThanOrEqual(9)
    for (const name of outputs) {
      expect(a[name].shape).toEqual(b[name].shape)
      expect(a[name].data, name).toEqual(b[name].data)
    }
  })

  test('a simulator stands where a runner does', async () => {
    const model = await quantised(residual)
    const code = codeOf(model, 'ar')
    const back = model.graph.nodes.find(n => n.op === 'DequantizeLinear' && n.inputs[0] === code)!.outputs[0]!
    const session = await simulator('ort', ctx).open(model, { outputs: [back] })
    const plain = await ctx.runner.open(model, { outputs: [back] })
    const feeds = feedsFor(model, createRng(2))
    expect((await session.run(feeds))[back]).toEqual((await plain.run(feeds))[back])
  })

  test('a value inside a kernel is refused, naming what the kernel gives', async () => {
    const model = await quantised(residual)
    await expect(simulate(model, 'ort', ctx, { outputs: ['a'] })).rejects.toMatchObject({
      code: 'usage',
      where: { value: 'a' },
      hint: `Ask for ${codeOf(model, 'ar')}, which the kernel gives.`,
    })
  })
})

const pair = (from: string, to: string, scale: number, zero: number): string => `
  ${to}_q = QuantizeLinear(${from}, ${to}_s: f32[]{${scale}}, ${to}_z: i8[]{${zero}})
  ${to} = DequantizeLinear(${to}_q, ${to}_s, ${to}_z)`

const signed = `graph (x: f32[1,4,6,6]) -> (y) {
  ${pair('x', 'xd', 0.02, 3)}
  w = DequantizeLinear(w_q: i8[4,4,3,3]{-5..90}, w_s: f32[]{0.01})
  c = Conv(xd, w) {pads=[1,1,1,1]}
  ${pair('c', 'cd', 0.08, -10)}
  e = Erf(cd)
  ${pair('e', 'ed', 0.01, 0)}
  a = Add(ed, xd)
  ${pair('a', 'ad', 0.03, 5)}
  ${pair('ad', 'y', 0.05, 0)}
}`

describe('signed activations, and a pair behind a pair', () => {
  test('ONNX Runtime is asked, since what it fuses hangs on the whole graph', async () => {
    const model = build(signed)
    const [ours, theirs] = [await simulate(model, 'ort', ctx), await ctx.runner.open(model)]
    const feeds = feedsFor(model, createRng(3))
    expect(await ours.run(feeds)).toEqual(await theirs.run(feeds))
    expect(ours.integer).toEqual([])
    expect(ours.float.find(f => f.op === 'Conv')?.why).toMatch(/asked/)
  })

  test('TFLite computes them in integers, and float operators between its own codes', async () => {
    const model = build(signed)
    const outputs = ['xd_q', 'cd', 'ed_q', 'ad_q', 'y_q', 'y']
    const session = await simulate(model, 'tflite', ctx, { outputs })
    expect(session.integer.length).toBe(2)
    const feeds = feedsFor(model, createRng(3))
    const values = await session.run(feeds)
    const { quantize, rescaler } = arithmetics.tflite
    const affine = (scale: number, zeroPoint: number) => ({
      scale: Math.fround(scale),
      zeroPoint,
      qmin: -128,
      qmax: 127,
    })
    const x = feeds.x.data as Float32Array
    expect([...(values.xd_q.data as Int8Array)]).toEqual(Array.from(x, v => quantize(v, affine(0.02, 3))))
    const island = await ctx.runner.open(cutGraph(infer(model), ['cd'], ['e']))
    const { e } = await island.run({ cd: values.cd })
    expect([...(values.ed_q.data as Int8Array)]).toEqual(
      Array.from(e.data as Float32Array, v => quantize(v, affine(0.01, 0))),
    )
    const again = rescaler!(affine(0.03, 5), affine(0.05, 0))
    const codes = values.y_q.data as Int8Array
    expect([...codes]).toEqual(Array.from(values.ad_q.data as Int8Array, q => again(q)))
    expect([...(values.y.data as Float32Array)]).toEqual(Array.from(codes, q => Math.fround(q * Math.fround(0.05))))
  })
})

test('a float model is computed as it is', async () => {
  const model = build(residual)
  const [ours, theirs] = [await simulate(model, 'ort', ctx), await ctx.runner.open(model)]
  const feeds = feedsFor(model, createRng(1))
  expect(await ours.run(feeds)).toEqual(await theirs.run(feeds))
})
