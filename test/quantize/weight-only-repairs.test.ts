// Repairs of products, held against rounding to nearest: on every layer the error of the outputs must fall.
import { beforeAll, describe, expect, test } from 'vitest'
import { viewAs } from '../../src/base/dtype.ts'
import { createRng } from '../../src/base/rng.ts'
import type { Context, Dataset } from '../../src/ir/context.ts'
import type { Model, ValueName } from '../../src/ir/model.ts'
import type { QuantParams, QuantPlan, QuantSpec } from '../../src/ir/quant.ts'
import { floats, type NdArray } from '../../src/ir/tensor.ts'
import { infer } from '../../src/ops/infer.ts'
import { type Choice, choose, type LayerFormats } from '../../src/stages/quantize/choose.ts'
import { decide } from '../../src/stages/quantize/decide.ts'
import { quantizeModel } from '../../src/stages/quantize/qdq.ts'
import { awq } from '../../src/stages/quantize/repairs/awq.ts'
import { factorOf, gptq, roundInOrder } from '../../src/stages/quantize/repairs/gptq.ts'
import { hqq } from '../../src/stages/quantize/repairs/hqq.ts'
import { inputMoments } from '../../src/stages/quantize/repairs/input-moments.ts'
import { smooth } from '../../src/stages/quantize/repairs/smooth.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { build } from '../build.ts'
import { ratios, runAll, testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

// Half an attention with its normalisation, and the two products behind: inputs correlated, some channels large.
const model = infer(
  build(
    `graph (x: f32[N,6,64], attention_mask: i64[N,6]) -> (y) {
  n = LayerNormalization(x, gamma: f32[64], beta: f32[64])
  q = MatMul(n, wq: f32[64,64])
  k = MatMul(n, wk: f32[64,64])
  s = Add(q, k)
  r = Relu(s)
  m = MatMul(r, wm: f32[64,96])
  f = Reshape(m, shape: i64[2]{-1,96})
  y = Gemm(f, wy: f32[32,96], by: f32[32]) {transB=1}
}`,
    { opset: 21 },
  ),
)

const samples: Dataset = {
  name: 'rows',
  size: 12,
  labels: null,
  hash: 'rows',
  skipped: [],
  suspicious: [],
  async *samples() {
    const rng = createRng(3)
    // Eight hidden causes behind 64 channels, every ninth of which is twenty times as large.
    const causes = Float32Array.from({ length: 8 * 64 }, () => rng.normal())
    for (let index = 0; index < 12; index++) {
      const data = new Float32Array(6 * 64)
      for (let row = 0; row < 6; row++) {
        const cause = Array.from({ length: 8 }, () => rng.normal())
        for (let c = 0; c < 64; c++)
          data[row * 64 + c] =
            (cause.reduce((sum, v, i) => sum + v * causes[i * 64 + c], 0) + 0.1 * rng.normal()) * (c % 9 === 0 ? 20 : 1)
      }
      const mask = BigInt64Array.from([1n, 1n, 1n, 1n, index % 2 === 0 ? 1n : 0n, 0n])
      const feeds = {
        x: floats([1, 6, 64], data),
        attention_mask: { dtype: 'int64' as const, shape: [1, 6], data: mask },
      }
      yield { index, name: `row ${index}`, feeds, label: null }
    }
  },
}
const given = { data: samples, count: 12, batch: 4 }
const layers = { wq: 'n', wk: 'n', wm: 'r', wy: 'f' } as const

const weightsOf = (m: Model, name: ValueName): Float32Array =>
  viewAs('float32', m.graph.values.get(name)!.data!.data as Uint8Array) as Float32Array

const inBlocks = (formats: LayerFormats, block: number): LayerFormats => ({
  ...formats,
  scales: block > 0 ? { block } : 'channel',
})

async function planned(formats: LayerFormats, block: number): Promise<{ choice: Choice; plan: QuantPlan }> {
  const choice = choose(model, onnxruntime, () => inBlocks(formats, block))
  const range = { min: -8, max: 8 }
  return { choice, plan: await decide(model, onnxruntime, choice, { of: () => range }, ctx) }
}

/** Sum of squares of X (W - Q) for each weight, X what the float model sends there. */
async function errors(rounded: Model, plan: QuantPlan): Promise<Record<string, number>> {
  const inputs = [...new Set(Object.values(layers))]
  const opened = { ...ctx, runner: { ...ctx.runner, open: (m: Model) => ctx.runner.open(m, { outputs: inputs }) } }
  const rows: Record<ValueName, NdArray>[] = []
  for await (const { feeds } of samples.samples()) rows.push(...(await runAll(model, [feeds], opened)))
  return Object.fromEntries(
    Object.entries(layers).map(([weight, input]) => {
      const { shape } = model.graph.values.get(weight)!.data!
      const [inner, outer, byRow] = weight === 'wy' ? [shape[1], shape[0], true] : [shape[0], shape[1], false]
      const [exact, moved] = [
        weightsOf(model, weight),
        nearest(weightsOf(rounded, weight), shape, plan.weights.get(weight)!),
      ]
      let sum = 0
      for (const row of rows) {
        const x = row[input].data as Float32Array
        for (let r = 0; r < x.length / inner; r++)
          for (let n = 0; n < outer; n++) {
            let dot = 0
            for (let k = 0; k < inner; k++) {
              const at = byRow ? n * inner + k : k * outer + n
              dot += x[r * inner + k] * (exact[at] - moved[at])
            }
            sum += dot * dot
          }
      }
      return [weight, sum]
    }),
  )
}

/** By the definition of QuantizeLinear and DequantizeLinear, apart from the code under test: blocks along the inner axis. */
function nearest(
  w: Float32Array,
  [, columns]: readonly number[],
  { spec, scale, zeroPoint }: QuantParams,
): Float32Array {
  const { format, granularity, restricted } = spec as QuantSpec
  const low = format.signed ? -(2 ** (format.bits - 1)) + (restricted ? 1 : 0) : 0
  const high = 2 ** (format.bits - (format.signed ? 1 : 0)) - 1
  return w.map((x, i) => {
    const [r, c] = [Math.floor(i / columns), i % columns]
    if (granularity.kind === 'tensor') throw new Error('not used here')
    const k =
      granularity.kind === 'channel'
        ? granularity.axis === 0
          ? r
          : c
        : granularity.axis === 0
          ? Math.floor(r / granularity.size) * columns + c
          : r * Math.ceil(columns / granularity.size) + Math.floor(c / granularity.size)
    const q = Math.min(high, Math.max(low, Math.round(x / scale[k]) + zeroPoint[k]))
    return (q - zeroPoint[k]) * scale[k]
  })
}

describe.each([
  ['uint4', 32],
  ['int4', 32],
  ['int4', 0],
  ['int3', 16],
  ['uint2', 0],
  ['int8', 0],
] as const)('weights of %s, blocks of %i', (weights, block) => {
  test('GPTQ leaves less error in the output of every layer than rounding to nearest', async () => {
    const { choice, plan } = await planned({ weights, activations: 'float32' }, block)
    const before = await errors(model, plan)
    const after = await gptq.run({ float: model, model, plan, choice, normals: null }, given, ctx)
    const left = await errors(after.model, after.plan)
    for (const name of Object.keys(layers)) expect(left[name] / before[name]).toBeLessThan(0.9)
  })
})

test.each([
  ['uint4', 32],
  ['uint3', 16],
  ['int5', 32],
  ['uint4', 0],
] as const)('HQQ leaves less error than rounding to nearest: %s, blocks of %i', async (weights, block) => {
  const { choice, plan } = await planned({ weights, activations: 'float32' }, block)
  const before = await errors(model, plan)
  const after = await hqq.run({ float: model, model, plan, choice, normals: null }, null, ctx)
  const left = await errors(after.model, after.plan)
  for (const name of Object.keys(layers)) expect(left[name] / before[name]).toBeLessThan(1)
})

test('GPTQ rounds under integer activations too', async () => {
  const { choice, plan } = await planned({ weights: 'int8', activations: 'uint8' }, 0)
  const before = await errors(model, plan)
  const after = await gptq.run({ float: model, model, plan, choice, normals: null }, given, ctx)
  const left = await errors(after.model, after.plan)
  for (const name of Object.keys(layers)) expect(left[name]).toBeLessThan(before[name])
})

test('with inputs that are not correlated GPTQ is rounding to nearest', () => {
  const n = 16
  const gram = new Float64Array(n * n)
  for (let i = 0; i < n; i++) gram[i * n + i] = 1 + i
  const w = Float32Array.from({ length: n * 3 }, (_, i) => (i * 0.377) % 1)
  const params: QuantParams = {
    spec: {
      format: { kind: 'int', bits: 4, signed: true },
      symmetric: true,
      granularity: { kind: 'tensor' },
      restricted: true,
    },
    scale: Float32Array.of(0.125),
    zeroPoint: Int32Array.of(0),
  }
  const got = roundInOrder(w, { inputs: n, outputs: 3, byRow: false }, params, factorOf(gram, n))
  expect([...got]).toEqual([...w].map(x => Math.min(7, Math.round(x / 0.125)) * 0.125))
})

test('moments are of rows that are no padding', async () => {
  const moments = await inputMoments(
    model,
    [{ value: 'n', channels: 64 }],
    ['gram', 'squares', 'sizes', 'largest', 'rows'],
    given,
    ctx,
  )
  const { gram, squares, sizes, largest, rows } = moments.get('n')!
  expect(rows[0]).toBe(6 * 5 + 6 * 4)
  for (let i = 0; i < 64; i++) {
    expect(squares[i]).toBeCloseTo(gram[i * 64 + i], 2)
    expect(largest[i]).toBeLessThanOrEqual(sizes[i])
  }
  let sum = 0
  for await (const { feeds } of samples.samples()) {
    const [out] = await runAll(model, [feeds], {
      runner: { ...ctx.runner, open: m => ctx.runner.open(m, { outputs: ['n'] }) },
    })
    const there = Array.from(feeds.attention_mask.data as BigInt64Array, Number)
    for (let row = 0; row < 6; row++)
      sum += there[row] * Number(out.n.data[row * 64]) * Number(out.n.data[row * 64 + 1])
  }
  expect(gram[1]).toBeCloseTo(sum, 3)
})

test('a repaired model is the same function', async () => {
  const choice = choose(model, onnxruntime, () => ({ weights: 'int8', activations: 'float32' }))
  const smoothed = await smooth.run(model, choice, given, ctx)
  expect((await ratios(model, smoothed.model, ctx)).y).toBeGreaterThan(110)
  // The normalisation takes the factors of the products behind it; before the others there is nothing that could.
  expect(smoothed.model.graph.nodes.filter(n => n.op === 'Mul').length).toBeLessThanOrEqual(2)
  expect([...weightsOf(smoothed.model, 'gamma')]).not.toEqual([...weightsOf(model, 'gamma')])
})

test.each([
  ['uint4', 32],
  ['int4', 0],
] as const)('AWQ brings %s in blocks of %i closer to the float model', async (weights, block) => {
  const formats: LayerFormats = { weights, activations: 'float32' }
  const { choice } = await planned(formats, block)
  const scaled = await awq.run(model, choice, given, ctx)
  expect((await ratios(model, scaled.model, ctx)).y).toBeGreaterThan(110)
  const errorOf = async (from: Model): Promise<number> => {
    const chosen = choose(infer(from), onnxruntime, () => inBlocks(formats, block))
    const plan = await decide(infer(from), onnxruntime, chosen, { of: () => ({ min: 0, max: 0 }) }, ctx)
    const quantized = await quantizeModel(infer(from), plan, ctx.bytes)
    let noise = 0
    for await (const { feeds } of samples.samples()) {
      const [[a], [b]] = [await runAll(model, [feeds], ctx), await runAll(quantized, [feeds], ctx)]
      for (let i = 0; i < a.y.data.length; i++) noise += (Number(a.y.data[i]) - Number(b.y.data[i])) ** 2
    }
    return noise
  }
  expect(await errorOf(scaled.model)).toBeLessThan(await errorOf(model))
})
