// Channels scaled together: which may be, that the float model computes the same whatever the scales, and what the two equalisations choose.
import { beforeAll, describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { infer } from '../../src/ops/infer.ts'
import { tiesOf } from '../../src/stages/quantize/channel-ties.ts'
import { scalesOf } from '../../src/stages/quantize/repairs/equalize.ts'
import { crossLayerScales } from '../../src/stages/quantize/repairs/equalize-full.ts'
import { scaleChannels } from '../../src/stages/quantize/scale-channels.ts'
import { build } from '../build.ts'
import { play, ratios, testContext } from './played.ts'
import { randomNetwork } from './random-network.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const model = (text: string): Model => infer(build(text))
const setsOf = (text: string, value: string): number[] | null => {
  const lane = tiesOf(model(text)).lanes.get(value)
  return lane ? [...lane.sets] : null
}

describe('channels that are tied', () => {
  const image = 'x: f32[N,2,4,4]'
  const conv = (out: string, input: string, from: number, to: number): string =>
    `${out} = Conv(${input}, w_${out}: f32[${to},${from},1,1], b_${out}: f32[${to}])`

  test('each output channel of a layer is a set of its own, the same behind Relu', () => {
    const text = `graph (${image}) -> (y) { ${conv('a', 'x', 2, 3)} r = Relu(a) ${conv('y', 'r', 3, 2)} }`
    expect(setsOf(text, 'a')).toEqual([1, 2, 3])
    expect(setsOf(text, 'r')).toEqual([1, 2, 3])
    expect(setsOf(text, 'y')).toEqual([0, 0])
  })

  test('an Add ties its operands channel by channel', () => {
    const text = `graph (${image}) -> (y) {
      ${conv('a', 'x', 2, 2)} ${conv('b', 'a', 2, 2)} s = Add(b, a) ${conv('y', 's', 2, 2)}
    }`
    expect(setsOf(text, 's')).toEqual(setsOf(text, 'a'))
    expect(setsOf(text, 'b')).toEqual(setsOf(text, 'a'))
  })

  test('a Concat lays the sets of its operands end to end', () => {
    const text = `graph (${image}) -> (y) {
      ${conv('a', 'x', 2, 1)} ${conv('b', 'x', 2, 2)} c = Concat(a, b, x) {axis=1} ${conv('y', 'c', 5, 2)}
    }`
    expect(setsOf(text, 'c')).toEqual([1, 2, 3, 0, 0])
  })

  test('a flattened map has each channel as often as it has pixels', () => {
    const text = `graph (${image}) -> (y) {
      ${conv('a', 'x', 2, 2)} p = MaxPool(a) {kernel_shape=[2,4], strides=[2,4]} f = Flatten(p)
      y = Gemm(f, w: f32[4,3])
    }`
    expect(setsOf(text, 'f')).toEqual([1, 1, 2, 2])
  })

  test('channels put beside others as zeros are free', () => {
    const text = `graph (${image}) -> (y) {
      ${conv('a', 'x', 2, 2)} p = Pad(a, i64[8]{0,1,0,0,0,1,0,0}) ${conv('y', 'p', 4, 2)}
    }`
    expect(setsOf(text, 'p')).toEqual([3, 1, 2, 4])
  })

  test.each([
    ['Sigmoid', 's = Sigmoid(a)'],
    ['Softmax', 's = Softmax(a) {axis=1}'],
    ['Clip at 6', 's = Clip(a, f32[]{0}, f32[]{6})'],
    ['padding with ones', 's = Pad(a, i64[8]{0,0,1,1,0,0,1,1}, f32[]{1})'],
    ['a sum over channels', 's = ReduceSum(a, i64[1]{1}) {keepdims=1}'],
  ])('%s keeps what it reads as it is', (_, node) => {
    const text = `graph (${image}) -> (y) { ${conv('a', 'x', 2, 2)} ${node} y = Mul(s, s) }`
    expect(setsOf(text, 'a')).toEqual([0, 0])
  })

  test('a gate is not scaled, what it multiplies is', () => {
    const text = `graph (${image}) -> (y) {
      ${conv('a', 'x', 2, 2)} g = GlobalAveragePool(a) ${conv('h', 'g', 2, 2)} k = Sigmoid(h) m = Mul(a, k) ${conv('y', 'm', 2, 2)}
    }`
    expect(setsOf(text, 'm')).toEqual(setsOf(text, 'a'))
    expect(setsOf(text, 'm')).toEqual([1, 2])
    expect(setsOf(text, 'h')).toEqual([0, 0])
  })
})

describe('scaled channels', () => {
  const seeds = Array.from({ length: 16 }, (_, seed) => seed)
  test.each(seeds)('random network %i computes the same, whatever the scales', async seed => {
    const float = model(randomNetwork(seed, 14))
    const ties = tiesOf(float)
    const rng = createRng(seed, 'scales')
    const t = Float64Array.from({ length: ties.count }, (_, set) => (set === 0 ? 1 : 0.1 + 10 * rng.uniform()))
    const scaled = await scaleChannels(float, ties, t, ctx.bytes)
    // 80 dB: a ten-thousandth of the values.
    for (const [name, db] of Object.entries(await ratios(float, scaled, ctx))) expect(db, name).toBeGreaterThan(80)
  })

  test('constants that are added follow the channels', async () => {
    const float = model(`graph (x: f32[N,2,4,4]) -> (y) {
      a = Conv(x, w: f32[3,2,1,1], b: f32[3]) s = Add(a, c: f32[]{0.5}) m = Max(s, d: f32[1,3,1,1]{0.25})
      t = Transpose(m) {perm=[0,2,3,1]} z = MatMul(t, v: f32[3,4]) u = Add(z, e: f32[4]) q = Relu(u) y = MatMul(q, g: f32[4,2])
    }`)
    const ties = tiesOf(float)
    const t = Float64Array.from({ length: ties.count }, (_, set) => 1 + set)
    expect(ties.count).toBe(8)
    expect((await ratios(float, await scaleChannels(float, ties, t, ctx.bytes), ctx)).y).toBeGreaterThan(100)
  })
})

describe('scales of equalisation', () => {
  const statistics = (min: number[], max: number[]) => ({
    count: 1,
    min: Float64Array.from(min),
    max: Float64Array.from(max),
    sum: new Float64Array(min.length),
    squares: new Float64Array(min.length),
  })

  test('by activations: the root of what a channel uses of the range, by the value that uses most, dead ones left', () => {
    const lanes = new Map([
      ['a', { axis: 1, sets: Int32Array.of(1, 2, 3, 4, 0) }],
      ['b', { axis: 1, sets: Int32Array.of(1, 2) }],
    ])
    const seen = new Map([
      ['a', statistics([0, 0, 0, 0, 0], [1, 1, 2, 0, 4])],
      ['b', statistics([-8, -0.5], [1, 1])],
    ])
    // b, channel 0: -8 of -8. b, channel 1: 1 of 1. a, channel 2: 2 of 4, and nowhere else.
    expect([...scalesOf({ count: 5, lanes }, seen, 0.5)]).toEqual([1, 1, 1, Math.SQRT1_2, 1])
    expect([...scalesOf({ count: 5, lanes }, new Map([['a', seen.get('a')!]]), 1)]).toEqual([1, 0.25, 0.25, 0.5, 1])
  })

  test('by weights, two layers: both ranges become the root of their product', async () => {
    const float = model(`graph (x: f32[N,1,2,2]) -> (y) {
      a = Conv(x, w: f32[2,1,1,1]{8,-0.5}, b: f32[2]{4,1}) r = Relu(a) y = Conv(r, v: f32[2,2,1,1]{0.5,2,-0.25,-8})
    }`)
    // Channel 0: sqrt(8 / 0.5) = 4; channel 1: sqrt(0.5 / 8) = 1/4.
    const t = await crossLayerScales(tiesOf(float), ctx.bytes)
    expect([...t].map(x => Number(x.toFixed(3)))).toEqual([1, 4, 0.25])
  })

  test('by weights, conv, depthwise, conv: all three become the cube root of their product', async () => {
    const float = model(`graph (x: f32[N,1,2,2]) -> (y) {
      a = Conv(x, w: f32[2,1,1,1]{8,1}) r = Relu(a) d = Conv(r, k: f32[2,1,1,1]{1,1}) {group=2} q = Relu(d) y = Conv(q, v: f32[1,2,1,1]{1,1})
    }`)
    // Channel 0: 8, 1, 1 become 2, 2, 2, so t is 4 before the depthwise layer and 2 behind it.
    const t = await crossLayerScales(tiesOf(float), ctx.bytes)
    const rounded = [...t].map(x => Number(x.toFixed(2)))
    expect(rounded).toEqual([1, 4, 1, 2, 1])
  })
})

describe('a network whose channels differ a hundredfold', () => {
  const text = `graph (x: f32[N,2,8,8]) -> (y) {
    a = Conv(x, w: f32[4,2,3,3], b: f32[4]) {pads=[1,1,1,1]}
    p = Mul(a, k: f32[4,1,1]{0.02,0.1,1,2})
    r = Relu(p)
    y = Conv(r, v: f32[3,4,1,1]{50,-10,1,0.5,-50,10,1,-0.5,50,10,-1,0.5})
  }`
  test.each([
    ['equalize', 'channel', 5],
    ['equalize-full', 'tensor', 10],
  ])('gains by %s, weights per %s, %i dB or more', async (repair, granularity, gain) => {
    const given = build(text)
    const before = await play(given, ctx, { step: { granularity } })
    const after = await play(given, ctx, { step: { granularity, repairs: [repair] } })
    expect(after.sqnr.y - before.sqnr.y).toBeGreaterThan(gain)
  })
})
