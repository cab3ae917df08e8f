// Agreement over outputs of every kind, errors per layer behind fused functions, and how long latency may take.
import { beforeAll, describe, expect, test } from 'vitest'
import type { Context, Session } from '../../src/ir/context.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { Agreement } from '../../src/stages/evaluate/agreement.ts'
import { latencies } from '../../src/stages/evaluate/latency.ts'
import { layerErrors } from '../../src/stages/evaluate/layers.ts'
import { build } from '../build.ts'
import { play, samplesFor, testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const floats = (...data: number[]): NdArray => ({
  dtype: 'float32',
  shape: [data.length],
  data: Float32Array.from(data),
})
const agree = (a: NdArray, b: NdArray) => {
  const agreement = new Agreement(ctx.kernels, ['y'], null)
  agreement.add({ y: a }, { y: b })
  return agreement.result()
}

describe('agreement of outputs', () => {
  test('10 log10 of signal over noise: an error of 1 beside 3 and 4 is 13.98 dB', () => {
    expect(agree(floats(3, 4), floats(3, 5)).sqnrDb).toBeCloseTo(13.979, 3)
  })

  test('outputs of zero agree wholly with zeros and not at all with others', () => {
    expect(agree(floats(0, 0), floats(0, 0))).toMatchObject({ sqnrDb: 200, cosine: 1 })
    expect(agree(floats(0, 0), floats(0, 1))).toMatchObject({ sqnrDb: -200, cosine: 0 })
  })

  test('whole numbers count as numbers', () => {
    const of = (...data: bigint[]): NdArray => ({
      dtype: 'int64',
      shape: [data.length],
      data: BigInt64Array.from(data),
    })
    expect(agree(of(3n, 4n), of(3n, 5n)).sqnrDb).toBeCloseTo(13.979, 3)
  })

  test('what one model gives more of stands against nothing', () => {
    expect(agree(floats(3, 4), floats(3)).sqnrDb).toBeCloseTo(10 * Math.log10(25 / 16), 3)
    expect(agree(floats(3), floats(3, 4)).sqnrDb).toBeCloseTo(10 * Math.log10(9 / 16), 3)
  })
})

describe('latency', () => {
  const timed = async (ms: number) => {
    let now = 0
    let runs = 0
    const session: Session = {
      onDevice: false,
      run: async () => ({}),
      time: async () => {
        now += ms
        runs++
        return ms
      },
      close: async () => {},
    }
    const runner = { ...ctx.runner, open: async () => session }
    const model = build('graph (x: f32[1]) -> (y) { y = Relu(x) }')
    const result = await latencies(
      [model, model],
      {},
      { runs: 50, budgetMs: 3000 },
      { ...ctx, runner, clock: () => now },
    )
    return { result, runs, seconds: now / 1000 }
  }

  test('a fast model is run as often as asked', async () => {
    expect((await timed(1)).result[0]).toEqual({ median: 1, p90: 1, runs: 50 })
  })

  test('a model that takes half a second is run five times', async () => {
    expect((await timed(500)).result[0].runs).toBe(5)
  })

  test('a model that takes ten seconds is run once behind its warm-up', async () => {
    const { result, seconds } = await timed(10_000)
    expect(result[0].runs).toBe(1)
    expect(seconds).toBe(40)
  })
})

describe('errors per layer', () => {
  test('are taken behind the fused function and above moves, each layer by its id and bits', async () => {
    const model = build(`graph (x: f32[N,4,8,8]) -> (y) {
      a = Conv(x, w: f32[6,4,3,3], b: f32[6])
      r = Clip(a, f32[]{-0.5}, f32[]{0.8})
      p = MaxPool(r) {kernel_shape=[2,2]}
      t = Transpose(p) {perm=[0,1,3,2]}
      c = Conv(t, v: f32[6,6,3,3])
      d = Relu(c)
      f = GlobalAveragePool(d)
      g = Flatten(f)
      y = Gemm(g, u: f32[6,3], z: f32[3])
    }`)
    const { state, variant } = await play(model, ctx, { step: { layers: { c: { weights: 'int7' } } } })
    const layers = await layerErrors(state.model, variant.model, variant.plan!, samplesFor(model, 3), 3, ctx)
    expect(layers.map(l => [l.node, l.weightBits, l.activationBits])).toEqual([
      ['a', 8, 8],
      ['c', 7, 8],
      ['y', 8, 8],
    ])
    for (const l of layers) {
      expect(l.sqnrDb, l.node).toBeGreaterThan(20)
      expect(l.cumulativeSqnrDb, l.node).toBeGreaterThan(20)
    }
    // One bit less is 6.02 dB less.
    expect(layers[0].weightSqnrDb! - layers[1].weightSqnrDb!).toBeGreaterThan(3)
  })
})
