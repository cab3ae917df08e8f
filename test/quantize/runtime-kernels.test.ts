// Weight-only layers in the runtime's own operators: outputs must be those of the restored weights.
import { beforeAll, describe, expect, test } from 'vitest'
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { type RuntimeForm, withRuntimeKernels } from '../../src/stages/quantize/runtime-kernels.ts'
import { build } from '../build.ts'
import { play, ratios, testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const layers = build(`graph (i: i64[N,3]) -> (y, z) {
  e = Gather(table: f32[300,64], i)
  m = MatMul(e, w: f32[64,40])
  h = Add(m, b: f32[40])
  r = Reshape(h, flat: i64[2]{-1,40})
  g = Gemm(r, v: f32[48,40], c: f32[48]) {transB=1}
  y = Relu(g)
  z = MatMul(h, u: f32[40,8])
}`)

const written = async (step: Record<string, unknown>, form: RuntimeForm): Promise<{ qdq: Model; model: Model }> => {
  const { variant } = await play(layers, ctx, { step: { activations: 'float32', ...step } })
  return { qdq: variant.model, model: await withRuntimeKernels(variant.model, form, ctx.bytes) }
}
const ops = (model: Model): string[] => model.graph.nodes.map(n => n.op)

describe.each([
  ['int8', 'channel'],
  ['uint8', 'channel'],
  ['int4', 'channel'],
  ['int8', 'block:16'],
  ['uint8', 'block:32'],
  ['int4', 'block:32'],
  ['uint4', 'block:16'],
  ['uint4', 'block:64'],
])('%s, %s', (weights, granularity) => {
  test('form nbits computes what the pairs say', async () => {
    const { qdq, model } = await written({ weights, granularity }, 'nbits')
    expect(ops(model).filter(op => op === 'MatMulNBits').length).toBe(3)
    expect(ops(model)).toContain('GatherBlockQuantized')
    expect(ops(model)).not.toContain('DequantizeLinear')
    // Before the runtime's optimiser, which rounds activations too where it finds the pairs.
    const plain = { runner: { ...ctx.runner, open: (m: Model) => ctx.runner.open(m, { optimize: 'none' }) } }
    const sqnr = await ratios(qdq, model, plain as unknown as Context)
    expect(Math.min(sqnr.y, sqnr.z)).toBeGreaterThan(100)
  })
})

test('form dynamic rounds activations to eight bits, by tensor beside a scale a channel and by block beside blocks', async () => {
  const { qdq, model } = await written({ weights: 'int8', layers: { z: { granularity: 'block:16' } } }, 'dynamic')
  expect(ops(model).filter(op => op === 'MatMulInteger').length).toBe(2)
  expect(ops(model).filter(op => op === 'MatMulNBits').length).toBe(1)
  const sqnr = await ratios(qdq, model, ctx)
  // Uniform noise of a step over a range of some six deviations: 6.02 * 8 - 20 log10(6 / sqrt 12) = 43 dB, less one for every layer.
  expect(sqnr.y).toBeGreaterThan(36)
  expect(sqnr.z).toBeGreaterThan(36)
})

test('products that share an input share its codes', async () => {
  const twice = build(`graph (x: f32[N,32]) -> (y, z) { y = MatMul(x, v: f32[32,8])  z = MatMul(x, w: f32[32,8]) }`)
  const { variant } = await play(twice, ctx, { step: { weights: 'int8', activations: 'float32' } })
  const model = await withRuntimeKernels(variant.model, 'dynamic', ctx.bytes)
  expect(ops(model).filter(op => op === 'DynamicQuantizeLinear').length).toBe(1)
})

test('a form without a layer for it is refused', async () => {
  const { variant } = await play(layers, ctx, { step: { weights: 'float32', activations: 'float32' } })
  await expect(withRuntimeKernels(variant.model, 'nbits', ctx.bytes)).rejects.toThrow('No layer can be written')
})

test('a table is quantised beside integer layers too: rows are picked, nothing is multiplied', async () => {
  const { variant } = await play(layers, ctx, { step: {} })
  expect(variant.plan!.weights.get('table')!.scale.length).toBe(300)
  expect(ops(variant.model)).toContain('QuantizeLinear')
})
