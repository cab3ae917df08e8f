// Biases: what is always there moves into the next layer, and what rounding adds on average is taken back.
import { beforeAll, describe, expect, test } from 'vitest'
import { viewAs } from '../../src/base/dtype.ts'
import type { Context, Feeds } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { verify } from '../../src/ir/verify.ts'
import { infer } from '../../src/ops/infer.ts'
import { channelStatistics } from '../../src/stages/quantize/channel-statistics.ts'
import { absorb } from '../../src/stages/quantize/repairs/absorb.ts'
import { deadChannels } from '../../src/stages/quantize/repairs/dead-channels.ts'
import { build } from '../build.ts'
import { play, ratios, samplesFor, testContext } from './played.ts'
import { randomNetwork } from './random-network.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const constantOf = ({ graph }: Model, name: string): number[] => [
  ...(viewAs('float32', graph.values.get(name)!.data!.data as Uint8Array) as Float32Array),
]

describe('channels by their statistics', () => {
  test('count, bounds, sums and sums of squares, whatever the batches', async () => {
    const model = infer(build('graph (x: f32[N,2,2]) -> (y) { y = Neg(x) }'))
    const values = [
      [1, -2, 3, 4],
      [0, 5, -6, 7],
      [1, 1, 1, 1],
    ]
    const data = {
      ...samplesFor(model, 3),
      async *samples() {
        for (const [index, v] of values.entries()) {
          const feeds: Feeds = { x: { dtype: 'float32', shape: [1, 2, 2], data: Float32Array.from(v) } }
          yield { index, name: '', feeds, label: null }
        }
      },
    }
    const axes = new Map([
      ['x', 1],
      ['y', 1],
    ])
    const seen = await channelStatistics(model, axes, { data, count: 3, batch: 2 }, ctx)
    // Channel 0: 1 -2 0 5 1 1. Channel 1: 3 4 -6 7 1 1.
    const expected = { count: 6, min: [-2, -6], max: [5, 7], sum: [6, 10], squares: [32, 112] }
    const plain = (name: string) =>
      JSON.parse(JSON.stringify(seen.get(name), (_, v) => (ArrayBuffer.isView(v) ? [...(v as Float64Array)] : v)))
    expect(plain('x')).toEqual(expected)
    expect(plain('y')).toEqual({ ...expected, min: [-5, -7], max: [2, 6], sum: [-6, -10] })
  })
})

describe('absorption of high biases', () => {
  const text = (attrs: string): string => `graph (x: f32[N,2,6,6]) -> (y) {
    a = Conv(x, w: f32[3,2,1,1]{0.1,0,0,0.1,1,1}, b: f32[3]{10,0,20})
    r = Relu(a)
    y = Conv(r, v: f32[2,3,1,1]{1,2,3,-1,1,0.5}, c: f32[2]{0,1}) ${attrs}
  }`
  const run = async (model: Model) =>
    (await absorb.run(model, null as never, { data: samplesFor(model, 16), count: 16, batch: 16 }, ctx)).model

  test('moves mean - 3 std into the bias behind, and changes nothing else', async () => {
    const model = infer(build(text('')))
    const repaired = await run(model)
    const { sum, squares, count } = (
      await channelStatistics(model, new Map([['a', 1]]), { data: samplesFor(model, 16), count: 16, batch: 4 }, ctx)
    ).get('a')!
    const least = [0, 1, 2].map(c =>
      Math.max(0, sum[c] / count - 3 * Math.sqrt(squares[c] / count - (sum[c] / count) ** 2)),
    )
    expect(least[0]).toBeGreaterThan(9)
    expect(least[1]).toBe(0)
    const [b, c] = [constantOf(repaired, 'b'), constantOf(repaired, 'c')]
    for (const i of [0, 1, 2]) expect(b[i]).toBeCloseTo([10, 0, 20][i] - least[i], 4)
    expect(c[0]).toBeCloseTo(least[0] + 3 * least[2], 3)
    expect(c[1]).toBeCloseTo(1 - least[0] + 0.5 * least[2], 3)
    expect((await ratios(model, repaired, ctx)).y).toBeGreaterThan(45)
  })

  test('leaves a channel that is read with padding', async () => {
    const model = infer(build(text('{pads=[1,1,1,1]}')))
    expect(await run(model)).toBe(model)
  })
})

