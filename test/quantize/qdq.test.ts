import { beforeAll, describe, expect, test } from 'vitest'
import { viewAs } from '../../src/base/dtype.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { infer } from '../../src/ops/infer.ts'
import { choose } from '../../src/stages/quantize/choose.ts'
import { decide } from '../../src/stages/quantize/decide.ts'
import { quantizeModel } from '../../src/stages/quantize/qdq.ts'
import { toFloat16 } from '../../src/stages/quantize/to-float16.ts'
import { weightParams, weightSpec } from '../../src/stages/quantize/weight-scales.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { build } from '../build.ts'
import { testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

async function quantized(model: Model, ranges: Record<string, { min: number; max: number }>) {
  const inferred = infer(model)
  const choice = choose(inferred, onnxruntime, () => ({ weights: 'int8', activations: 'uint8' }))
  const plan = await decide(inferred, onnxruntime, choice, { of: name => ranges[name] }, ctx)
  return { plan, model: await quantizeModel(inferred, plan, ctx.bytes) }
}

describe('QDQ graph', () => {
  test('inputs, outputs and their names stay; the output comes from behind its pair', async () => {
    const { model } = await quantized(
      build(`graph (x: f32[1,3,4,4]) -> (y) { y = Conv(x, w: f32[2,3,1,1], b: f32[2]) }`),
      {
        x: { min: -1, max: 1 },
        y: { min: -2, max: 2 },
      },
    )
    expect(model.graph.inputs).toEqual(['x'])
    expect(model.graph.outputs).toEqual(['y'])
    const last = model.graph.nodes.find(n => n.outputs.includes('y'))
    expect(last?.op).toBe('DequantizeLinear')
    expect(model.graph.values.has('w')).toBe(false)
  })

  test('the bias has the product of the two scales as its unit', async () => {
    const text = `graph (x: f32[1,2,1,1]) -> (y) { y = Conv(x, w: f32[1,2,1,1]{0.5, -0.25}, b: f32[1]{0.1}) }`
    const { model, plan } = await quantized(build(text), { x: { min: 0, max: 2.55 }, y: { min: 0, max: 1 } })
    const scaleX = plan.activations.get('x')!.scale[0]
    const scaleW = plan.weights.get('w')!.scale[0]
    expect(scaleX).toBeCloseTo(0.01, 7)
    expect(scaleW).toBeCloseTo(0.5 / 127, 7)
    const code = (viewAs('int32', model.graph.values.get('b_q')!.data!.data as Uint8Array) as Int32Array)[0]
    expect(code).toBe(Math.round(0.1 / (scaleX * scaleW))) // 2540
  })

  test('a bias that two layers share gets a unit in each', async () => {
    const text = `graph (x: f32[1,2,4,4]) -> (z) {
      y = Conv(x, w: f32[2,2,1,1], b: f32[2])
      z = Conv(y, v: f32[2,2,1,1], b)
    }`
    const { model } = await quantized(build(text), {
      x: { min: -1, max: 1 },
      y: { min: -3, max: 3 },
      z: { min: -3, max: 3 },
    })
    const biases = model.graph.nodes.filter(n => n.op === 'Conv').map(n => n.inputs[2])
    expect(new Set(biases).size).toBe(2)
  })

  test('the runtime gives the quantised convolution to within half a step of the output', async () => {
    const text = `graph (x: f32[1,2,2,2]) -> (y) { y = Conv(x, w: f32[1,2,1,1]{1, 1}) }`
    const { model } = await quantized(build(text), { x: { min: 0, max: 2.55 }, y: { min: 0, max: 5.1 } })
    const session = await ctx.runner.open(model)
    const data = Float32Array.from([0, 0.01, 0.5, 2.55, 0, 0.02, 1, 2.55])
    const { y } = await session.run({ x: { dtype: 'float32', shape: [1, 2, 2, 2], data } })
    await session.close()
    // 0.03 and 1.5 lie on the grid of 0.02 or half a step beside it.
    const want = [0, 0.03, 1.5, 5.1]
    for (const [i, v] of want.entries()) expect(Math.abs((y.data[i] as number) - v)).toBeLessThanOrEqual(0.0101)
  })

  test('an all-zero channel takes the median scale of the others, so that its bias keeps a unit', () => {
    const spec = weightSpec('int8', { kind: 'channel', axis: 0 })!
    const { scale } = weightParams(Float32Array.from([1, -1, 0, 0, 4, 2]), [3, 2], spec, 'int8', ctx.kernels)
    expect([...scale]).toEqual([Math.fround(1 / 127), Math.fround(4 / 127), Math.fround(4 / 127)])
  })

  test('a bias far beyond its unit raises the scale of its channel instead of overflowing', async () => {
    const text = `graph (x: f32[1,1,1,1]) -> (y) { y = Conv(x, w: f32[1,1,1,1]{0.0000001}, b: f32[1]{100}) }`
    const { model } = await quantized(build(text), { x: { min: 0, max: 1 }, y: { min: 0, max: 200 } })
    const code = (viewAs('int32', model.graph.values.get('b_q')!.data!.data as Uint8Array) as Int32Array)[0]
    expect(code).toBeGreaterThan(1_000_000_000)
    expect(code).toBeLessThanOrEqual(1_073_741_952)
  })
})

describe('float16', () => {
  test('inputs and outputs stay float32, weights halve, and the runtime runs it', async () => {
    const model = infer(
      build(`graph (x: f32[1,3]) -> (y) {
      a = Gemm(x, w: f32[4,3], b: f32[4]) {transB=1}
      y = Relu(a)
    }`),
    )
    const half = await toFloat16(model, ctx.bytes, () => false)
    const weights = [...half.model.graph.values.values()].filter(v => v.data)
    expect(weights.every(v => v.dtype === 'float16')).toBe(true)
    const feeds = { x: { dtype: 'float32' as const, shape: [1, 3], data: Float32Array.of(0.5, -1, 2) } }
    const [a, b] = await Promise.all([ctx.runner.open(model), ctx.runner.open(half.model)])
    const want = (await a.run(feeds)).y
    const got = (await b.run(feeds)).y
    expect(got.dtype).toBe('float32')
    for (const [i, v] of [...(want.data as Float32Array)].entries()) expect(got.data[i]).toBeCloseTo(v, 2)
    await a.close()
    await b.close()
  })

  test('weights beyond float16 are clamped and counted, never infinite', async () => {
    const model = infer(build(`graph (x: f32[2]) -> (y) { y = Mul(x, w: f32[2]{100000, 1e-9}) }`))
    const half = await toFloat16(model, ctx.bytes, () => false)
    expect(half.clamped).toEqual([{ value: 'w', count: 1 }])
    expect(half.vanished).toEqual([{ value: 'w', count: 1 }])
  })
})
