// Every number format, as the runtime computes it from the written model: weights and activations must be what our own tables say.
import { beforeAll, describe, expect, test } from 'vitest'
import { viewAs } from '../../src/base/dtype.ts'
import { createRng } from '../../src/base/rng.ts'
import type { Context } from '../../src/ir/context.ts'
import { formatNames } from '../../src/ir/format-names.ts'
import { levelsOf, nearestLevel } from '../../src/ir/levels.ts'
import type { Model } from '../../src/ir/model.ts'
import { bitsOfNumber } from '../../src/ir/number-format.ts'
import { type QuantPlan, roundTripTensor } from '../../src/ir/quant.ts'
import { floats } from '../../src/ir/tensor.ts'
import { layerErrors } from '../../src/stages/evaluate/layers.ts'
import { build } from '../build.ts'
import { play, samplesFor, testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const model = build(`graph (x: f32[N,4,8,8]) -> (y) {
  a = Conv(x, wa: f32[8,4,3,3], ba: f32[8]) {pads=[1,1,1,1]}
  r = Relu(a)
  p = GlobalAveragePool(r)
  f = Flatten(p)
  y = MatMul(f, wc: f32[8,6])
}`)

/** The weights as the runtime restores them from the written model. */
async function restored(model: Model, names: readonly string[]): Promise<Record<string, number[]>> {
  const dq = names.map(name => `${name}_dq`)
  const session = await ctx.runner.open(model, { outputs: dq })
  const feeds = Object.fromEntries(
    model.graph.inputs.map(name => {
      const shape = model.graph.values.get(name)!.shape!.map(d => (typeof d === 'number' ? d : 1))
      return [name, floats(shape, new Float32Array(shape.reduce((n, d) => n * d, 1)))]
    }),
  )
  const got = await session.run(feeds)
  await session.close()
  return Object.fromEntries(names.map((name, i) => [name, Array.from(got[dq[i]].data, Number)]))
}

/** What they ought to be: each weight at the level that its scale puts it to. */
function wanted(original: Model, plan: QuantPlan, name: string): number[] {
  const { data, shape } = original.graph.values.get(name)!.data!
  return [...roundTripTensor(viewAs('float32', data as Uint8Array) as Float32Array, shape, plan.weights.get(name)!)]
}

describe.each(formatNames.filter(f => f !== 'float32'))('weights of %s', format => {
  const half = format === 'float16' || format === 'bfloat16'
  test.for(['float32', 'uint8'] as const)('beside activations of %s', async activations => {
    const { variant } = await play(model, ctx, { step: { weights: format, activations } })
    const got = await restored(variant.model, ['wa', 'wc'])
    for (const name of ['wa', 'wc']) {
      const want = half
        ? [...(viewAs('float32', model.graph.values.get(name)!.data!.data as Uint8Array) as Float32Array)]
        : wanted(model, variant.plan!, name)
      const tolerance = format === 'float16' ? 2 ** -11 : half ? 2 ** -8 : 1e-6
      for (const [i, w] of want.entries())
        expect(Math.abs(got[name][i] - w)).toBeLessThanOrEqual(tolerance * Math.abs(w) + 1e-7)
    }
  })
})

describe.each(formatNames.filter(f => !['float32', 'nf4', 'pow2', 'apot', 'ternary', 'binary'].includes(f)))(
  'activations of %s',
  format => {
    test('beside weights of 8 bits', async () => {
      const { sqnr } = await play(model, ctx, { step: { weights: 'int8', activations: format } })
      const bits = Number(/^u?int(\d+)/.exec(format)?.[1] ?? 8)
      // Of E5M2 two bits are the mantissa, of E4M3 three.
      const least = format === 'fp8e5m2' ? 20 : format === 'fp8e4m3' ? 26 : Math.min(30, 5 * bits - 6)
      expect(sqnr.y).toBeGreaterThan(least)
    })
  },
)

test.each(['nf4', 'int4', 'uint4', 'int8'] as const)('weights of %s in blocks of 32 along the input', async format => {
  const wide = build(`graph (x: f32[N,64]) -> (y) { y = MatMul(x, w: f32[64,5]) }`)
  const { sqnr, variant } = await play(wide, ctx, {
    step: { weights: format, activations: 'float32', granularity: 'block:32' },
  })
  expect(sqnr.y).toBeGreaterThan(format === 'int8' ? 38 : 15)
  const got = (await restored(variant.model, ['w'])).w
  for (const [i, w] of wanted(wide, variant.plan!, 'w').entries())
    expect(Math.abs(got[i] - w)).toBeLessThanOrEqual(1e-6)
  expect(variant.plan!.weights.get('w')!.scale.length).toBe(10)
})

describe('logarithmic levels', () => {
  const { table, bits } = levelsOf('log8')

  test('are those of the hardware: sign and magnitude, steps of 2^(1/16), zero as minus zero', () => {
    expect(bits).toBe(8)
    expect(table[0x7f]).toBe(1)
    expect(table[0x6f]).toBe(0.5)
    expect(table[0x80]).toBe(0)
    expect(table[0]).toBeCloseTo(2 ** (-127 / 16), 9)
    expect(table[0x81]).toBeCloseTo(-(2 ** (-126 / 16)), 9)
  })

  test('change at the middle of exponents, and to zero below half of the smallest', () => {
    const codes = levelsOf('log8')
    expect(nearestLevel(codes, 2 ** (-0.49 / 16))).toBe(0x7f)
    expect(nearestLevel(codes, 2 ** (-0.51 / 16))).toBe(0x7e)
    expect(nearestLevel(codes, -(2 ** (-0.51 / 16)))).toBe(0xfe)
    expect(nearestLevel(codes, 2 ** (-127 / 16 - 1) * 1.001)).toBe(0)
    expect(nearestLevel(codes, 2 ** (-127 / 16 - 1) * 0.999)).toBe(0x80)
    expect(nearestLevel(codes, -(2 ** (-126 / 16 - 1)) * 0.999)).toBe(0x80)
    expect(nearestLevel(codes, -(2 ** (-126 / 16 - 1)) * 1.001)).toBe(0x81)
    expect(nearestLevel(codes, 5)).toBe(0x7f)
    expect(nearestLevel(codes, Number.NaN)).toBe(0x80)
  })

  test('as activations the runtime rounds to the same', async () => {
    const through = build(`graph (x: f32[1,64]) -> (y) { y = MatMul(x, w: f32[64,64]) }`)
    const { variant } = await play(through, ctx, { step: { weights: 'float32', activations: 'log8' } })
    const params = variant.plan!.activations.get('x')!
    const rng = createRng(5)
    const x = Float32Array.from({ length: 64 }, (_, i) => (i === 0 ? 0 : rng.normal() * params.scale[0] * 0.3))
    const rounded = variant.model.graph.nodes.find(n => n.op === 'RoundToLog')!.outputs[0]!
    const session = await ctx.runner.open(variant.model, { outputs: [rounded] })
    const got = (await session.run({ x: { dtype: 'float32', shape: [1, 64], data: x } }))[rounded].data
    await session.close()
    const levels = levelsOf('log8')
    const want = x.map(v => levels.table[nearestLevel(levels, v / params.scale[0])] * params.scale[0])
    expect([...got].map(Number)).toEqual([...want].map(v => (v === 0 ? expect.closeTo(0, 30) : v)))
  })
})

test('a format takes the bits that its name says', () => {
  expect(bitsOfNumber({ kind: 'levels', name: 'nf4' })).toBe(4)
  expect(bitsOfNumber({ kind: 'int', bits: 1, signed: true })).toBe(1)
})

test('layers of few bits beside float activations are measured like all others', async () => {
  const { state, variant } = await play(model, ctx, { step: { weights: 'int4', activations: 'float32' } })
  const samples = samplesFor(model, 4)
  const rows = await layerErrors(variant.reference ?? state.model, variant.model, variant.plan!, samples, 4, ctx)
  expect(rows.map(row => [row.op, row.weightBits, row.activationBits])).toEqual([
    ['Conv', 4, 32],
    ['MatMul', 4, 32],
  ])
  // The first layer reads exact inputs, so that its own error is the error so far.
  expect(rows[0].sqnrDb).toBeCloseTo(rows[0].cumulativeSqnrDb!, 3)
})

test('the weight of a product that computes in float on rounded activations stands behind no DequantizeLinear', async () => {
  // Native runtimes would make a MatMulNBits of it, which rounds the activations once more.
  const { variant } = await play(model, ctx, { step: { weights: 'int8', activations: 'uint16' } })
  const { nodes } = variant.model.graph
  const weightMaker = (op: string) => nodes.find(n => n.outputs.includes(nodes.find(m => m.op === op)!.inputs[1]))?.op
  expect(weightMaker('MatMul')).toBe('Reshape')
  expect(weightMaker('Conv')).toBe('DequantizeLinear')
})

test.each([[[]], [['refit']], [['correct-bias']]])(
  'a layer of few-bit weights keeps a float bias, though another rounds its input (%j)',
  async repairs => {
    const shared = build(`graph (x: f32[N,4,8,8]) -> (y) {
    r = Relu(x)
    a = Conv(r, wa: f32[4,4,3,3], ba: f32[4]) {pads=[1,1,1,1]} as rounded
    b = Conv(r, wb: f32[4,4,3,3], bb: f32[4]) {pads=[1,1,1,1]} as exact
    y = Concat(a, b) {axis=1}
  }`)
    const layers = { exact: { weights: 'int4', activations: 'float32' } }
    const { variant } = await play(shared, ctx, { step: { layers, repairs }, optimized: false })
    expect([...variant.plan!.biases.keys()]).toEqual(['rounded'])
  },
)

test.each(['int4', 'int8', 'nf4'] as const)(
  'blocks of %s beside activations of 8 bits are products in float, biases too',
  async weights => {
    const wide = build(`graph (x: f32[N,64]) -> (y) { y = Gemm(x, w: f32[64,5], b: f32[5]) }`)
    const step = { weights, activations: 'uint8', granularity: 'block:32' }
    const { sqnr, variant } = await play(wide, ctx, { step })
    expect(sqnr.y).toBeGreaterThan(weights === 'int8' ? 34 : 15)
    expect(variant.plan!.integer.size).toBe(0)
    expect(variant.plan!.biases.size).toBe(0)
  },
)

test('a last block may be shorter where the runtime knows the type, and is refused by name where it does not', async () => {
  const uneven = build(`graph (x: f32[N,50]) -> (y) { y = MatMul(x, w: f32[50,5]) }`)
  const step = { activations: 'float32', granularity: 'block:32' }
  const { sqnr, variant } = await play(uneven, ctx, { step: { ...step, weights: 'int8' } })
  expect(variant.plan!.weights.get('w')!.scale.length).toBe(10)
  expect(sqnr.y).toBeGreaterThan(38)
  await expect(play(uneven, ctx, { step: { ...step, weights: 'nf4' } })).rejects.toThrow('whole blocks')
})