describe('channels that no input moves', () => {
  const text = (bias: number, between: string, attrs = ''): string => `graph (x: f32[N,1,4,4]) -> (y) {
    a = Conv(x, w: f32[3,1,1,1]{0,1,-2}, b: f32[3]{${bias},0.5,0.25})
    r = ${between}
    y = Conv(r, v: f32[1,3,1,1]{50,1,2}, c: f32[1]{3}) ${attrs}
  }`
  const relu6 = 'Clip(a, f32[]{0}, f32[]{6})'
  test.each([
    ['negative behind Relu: nothing of it is left', text(-1, 'Relu(a)'), [0, 1, 2], [3]],
    ['zero, though its reader pads', text(-1, 'Relu(a)', '{pads=[1,1,1,1]}'), [0, 1, 2], [3]],
    ['constant: it goes into the bias', text(0.5, 'Relu(a)'), [0, 1, 2], [28]],
    ['constant and cut off at 6', text(8, relu6), [0, 1, 2], [303]],
    ['constant, read with padding: it stays', text(0.5, 'Relu(a)', '{pads=[1,1,1,1]}'), [50, 1, 2], [3]],
    ['behind what is no bound: it stays', text(-1, 'Sigmoid(a)'), [50, 1, 2], [3]],
  ])('%s', async (_, graph, weight, bias) => {
    const model = infer(build(graph))
    const { model: silent } = await deadChannels.run(model, null as never, null, ctx)
    expect([constantOf(silent, 'v'), constantOf(silent, 'c')]).toEqual([weight, bias])
    expect((await ratios(model, silent, ctx)).y).toBeGreaterThan(120)
  })
})

describe('bias correction', () => {
  /** Largest difference of the means of a value's channels between two models, against the deviation of the value. */
  async function meanError(a: Model, b: Model, name: string, other = name): Promise<number> {
    const samples = { data: samplesFor(a, 16), count: 16, batch: 16 }
    const [x] = (await channelStatistics(infer(a), new Map([[name, 1]]), samples, ctx)).values()
    const [y] = (await channelStatistics(infer(b), new Map([[other, 1]]), samples, ctx)).values()
    const deviation = Math.sqrt(x.squares.reduce((s, v) => s + v, 0) / x.count / x.sum.length)
    return x.sum.reduce((m, s, c) => Math.max(m, Math.abs(s - y.sum[c]) / x.count), 0) / deviation
  }
  const text = `graph (x: f32[N,3,8,8]) -> (y) {
    a = Conv(x, w: f32[8,3,3,3]) {pads=[1,1,1,1]}
    r = Relu(a)
    d = Conv(r, k: f32[8,1,3,3], e: f32[8]) {pads=[1,1,1,1], group=8}
    q = Relu(d)
    s = Add(q, r)
    g = GlobalAveragePool(s)
    f = Flatten(g)
    y = Gemm(f, v: f32[4,8]) {transB=1}
  }`

  test.each(['int8', 'int4'])('the means of the outputs are those of the float model, weights %s', async weights => {
    const given = build(text)
    const without = await play(given, ctx, { step: { weights }, samples: 16 })
    const corrected = await play(given, ctx, { step: { weights, repairs: ['correct-bias'] }, samples: 16 })
    verify(corrected.variant.model.graph)
    const [before, after] = [
      await meanError(given, without.variant.model, 'y'),
      await meanError(given, corrected.variant.model, 'y'),
    ]
    expect(after).toBeLessThan(before / 3)
    expect(after).toBeLessThan(0.002)
  })

  test('a layer without bias gets one, in the unit of its accumulator', async () => {
    const { variant } = await play(build(text), ctx, { step: { repairs: ['correct-bias'] }, samples: 16 })
    const layers = variant.model.graph.nodes.filter(n => n.op === 'Conv' || n.op === 'Gemm')
    expect(layers.map(n => n.inputs.length)).toEqual([3, 3, 3])
    expect(variant.plan!.biases.size).toBe(3)
  })

  test.each([3, 5, 8])('random network %i comes no further from the float model', async seed => {
    const given = build(randomNetwork(seed, 10))
    const without = await play(given, ctx)
    const corrected = await play(given, ctx, { step: { repairs: ['correct-bias'] } })
    for (const [name, db] of Object.entries(corrected.sqnr)) expect(db, name).toBeGreaterThan(without.sqnr[name] - 1.5)
  })
})
