// What a recipe says of layers, found again in the written model.
import { beforeAll, describe, expect, test } from 'vitest'
import type { Context } from '../../src/ir/context.ts'
import { methods } from '../../src/stages/calibrate/index.ts'
import { openvino } from '../../src/targets/openvino.ts'
import { build } from '../build.ts'
import { play, testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const model = build(`graph (x: f32[N,4,8,8]) -> (y) {
  a = Conv(x, wa: f32[6,4,3,3], ba: f32[6]) as block.0
  r = Relu(a)
  b = Conv(r, wb: f32[6,6,3,3], bb: f32[6]) as block.1
  s = Relu(b)
  y = Conv(s, wc: f32[3,6,1,1], bc: f32[3]) as head
}`)

const codes = (played: Awaited<ReturnType<typeof play>>, weight: string): Int8Array | null => {
  const data = played.variant.model.graph.values.get(`${weight}_q`)?.data?.data as Uint8Array | undefined
  return data ? new Int8Array(data.buffer, data.byteOffset, data.length) : null
}
const reach = (of: Int8Array | null): number => Math.max(...Array.from(of!, Math.abs))

describe('per layer', () => {
  test.each([
    ['first', { first: { float: true } }, ['block.0']],
    ['last', { last: { float: true } }, ['head']],
    ['a glob', { 'block.*': { float: true } }, ['block.0', 'block.1']],
    ['an operator', { 'op:Conv': { float: true } }, ['block.0', 'block.1', 'head']],
    [
      'a later selector over an earlier',
      { 'op:Conv': { float: true }, head: { float: false } },
      ['block.0', 'block.1'],
    ],
  ])('%s stays float and is named', async (_, layers, names) => {
    const { variant, sqnr } = await play(model, ctx, { step: { layers } })
    expect(variant.floatLeft.filter(f => f.op === 'Conv').map(f => f.node)).toEqual(names)
    expect(variant.floatLeft.every(f => f.why !== '')).toBe(true)
    expect(sqnr.y).toBeGreaterThan(25)
  })

  test('7-bit weights reach from -63 to 63, others from -127 to 127', async () => {
    const played = await play(model, ctx, { step: { layers: { 'block.1': { weights: 'int7' } } } })
    expect(reach(codes(played, 'wa'))).toBe(127)
    expect(reach(codes(played, 'wb'))).toBe(63)
    expect(played.variant.plan!.weights.get('wb')!.spec.format).toMatchObject({ bits: 7 })
  })

  test('7 bits for all', async () => {
    const played = await play(model, ctx, { step: { weights: 'int7' } })
    for (const weight of ['wa', 'wb', 'wc']) expect(reach(codes(played, weight))).toBe(63)
    expect(played.sqnr.y).toBeGreaterThan(25)
  })

  test.each([
    ['int8', {}, 63],
    ['int8-vnni', {}, 127],
    ['int8', { activations: 'int16' }, 127],
    ['int8', { weights: 'int6' }, 31],
    ['int8', { layers: { 'block.*': { weights: 'int8' }, head: { weights: 'int8' } } }, 127],
  ])('OpenVINO in the form %s with %o has weights up to %i', async (form, step, most) => {
    const played = await play(model, ctx, { step, wanted: { target: openvino, form } })
    for (const weight of ['wa', 'wb', 'wc']) expect(reach(codes(played, weight))).toBe(most)
  })

  test('one scale for a whole tensor where asked', async () => {
    const { variant } = await play(model, ctx, { step: { granularity: 'tensor' } })
    for (const params of variant.plan!.weights.values()) expect(params.scale.length).toBe(1)
  })

  test('a range of its own for one layer, the others as they were', async () => {
    const plain = (await play(model, ctx)).variant.plan!.activations
    const own = (await play(model, ctx, { step: { percentile: 95, layers: { 'block.1': { range: 'percentile' } } } }))
      .variant.plan!.activations
    expect(own.get('s')!.scale[0]).toBeLessThan(plain.get('s')!.scale[0])
    expect(own.get('r')!.scale[0]).toBe(plain.get('r')!.scale[0])
  })
})

test.each(methods.map(m => m.id))('the method %s gives a model that agrees', async range => {
  const { sqnr } = await play(model, ctx, { step: { range }, samples: 8 })
  expect(sqnr.y).toBeGreaterThan(20)
})

test.each([
  [{ activations: 'ternary' }, 'does not run activations of ternary'],
  [{ layers: { head: { activations: 'nf4' } } }, 'does not run activations of nf4'],
])('%j is refused, not served with other numbers', async (step, message) => {
  await expect(play(model, ctx, { step })).rejects.toThrow(message)
})

test('int8 and uint8 both mean eight bits, of which the target has its own kind', async () => {
  const { variant } = await play(model, ctx, { step: { weights: 'uint8', activations: 'int8' } })
  expect(variant.precision).toEqual({ weights: 'int8', activations: 'uint8' })
})

describe('float16', () => {
  const half = { weights: 'float16', activations: 'float16' }

  test('values that were seen beyond its end keep their makers and readers in float32', async () => {
    const large = build(`graph (x: f32[N,8]) -> (y) {
      a = Mul(x, f32[]{30000})
      b = Sub(a, f32[8])
      c = Mul(b, f32[]{0.0001})
      y = Tanh(c)
    }`)
    const { variant, sqnr } = await play(large, ctx, { step: half, optimized: false })
    expect(variant.floatLeft.map(f => f.op)).toEqual(['Mul', 'Sub', 'Mul'])
    expect(variant.floatLeft[0].why).toContain('65504')
    expect(sqnr.y).toBeGreaterThan(40)
  })

  test('a variance spelled out in operators survives large activations', async () => {
    const norm = build(`graph (x: f32[N,4,64]) -> (y) {
      s = Mul(x, f32[]{400})
      m = ReduceMean(s) {axes=[2]}
      d = Sub(s, m)
      p = Pow(d, f32[]{2})
      v = ReduceMean(p) {axes=[2]}
      e = Add(v, f32[]{0.00001})
      q = Sqrt(e)
      y = Div(d, q)
    }`)
    const { variant, sqnr } = await play(norm, ctx, { step: half, optimized: false })
    expect(variant.floatLeft.map(f => f.op)).toContain('Pow')
    expect(sqnr.y).toBeGreaterThan(40)
  })
})
