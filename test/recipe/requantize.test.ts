// A quantised model without its pairs is the float model that it stands for, and its scales serve another target as they are.
import { beforeAll, expect, test } from 'vitest'
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { verify } from '../../src/ir/verify.ts'
import { infer } from '../../src/ops/infer.ts'
import { previewOf } from '../../src/recipe/steps/preview.ts'
import { requantize } from '../../src/recipe/steps/requantize.ts'
import { stripPairs } from '../../src/stages/quantize/strip.ts'
import { ncnn } from '../../src/targets/ncnn.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { build } from '../build.ts'
import { play, ratios, samplesFor, testContext } from '../quantize/played.ts'
import { randomNetwork } from '../quantize/random-network.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const ops = ({ graph }: Model): string[] => graph.nodes.map(node => node.op)
const wanted = { target: onnxruntime, form: null, io: 'float' as const }
const [form] = onnxruntime.forms

const network = build(`graph (x: f32[N,3,16,16]) -> (y) {
  a = Conv(x, w1: f32[8,3,3,3], b1: f32[8]) {pads=[1,1,1,1]}
  r = Relu(a)
  c = Conv(r, w2: f32[8,8,3,3], b2: f32[8]) {pads=[1,1,1,1]}
  s = Add(c, r)
  g = GlobalAveragePool(s)
  f = Flatten(g)
  y = Gemm(f, v: f32[8,10], d: f32[10])
}`)

test('what is left is the float model with weights on their grid, and a range for every value that had a scale', async () => {
  const { variant } = await play(network, ctx)
  const { model, ranges } = await stripPairs(infer(variant.model), ctx.bytes)
  verify(model.graph)
  expect(ops(model)).toEqual(['Conv', 'Relu', 'Conv', 'Add', 'GlobalAveragePool', 'Flatten', 'Gemm'])
  expect([...ranges.keys()].sort()).toEqual(['c', 'f', 'g', 'r', 's', 'x'])
  const r = variant.plan!.activations.get('r')!
  expect(ranges.get('r')).toEqual({ min: 0, max: 255 * r.scale[0], scale: r.scale[0] })
  // Only the weights are rounded.
  expect((await ratios(network, model, ctx)).y).toBeGreaterThan(35)
})

test('by the same rules it becomes what it was', async () => {
  for (const seed of [1, 3, 7, 9, 12, 17]) {
    const { variant } = await play(build(randomNetwork(seed, 12), { opset: 17, seed }), ctx, { samples: 8 })
    const again = await requantize(variant.model, wanted, form, ctx)
    verify(again.model.graph)
    for (const [name, db] of Object.entries(await ratios(variant.model, again.model, ctx)))
      expect(db, `${name} of seed ${seed}`).toBeGreaterThan(30)
  }
}, 120_000)

test('where products give floats, what they are added and averaged as stays on its grid', async () => {
  const { variant } = await play(network, ctx)
  const again = await requantize(variant.model, { ...wanted, target: ncnn }, ncnn.forms[0], ctx)
  const { graph } = again.model
  verify(graph)
  const roundedBy = (op: string): number => {
    const { inputs } = graph.nodes.find(node => node.op === op)!
    const isRounded = (name: string | null): boolean => name?.endsWith('_rounded') ?? false
    return inputs.filter(isRounded).length
  }
  expect(['Add', 'GlobalAveragePool'].map(roundedBy)).toEqual([2, 1])
  // Of 256 codes that the input takes ncnn has 255.
  const [first] = again.floatLeft
  expect([first.op, first.why]).toEqual(['Conv', expect.stringMatching(/one code more/)])

  const session = await previewOf(ncnn, ctx).open(again.model, { outputs: ['s'] })
  const own = await ctx.runner.open(variant.model, { outputs: ['s_dq'] })
  const { scale, zeroPoint } = variant.plan!.activations.get('s')!
  const codes = (data: NdArray['data']): number[] =>
    Array.from(data as Float32Array, v => Math.min(255, Math.max(0, Math.round(v / scale[0]) + zeroPoint[0])))
  for await (const { feeds } of samplesFor(network, 4).samples()) {
    const [{ s }, { s_dq }] = [await session.run(feeds), await own.run(feeds)]
    const want = codes(s_dq.data)
    const other = codes(s.data).filter((q, i) => q !== want[i])
    expect(other.length / want.length).toBeLessThan(0.002)
  }
})

test('inputs and outputs of integers become floats of the same name', async () => {
  const integers = build(`graph (x: u8[N,8]) -> (y) {
    r = Reshape(x, i64[2]{-1,8})
    xf = DequantizeLinear(r, f32[]{0.02}, u8[]{128})
    m = MatMul(xf, w: f32[8,4])
    y = QuantizeLinear(m, f32[]{0.05}, u8[]{120})
  }`)
  const { model, ranges } = await stripPairs(infer(integers), ctx.bytes)
  verify(model.graph)
  expect(ops(model)).toEqual(['Reshape', 'MatMul'])
  expect(model.graph.inputs).toEqual(['x'])
  expect(model.graph.outputs).toEqual(['y'])
  expect(['x', 'y'].map(name => model.graph.values.get(name)?.dtype)).toEqual(['float32', 'float32'])
  expect(ranges.get('x')!.min).toBeCloseTo(-2.56, 5)
  expect(ranges.get('y')!.max).toBeCloseTo(6.75, 5)
})
