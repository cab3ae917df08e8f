// The step `prune`: budgets are met within a hundredth or refused with the reason, what was done is told, and a run that was cut off goes on.
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeModel } from '../../src/exporters/onnx.ts'
import type { Context, Feeds } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { infer } from '../../src/ops/infer.ts'
import { play } from '../../src/recipe/play.ts'
import { initialState, type State } from '../../src/recipe/state.ts'
import { multipleOf } from '../../src/recipe/steps/prune-options.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { cost } from '../../src/stages/inspect/cost.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { qualcomm } from '../../src/targets/qualcomm.ts'
import { build } from '../build.ts'
import { samplesFor, testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const model = build(`graph (x: f32[N,4,8,8]) -> (y) {
  a = Conv(x, w: f32[48,4,3,3], b: f32[48]) {pads=[1,1,1,1], strides=[2,2]}
  n = BatchNormalization(a, f32[48]{0.5..1.5}, f32[48], f32[48], f32[48]{0.5..1.5})
  r = Relu(n)
  c = Conv(r, v: f32[64,48,3,3], d: f32[64]) {pads=[1,1,1,1]}
  q = Relu(c)
  e = Conv(q, o: f32[48,64,3,3], p: f32[48]) {pads=[1,1,1,1]}
  s = Add(e, r)
  t = Relu(s)
  y = Conv(t, u: f32[10,48,4,4])
}`)

async function run(given: Model, feeds: Feeds): Promise<Float32Array> {
  const session = await ctx.runner.open(given)
  const out = await session.run(feeds)
  await session.close()
  return out[given.graph.outputs[0]].data as Float32Array
}

interface More {
  given?: Model
  samples?: number
  store?: Map<string, Uint8Array>
  runner?: Context['runner']
  after?: object[]
}

function pruned(
  options: object,
  { given = model, samples = 16, store, runner, after = [] }: More = {},
): Promise<State> {
  return play(
    {
      recipe: checkRecipe({ thimble: 1, steps: [{ do: 'prune', samples: 8, ...options }, ...after] }),
      state: initialState(infer(given)),
      inputHash: 'data',
      calibration: samples > 0 ? samplesFor(given, samples) : null,
      evaluation: null,
      samples,
      wanted: [{ target: onnxruntime, form: null, io: 'float' }],
      store: store
        ? {
            program: 'this build',
            get: async key => store.get(key) ?? null,
            put: async (key, bytes) => void store.set(key, bytes),
          }
        : null,
    },
    runner ? { ...ctx, runner } : ctx,
  )
}

const withoutData = { importance: 'l1', ratios: 'equal', reconstruct: false, batchNorm: false }
const bytesOfModel = async (m: Model): Promise<number> => (await encodeModel(m, ctx.bytes)).byteLength

describe('budgets', () => {
  test.for([0.8, 0.5, 0.25])(
    '%d of the bytes, the parameters and the multiply-accumulates, within a hundredth',
    async share => {
      for (const [of, size] of [
        ['bytes', bytesOfModel],
        ['parameters', async (m: Model) => cost(m).parameters],
        ['macs', async (m: Model) => cost(m).macs],
      ] as const) {
        const state = await pruned({ ...withoutData, budget: { of, share } }, { samples: 0 })
        const reached = (await size(state.model)) / (await size(infer(model)))
        expect(reached).toBeLessThanOrEqual(share)
        expect(reached).toBeGreaterThan(0.99 * share)
        expect(state.pruned?.after).toBe(await size(state.model))
      }
    },
  )

  test('an amount instead of a share', async () => {
    const state = await pruned({ ...withoutData, budget: { of: 'parameters', amount: 30_000 } }, { samples: 0 })
    expect(cost(state.model).parameters).toBeLessThanOrEqual(30_000)
    expect(cost(state.model).parameters).toBeGreaterThan(29_700)
  })

  test.for(['equal', 'rank', 'threshold', 'greedy', 'knapsack'])('%s', async ratios => {
    const state = await pruned({ ratios, budget: { of: 'macs', share: 0.6 } })
    const reached = cost(state.model).macs / cost(infer(model)).macs
    expect(reached).toBeLessThanOrEqual(0.6)
    expect(reached).toBeGreaterThan(0.594)
  })

  test('in multiples of 16', async () => {
    const state = await pruned(
      { ...withoutData, multiple: 16, budget: { of: 'macs', share: 0.45 } },
      { samples: 0 },
    ).catch(e => e)
    // 48 and 64 channels: only a few sizes can be had, and the nearest is named.
    if (state instanceof Error) expect(state.message).toMatch(/multiples of 16 the nearest below/)
    else for (const group of state.pruned!.groups) expect(group.after % 16).toBe(0)
  })

  test('in multiples of what the targets’ kernels are made for', async () => {
    const budget = { of: 'macs', share: 0.6, about: true }
    const state = await pruned({ ...withoutData, multiple: 'target', budget }, { samples: 0 })
    for (const { before, after } of state.pruned!.groups)
      if (after < before) expect(after % onnxruntime.channels!.multiple).toBe(0)
    const both = [onnxruntime, qualcomm].map(target => ({ target, form: null, io: 'float' as const }))
    expect(multipleOf({ multiple: 'target' }, both)).toBe(32)
    expect(multipleOf({ multiple: 'target' }, [])).toBe(1)
  })

  test('without samples, merging channels comes closer than removing them', async () => {
    const shares = { ...withoutData, budget: { of: 'macs', share: 0.6 } }
    const error = async (state: State): Promise<number> => {
      let noise = 0
      for await (const { feeds } of samplesFor(model, 8).samples()) {
        const [want, got] = [await run(model, feeds), await run(state.model, feeds)]
        for (const [i, w] of want.entries()) noise += (w - got[i]) ** 2
      }
      return noise
    }
    const merged = await error(await pruned(shares, { samples: 0 }))
    expect(merged).toBeLessThan(await error(await pruned({ ...shares, fold: false }, { samples: 0 })))
  })

  test('about: in multiples of 32 the nearest below', async () => {
    const budget = { of: 'macs', share: 0.45 }
    const coarse = { ...withoutData, multiple: 32 }
    await expect(pruned({ ...coarse, budget }, { samples: 0 })).rejects.toThrow(/multiples of 32 the nearest below/)
    const state = await pruned({ ...coarse, budget: { ...budget, about: true } }, { samples: 0 })
    const reached = cost(state.model).macs / cost(infer(model)).macs
    expect(reached).toBeLessThan(0.99 * 0.45)
    for (const { before, after } of state.pruned!.groups) if (after < before) expect(after % 32).toBe(0)
  })

  test('more than there is leaves the model as it is', async () => {
    const state = await pruned({ ...withoutData, budget: { of: 'bytes', share: 1 } }, { samples: 0 })
    expect(state.model).toEqual(infer(model))
    expect(state.notes.join()).toMatch(/Nothing was pruned/)
  })

  test('less than can be is refused, and says what keeps it', async () => {
    await expect(pruned({ ...withoutData, budget: { of: 'macs', share: 0.001 } }, { samples: 0 })).rejects.toThrow(
      /Pruning cannot get down to \d+ multiply-accumulates: at least \d+ multiply-accumulates are left/,
    )
  })

  test('a model without channels to remove is refused with an example of why', async () => {
    const given = build(`graph (x: f32[N,3,4,4]) -> (y) {
      a = Conv(x, w1: f32[6,3,1,1])
      y = Softmax(a) {axis=1}
    }`)
    await expect(pruned(withoutData, { given, samples: 0 })).rejects.toMatchObject({
      message: 'No channel of this model can be removed',
      hint: 'For example a: y weighs its channels against each other.',
    })
  })
})

test('what was pruned is told: channels before and after, what was lost, and what stays', async () => {
  const { pruned: told } = await pruned({ budget: { of: 'macs', share: 0.6 } })
  expect(told!.groups.map(g => [g.layer, g.before])).toEqual([
    ['a', 48],
    ['c', 64],
  ])
  expect(told!.groups[0].layers).toEqual(['a', 'e'])
  for (const group of told!.groups) {
    expect(group.after).toBeLessThan(group.before)
    expect(group.importance).toBeGreaterThan(0)
    expect(group.importance).toBeLessThan((group.before - group.after) / group.before)
    expect(group.loss).toBeGreaterThan(0)
  }
  expect(told!.skipped).toEqual([{ layer: 'y', why: 'the model makes the output y' }])
})

test('a recipe prunes, then quantises what is left', async () => {
  const state = await pruned(
    { budget: { of: 'macs', share: 0.6 } },
    { after: [{ do: 'optimize' }, { do: 'quantize' }] },
  )
  const [variant] = state.variants
  expect(variant.model.graph.nodes.some(n => n.op === 'QuantizeLinear')).toBe(true)
  expect(state.steps.map(s => s.do)).toEqual(['prune', 'optimize', 'quantize'])
  expect(await bytesOfModel(variant.model)).toBeLessThan(0.3 * (await bytesOfModel(model)))
})

test('measuring every group costs less than 0.7 plain runs for each group and share', async () => {
  let run = 0
  const whole = { ops: 0 }
  const runner: Context['runner'] = {
    ...ctx.runner,
    open: async (m, options) => {
      const session = await ctx.runner.open(m, options)
      const { macs } = cost(infer(m))
      return {
        ...session,
        run: feeds => {
          run += macs
          return session.run(feeds)
        },
      }
    },
  }
  const store = new Map<string, Uint8Array>()
  const chain = build(`graph (x: f32[N,4,8,8]) -> (y) {
    ${Array.from({ length: 8 }, (_, i) => `c${i} = Conv(${i ? `r${i - 1}` : 'x'}, w${i}: f32[16,${i ? 16 : 4},3,3], b${i}: f32[16]) {pads=[1,1,1,1]}  r${i} = Relu(c${i})`).join('\n')}
    y = Conv(r7, v: f32[4,16,1,1])
  }`)
  const budget = { of: 'macs', share: 0.5 }
  await pruned(
    { budget, importance: 'l1', reconstruct: false, batchNorm: false, samples: 16, batch: 16 },
    { given: chain, runner, store },
  )
  whole.ops = cost(infer(chain)).macs
  // One run over the 16 samples is one batch; 8 groups at 7 shares. The float model's own answers are a run of their own.
  expect(run / whole.ops).toBeLessThan(0.7 * 8 * 7)
  run = 0
  const options = { importance: 'l1', reconstruct: false, batchNorm: false, samples: 16, batch: 16 }
  await pruned({ budget: { of: 'macs', share: 0.6 }, ...options }, { given: chain, runner, store })
  // Another budget starts from what was measured.
  expect(run / whole.ops).toBeLessThan(2)
})

test('BatchNormalization scales are asked for before they are folded away', async () => {
  const state = await pruned({ ...withoutData, importance: 'bn', budget: { of: 'macs', share: 0.7 } }, { samples: 0 })
  expect(state.pruned!.groups[0].after).toBeLessThan(48)
  const plain = build(`graph (x: f32[N,3,4,4]) -> (y) {
    a = Conv(x, w1: f32[6,3,1,1])
    y = Conv(a, w2: f32[2,6,1,1])
  }`)
  await expect(pruned({ ...withoutData, importance: 'bn' }, { given: plain, samples: 0 })).rejects.toMatchObject({
    hint: 'Put the step prune before optimize, which folds BatchNormalizations away, or choose another importance.',
  })
})

describe('budgets that are found by trying', () => {
  const found = { do: 'prune', samples: 8 }
  const cheap = { importance: 'l1', ratios: 'equal', batchNorm: false }

  test('the fewest at which no more answers change than may, which a replay meets at once', async () => {
    const all = await pruned({ ...cheap, budget: { of: 'macs', loss: 100 } }, { samples: 32 })
    // Sixteen samples cannot tell one answer in a hundred.
    const none = await pruned({ ...cheap, budget: { of: 'macs', loss: 1 } }, { samples: 32 })
    expect(none.notes.join()).toMatch(/took nothing away: more than 1 % of the answers at every size/)
    const macs = ({ model: m }: State): number => cost(m).macs
    expect(macs(all)).toBeLessThan(0.2 * macs(none))
    expect(macs(none)).toBe(cost(infer(model)).macs)
    const { do: _, ...step } = all.steps.at(-1)!
    expect(step).toMatchObject({ budget: { of: 'macs', amount: expect.any(Number) } })
    const again = await pruned(step, { samples: 32 })
    expect(await encodeModel(again.model, ctx.bytes)).toEqual(await encodeModel(all.model, ctx.bytes))
  })

  test('the most that takes no longer than it may, by the time of a run', async () => {
    // A clock that ticks by what is computed, in place of one that a busy machine upsets.
    const runner: Context['runner'] = {
      ...ctx.runner,
      open: async (m, options) => ({ ...(await ctx.runner.open(m, options)), time: async () => cost(infer(m)).macs }),
    }
    const state = await pruned({ ...withoutData, budget: { of: 'latency', share: 0.6 } }, { samples: 4, runner })
    const reached = cost(state.model).macs / cost(infer(model)).macs
    expect(reached).toBeLessThanOrEqual(0.6)
    expect(reached).toBeGreaterThan(0.57)
    expect(state.steps.at(-1)).toMatchObject({ ...found, samples: 8, budget: { of: 'macs' } })
    expect(state.notes.join()).toMatch(
      /found by trying: \d+\.\d % of the latency, where 60\.0 % of the latency were asked for/,
    )
  })

  test('a time that no size has is refused', async () => {
    const runner: Context['runner'] = {
      ...ctx.runner,
      open: async (m, options) => ({ ...(await ctx.runner.open(m, options)), time: async () => 1 }),
    }
    await expect(
      pruned({ ...withoutData, budget: { of: 'latency', share: 0.5 } }, { samples: 4, runner }),
    ).rejects.toThrow(/The step prune does not get down to 50\.0 % of the latency/)
  })
})
