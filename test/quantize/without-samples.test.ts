// The step `quantize` where no sample says anything: ranges from BatchNorm statistics or inputs that are made up, and said to be estimates.
import { beforeAll, describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import type { Context, Dataset, Feeds } from '../../src/ir/context.ts'
import { infer } from '../../src/ops/infer.ts'
import { evaluate } from '../../src/recipe/steps/evaluate.ts'
import { channelStatistics } from '../../src/stages/quantize/channel-statistics.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { build } from '../build.ts'
import { play, samplesFor, testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const withNorms = build(`graph (x: f32[N,3,8,8]) -> (y) {
  c = Conv(x, w: f32[4,3,3,3]) {pads=[1,1,1,1]}
  n = BatchNormalization(c, g: f32[4]{1,0.5,-2,1}, b: f32[4]{0,1,-1,3}, m: f32[4]{0,0,0,0}, v: f32[4]{1,1,1,1})
  r = Relu(n)
  y = Conv(r, k: f32[4,4,1,1])
}`)
const without = build(`graph (x: f32[N,3,8,8]) -> (y) {
  c = Conv(x, w: f32[4,3,3,3]) {pads=[1,1,1,1]}
  r = Relu(c)
  y = Conv(r, k: f32[4,4,1,1])
}`)
const pixels = { inputs: { x: { layout: 'NCHW' as const, scale: 1 / 255, mean: [0.5], std: [0.25] } } }
const all = (data: Dataset, of: (feeds: Feeds) => Feeds): Dataset => ({
  ...data,
  name: 'black.npz',
  async *samples(options) {
    for await (const sample of data.samples(options)) yield { ...sample, feeds: of(sample.feeds) }
  },
})
const zeros = (feeds: Feeds): Feeds =>
  Object.fromEntries(Object.entries(feeds).map(([name, a]) => [name, { ...a, data: new Float32Array(a.data.length) }]))

describe('without samples', () => {
  test('a value behind BatchNormalization reaches beta and six gamma, cut off by its Relu', async () => {
    const { state, variant } = await play(withNorms, ctx, { calibration: null, input: pixels })
    expect(state.estimated).toMatch(/^No samples were given\. THE RANGES .* ESTIMATES from BatchNorm statistics/)
    expect(state.observed?.samples).toBe(0)
    const { scale, zeroPoint } = variant.plan!.activations.get('r')!
    // Channel 2: -1 + 6 * 2.
    expect(scale[0]).toBeCloseTo(11 / 255, 6)
    expect(zeroPoint[0]).toBe(0)
    // The input: from pixel 0 to pixel 255.
    expect(variant.plan!.activations.get('x')!.scale[0]).toBeCloseTo(4 / 255, 6)
  })

  test('inputs are made up where there is no BatchNormalization, within what the spec can give', async () => {
    const { state, variant } = await play(without, ctx, { calibration: null, input: pixels, samples: 16 })
    expect(state.estimated).toMatch(/^No samples were given\. THE RANGES .* ESTIMATES from 16 synthesised inputs/)
    const { min, max } = state.observed!.inputs.x
    expect(min).toBeGreaterThanOrEqual(-2)
    expect(max).toBeLessThanOrEqual(2)
    expect(max - min).toBeGreaterThan(3)
    expect(variant.plan!.activations.get('x')!.scale[0]).toBeCloseTo((max - min) / 255, 6)
  })

  test('the same seed gives the same plan', async () => {
    const [a, b] = await Promise.all([0, 1].map(() => play(without, ctx, { calibration: null, input: pixels })))
    expect(a.variant.plan!.activations).toEqual(b.variant.plan!.activations)
  })

  test('statistics that do not reach a value are refused where they alone were asked for, and done without otherwise', async () => {
    const text = build(`graph (x: f32[N,2,8,8]) -> (y) {
      n = BatchNormalization(x, g: f32[2], b: f32[2], m: f32[2], v: f32[2]{1,1})
      s = Cos(n)
      c = Conv(s, w: f32[4,2,3,3])
      r = Relu(c)
      y = Conv(r, k: f32[4,4,1,1])
    }`)
    const asked = { calibration: null, step: { estimate: 'batch-norm' } }
    await expect(play(text, ctx, asked)).rejects.toThrow(/BatchNorm statistics do not reach the value/)
    expect((await play(text, ctx, { calibration: null })).state.estimated).toMatch(/synthesised inputs/)
  })

  test('weights alone need no range, and nothing is called an estimate', async () => {
    const { state } = await play(without, ctx, { calibration: null, step: { activations: 'float32' } })
    expect(state.estimated).toBeNull()
  })

  test('repairs that need samples are given inputs that are made up, and it is said', async () => {
    const step = { repairs: ['refit', 'equalize'], weights: 'int4' }
    const { state } = await play(without, ctx, { calibration: null, input: pixels, step })
    expect(state.notes.join(' ')).toMatch(/\(equalize, refit\) were given 8 synthesised inputs instead/)
  })

  test('channels that are equalised take their statistics along', async () => {
    const plain = await play(withNorms, ctx, { calibration: null, input: pixels })
    const equal = await play(withNorms, ctx, { calibration: null, input: pixels, step: { repairs: ['equalize-full'] } })
    expect(equal.state.estimated).toMatch(/BatchNorm/)
    const scaleOf = ({ variant }: typeof plain): number => variant.plan!.activations.get('r')!.scale[0]
    expect(scaleOf(equal)).not.toBeCloseTo(scaleOf(plain), 4)
    expect(equal.sqnr.y).toBeGreaterThan(plain.sqnr.y - 3)
  })

  test('the step evaluate says what was not measured', async () => {
    const { state } = await play(withNorms, ctx, { calibration: null, input: pixels })
    const env = { ctx, calibration: null, evaluation: null, samples: 8, input: pixels }
    const wanted = [{ target: onnxruntime, form: null, io: 'float' as const }]
    const after = await evaluate.run(
      state,
      { batch: 1, layerSamples: 1, latency: false },
      {
        ...env,
        wanted,
        memo: (_, compute) => compute(),
      },
    )
    expect(after.notes.at(-1)).toMatch(/Nothing was evaluated.*Accuracy, agreement .* were not measured/)
    expect(after.variants[0].agreement).toBeNull()
  })
})

describe('samples that say nothing', () => {
  test('all zeros are named, set aside, and as good as none', async () => {
    const black = all(samplesFor(without, 8), zeros)
    const { state, variant } = await play(without, ctx, { calibration: black, input: pixels })
    expect(state.estimated).toMatch(/^Every sample of black\.npz is of one value or colour .* set aside\. THE RANGES/)
    const none = await play(without, ctx, { calibration: null, input: pixels })
    expect(variant.plan!.activations).toEqual(none.variant.plan!.activations)
  })

  test('black pictures are of one value a colour once they are normalised', async () => {
    const colours = (feeds: Feeds): Feeds => ({
      x: { ...feeds.x, data: Float32Array.from({ length: 192 }, (_, i) => [-2, -1.5, -1][Math.floor(i / 64)]) },
    })
    const { state } = await play(without, ctx, { calibration: all(samplesFor(without, 8), colours), input: pixels })
    expect(state.estimated).toMatch(/^Every sample of black\.npz/)
  })

  test('one that differs among black ones is enough', async () => {
    let seen = 0
    const most = all(samplesFor(without, 8), feeds => (seen++ % 8 === 7 ? feeds : zeros(feeds)))
    const { state } = await play(without, ctx, { calibration: most, input: pixels })
    expect(state.estimated).toBeNull()
  })
})

describe('bias correction by BatchNorm statistics', () => {
  // Samples whose channels have just the mean and variance that the BatchNormalization was trained on.
  const [mean, variance] = [
    [2, -1, 0.5],
    [4, 0.25, 1],
  ]
  const model = build(`graph (x: f32[N,3,8,8]) -> (y) {
    n = BatchNormalization(x, g: f32[3]{1,2,0.5}, b: f32[3]{1,-1,2}, m: f32[3]{${mean}}, v: f32[3]{${variance}})
    r = Relu(n)
    y = Conv(r, w: f32[6,3,3,3])
  }`)
  const normal: Dataset = {
    ...samplesFor(model, 64),
    async *samples({ count = 64 } = {}) {
      for (let index = 0; index < Math.min(count, 64); index++) {
        const rng = createRng(index, 'normal')
        const draw = (i: number): number => mean[i >> 6] + Math.sqrt(variance[i >> 6]) * rng.normal()
        const data = Float32Array.from({ length: 192 }, (_, i) => draw(i))
        yield { index, name: `${index}`, label: null, feeds: { x: { dtype: 'float32', shape: [1, 3, 8, 8], data } } }
      }
    },
  }
  async function shiftOf(repairs: string[], calibration: Dataset | null): Promise<number> {
    const { variant } = await play(model, ctx, { step: { weights: 'int4', repairs }, calibration, optimized: false })
    const samples = { data: normal, count: 64, batch: 16 }
    const [x] = (await channelStatistics(infer(model), new Map([['y', 1]]), samples, ctx)).values()
    const [q] = (await channelStatistics(infer(variant.model), new Map([['y', 1]]), samples, ctx)).values()
    return x.sum.reduce((most, s, c) => Math.max(most, Math.abs(s - q.sum[c]) / x.count), 0)
  }

  test('takes back what rounding adds on average, with no sample to see it', async () => {
    const before = await shiftOf([], null)
    expect(await shiftOf(['correct-bias-analytic'], null)).toBeLessThan(before / 3)
  })

  test('is what correct-bias does where there are no samples, and may be asked for where there are', async () => {
    const before = await shiftOf([], normal)
    expect(await shiftOf(['correct-bias'], null)).toBeLessThan(before / 3)
    expect(await shiftOf(['correct-bias-analytic'], normal)).toBeLessThan(before / 3)
  })
})
