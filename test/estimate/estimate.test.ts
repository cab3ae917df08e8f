// BatchNorm statistics carried through graphs, held against what the models do on samples that have those statistics.
import { beforeAll, describe, expect, test } from 'vitest'
import { type ChannelNormals, momentsOf, unclipped } from '../../src/ir/channel-normals.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { infer } from '../../src/ops/infer.ts'
import { batchNormStatistics } from '../../src/stages/estimate/batch-norm.ts'
import { estimate } from '../../src/stages/estimate/index.ts'
import { optimize } from '../../src/stages/passes/index.ts'
import { build } from '../build.ts'
import { testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const normal = (mean: number[], deviation: number[]): ChannelNormals =>
  unclipped(1, Float64Array.from(mean), Float64Array.from(deviation))

async function estimated(text: string, inputs: Record<string, ChannelNormals> = {}, given?: Model) {
  const model = given ?? infer(build(text))
  const statistics = await batchNormStatistics(infer(build(text)), ctx.bytes)
  return estimate(model, statistics, new Map(Object.entries(inputs)), ctx.bytes)
}

const norm = 'BatchNormalization(c, g: f32[2]{0.5,-2}, b: f32[2]{1,-3}, m: f32[2]{7,8}, v: f32[2]{9,4})'
const folded = `graph (x: f32[N,3,4,4]) -> (y) {
  c = Conv(x, w: f32[2,3,1,1])
  n = ${norm}
  y = Relu(n)
}`

describe('statistics of BatchNormalization', () => {
  test('are beta and the size of gamma, by the name of its output', async () => {
    const found = await batchNormStatistics(build(folded), ctx.bytes)
    expect([...found.keys()]).toEqual(['n'])
    expect([...found.get('n')!.mean]).toEqual([1, -3])
    expect([...found.get('n')!.deviation]).toEqual([0.5, 2])
  })

  test('are found behind Identity too, as exporters write them', async () => {
    const text = `graph (x: f32[N,2,4,4]) -> (n) {
      h = Identity(b: f32[2]{1,-3})
      n = BatchNormalization(x, g: f32[2]{1,1}, h, m: f32[2], v: f32[2]{1,1})
    }`
    expect([...(await batchNormStatistics(build(text), ctx.bytes)).get('n')!.mean]).toEqual([1, -3])
  })

  test('outlive the folding of BatchNormalization into the layer before it', async () => {
    const { model } = await optimize(infer(build(folded)), ctx)
    expect(model.graph.nodes.map(n => n.op)).toEqual(['Conv', 'Relu'])
    const known = await estimated(folded, {}, infer(model))
    const { mean, deviation, low } = known.get('y')!
    expect([[...mean], [...deviation], [...low]]).toEqual([
      [1, -3],
      [0.5, 2],
      [0, 0],
    ])
  })
})

describe('normals', () => {
  const one = normal([1, -3], [0.5, 2])
  const after = async (line: string, input = one, shape = 'f32[N,2,4,4]') =>
    (await estimated(`graph (x: ${shape}) -> (y) { y = ${line} }`, { x: input })).get('y')

  test('of a convolution are sums over independent channels', async () => {
    const y = (await after('Conv(x, w: f32[1,2,1,2]{1,2,-1,3}, b: f32[1]{10})'))!
    expect(y.mean[0]).toBeCloseTo(10 + (1 + 2) * 1 + (-1 + 3) * -3, 12)
    expect(y.deviation[0]).toBeCloseTo(Math.sqrt((1 + 4) * 0.25 + (1 + 9) * 4), 12)
  })

  test('of a depthwise convolution stay with their channels', async () => {
    const y = (await after('Conv(x, w: f32[2,1,1,1]{2,-1}) {group=2}'))!
    expect([...y.mean]).toEqual([2, 3])
    expect([...y.deviation]).toEqual([1, 2])
  })

  test('of a matrix product follow its layout', async () => {
    const [gemm, matmul] = [
      await after('Gemm(x, w: f32[1,2]{2,1}) {transB=1}', one, 'f32[N,2]'),
      await after('MatMul(x, w: f32[2,1]{2,1})', one, 'f32[N,2]'),
    ]
    expect(gemm!.mean[0]).toBeCloseTo(-1, 12)
    expect(matmul!.mean[0]).toBeCloseTo(-1, 12)
  })

  test('of a sum add means and variances, clipped as the sum of what is clipped', async () => {
    const text = `graph (x: f32[N,2,4,4]) -> (y) {
      a = Relu(x)
      b = Clip(x, f32[]{0}, f32[]{6})
      y = Add(a, b)
    }`
    const known = await estimated(text, { x: one })
    const [a, b, y] = ['a', 'b', 'y'].map(name => known.get(name)!)
    expect(y.mean[1]).toBeCloseTo(momentsOf(a).mean[1] + momentsOf(b).mean[1], 12)
    expect(y.deviation[1] ** 2).toBeCloseTo(momentsOf(a).variance[1] + momentsOf(b).variance[1], 12)
    expect([y.low[0], y.high[0]]).toEqual([0, Number.POSITIVE_INFINITY])
  })

  test('are scaled and shifted by constants', async () => {
    const y = (await after('Mul(x, k: f32[1,2,1,1]{-2,3})'))!
    expect([...y.mean]).toEqual([-2, -9])
    expect([...y.deviation]).toEqual([1, 6])
    const z = (await after('Add(x, k: f32[2,1,1]{10,20})'))!
    expect([...z.mean]).toEqual([11, 17])
  })

  test('go along where channels are moved', async () => {
    expect((await after('Transpose(x) {perm=[0,2,3,1]}'))!.axis).toBe(3)
    expect([...(await after('Flatten(x)', one, 'f32[N,2,1,2]'))!.mean]).toEqual([1, 1, -3, -3])
    expect([...(await after('GlobalAveragePool(x)'))!.mean]).toEqual([1, -3])
    expect([...(await after('Pad(x, p: i64[8]{0,1,0,0,0,2,0,0})'))!.mean]).toEqual([0, 1, -3, 0, 0])
    expect([...(await after('Slice(x, s: i64[1]{1}, e: i64[1]{2}, a: i64[1]{1})'))!.mean]).toEqual([-3])
    expect([...(await after('Concat(x, x) {axis=1}'))!.mean]).toEqual([1, -3, 1, -3])
  })

  test('end at an operator of which nothing is known', async () => {
    expect(await after('Cos(x)')).toBeUndefined()
  })
})
