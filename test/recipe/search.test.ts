// The step `search`: budgets are kept or refused, and what it decided replays without a clock to the same bytes.
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeModel } from '../../src/exporters/onnx.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Target } from '../../src/ir/target.ts'
import { infer } from '../../src/ops/infer.ts'
import { play } from '../../src/recipe/play.ts'
import { initialState, type State } from '../../src/recipe/state.ts'
import type { Found } from '../../src/recipe/steps/search-options.ts'
import type { Step } from '../../src/recipe/types.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { onnx } from '../../src/targets/onnx.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { openvino } from '../../src/targets/openvino.ts'
import { build } from '../build.ts'
import { samplesFor, testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const model = build(`graph (x: f32[N,4,8,8]) -> (y) {
  a = Conv(x, w: f32[16,4,3,3], b: f32[16]) {pads=[1,1,1,1], strides=[2,2]}
  r = Relu(a)
  c = Conv(r, v: f32[16,16,3,3], d: f32[16]) {pads=[1,1,1,1]}
  s = Add(c, r)
  t = Relu(s)
  y = Conv(t, u: f32[10,16,4,4])
}`)

async function searched(
  options: object,
  more: {
    store?: Map<string, Uint8Array>
    stages?: string[]
    signal?: AbortSignal
    clock?: () => number
    runner?: Context['runner']
    targets?: readonly Target[]
  } = {},
): Promise<State> {
  const { store } = more
  return play(
    {
      recipe: checkRecipe({ thimble: 1, steps: [{ do: 'optimize' }, { do: 'search', ...options }] }),
      state: initialState(infer(model)),
      inputHash: 'data',
      calibration: samplesFor(model, 24),
      evaluation: null,
      samples: 24,
      wanted: (more.targets ?? [onnxruntime]).map(target => ({ target, form: null, io: 'float' as const })),
      store: store
        ? {
            program: 'this build',
            get: async key => store.get(key) ?? null,
            put: async (key, bytes) => void store.set(key, bytes),
          }
        : null,
    },
    {
      ...ctx,
      ...(more.clock ? { clock: more.clock } : {}),
      ...(more.runner ? { runner: more.runner } : {}),
      ...(more.signal ? { signal: more.signal } : {}),
      progress: p => void more.stages?.push(`${p.stage} ${p.note ?? ''}`),
    },
  )
}
const stepOf = (state: State): Step & { found: Found } => state.steps[1] as Step & { found: Found }
const fileOf = (state: State): Promise<Uint8Array> => encodeModel(state.variants[0].model, ctx.bytes)
const plain = { quantize: { repairs: [] } }

describe('a budget of bytes', () => {
  test('is kept by the file itself, which is closer to the float model than the smallest', async () => {
    const least = stepOf(await searched({ keep: { loss: 100 }, formats: ['int4', 'int8'], ...plain })).found.chosen
    const budget = least.bytes + 1200
    const state = await searched({ keep: { bytes: budget }, formats: ['int4', 'int8'], ...plain })
    const { chosen } = stepOf(state).found
    expect(chosen.bytes).toBeLessThanOrEqual(budget)
    expect((await fileOf(state)).length).toBe(chosen.bytes)
    expect(chosen.measured.sqnrDb).toBeGreaterThan(least.measured.sqnrDb)
  })

  test('is refused with the least that is possible where it is too small', async () => {
    await expect(searched({ keep: { bytes: 1000 }, ...plain })).rejects.toThrow(/take at least \d+ bytes/)
  })

  test('stands beside what the measured layers foretell, and every measured candidate that none beats', async () => {
    const { found } = stepOf(await searched({ keep: { bytes: 11_000 }, ...plain }))
    expect(found.chosen.predicted.sqnrDb).toBeGreaterThan(0)
    expect(found.tried).toContainEqual(found.chosen)
    expect(Object.keys(found.sensitivity)).toHaveLength(3)
  })
})

test('a budget of bits a weight counts the bits of the numbers, not those of their container', async () => {
  const { found } = stepOf(await searched({ keep: { bits: 6 }, formats: ['int4', 'int5', 'int6', 'int8'], ...plain }))
  expect(found.chosen.cost).toBeLessThanOrEqual(6)
  expect(found.chosen.cost).toBeGreaterThan(5.5)
})

test('no loss at all is reached by layers that stay in float', async () => {
  const state = await searched({ keep: { loss: 0 }, formats: ['int2', 'float32'], ...plain })
  expect(stepOf(state).found.chosen.loss).toBe(0)
  const formats = Object.values(stepOf(state).found.quantize.layers!)
  expect(formats.some(layer => layer.float)).toBe(true)
})

test('where it is told which layers, it measures and decides for these alone', async () => {
  const whole = stepOf(await searched({ keep: { loss: 100 }, formats: ['int4', 'int8'], ...plain })).found
  const [first, ...others] = Object.keys(whole.quantize.layers!)
  expect(others.length).toBeGreaterThan(0)
  const only = { keep: { loss: 100 }, formats: ['int4', 'int8'], only: [first], ...plain }
  const { found } = stepOf(await searched(only))
  expect(Object.keys(found.quantize.layers!)).toEqual([first])
  expect(Object.keys(found.sensitivity)).toEqual([first])
  await expect(searched({ ...only, only: ['nowhere'] })).rejects.toThrow(/matches no node/)
})

test('what it decided replays without a search to the same bytes', async () => {
  const first = await searched({ keep: { bytes: 11_000 } })
  const { do: _, ...resolved } = stepOf(first)
  const stages: string[] = []
  const again = await searched(resolved, { stages })
  expect(stages.filter(s => s.startsWith('search'))).toEqual([])
  expect(again.steps).toEqual(first.steps)
  expect(again.notes).toEqual(first.notes)
  expect(await fileOf(again)).toEqual(await fileOf(first))
})

test('a search that was cut off does not measure again what it had', async () => {
  const store = new Map<string, Uint8Array>()
  const stop = new AbortController()
  const stages: string[] = []
  stages.push = (...items: string[]) => {
    if (items.some(s => s.startsWith('search'))) stop.abort(new Error('closed'))
    return 0
  }
  await expect(searched({ keep: { bytes: 11_000 }, ...plain }, { store, stages, signal: stop.signal })).rejects.toThrow(
    'closed',
  )
  const measured = store.size
  expect(measured).toBeGreaterThan(0)
  await searched({ keep: { bytes: 11_000 }, ...plain }, { store })
  const whole = new Map<string, Uint8Array>()
  await searched({ keep: { bytes: 11_000 }, ...plain }, { store: whole })
  expect([...store.keys()].sort()).toEqual([...whole.keys()].sort())
})

test('where the time is up, layers that were not measured stay in the widest format', async () => {
  let now = 0
  const state = await searched(
    { keep: { bytes: 11_000 }, formats: ['int4', 'int8'], minutes: 0.1, ...plain },
    { clock: () => (now += 100_000) },
  )
  const { found } = stepOf(state)
  expect(found.sensitivity).toEqual({})
  expect(Object.values(found.quantize.layers!)).toEqual([{ weights: 'int8' }, { weights: 'int8' }, { weights: 'int8' }])
})

describe('a budget of milliseconds', () => {
  // A machine on which a convolution takes what its weights have of bits, and each pair a little.
  const machine = (times: number[] = []): Context['runner'] => ({
    ...ctx.runner,
    async open(model, options) {
      const session = await ctx.runner.open(model, options)
      const { nodes, values } = model.graph
      const inInt8 = (name: string | null): boolean => {
        const maker = nodes.find(n => n.outputs[0] === name)
        return maker?.op === 'DequantizeLinear' && values.get(maker.inputs[0]!)?.data?.dtype === 'int8'
      }
      const ms = nodes.reduce((sum, n) => {
        if (n.op === 'Conv') return sum + (inInt8(n.inputs[1] ?? null) ? 1 : 4)
        return /^(De)?[Qq]uantizeLinear$/.test(n.op) ? sum + 0.1 : sum
      }, 0)
      times.push(ms)
      return { ...session, time: async () => ms }
    },
  })
  const formats = ['int8', 'float32']

  test('is kept by what a run was measured to take, pairs and all, by as little change as it allows', async () => {
    const { found } = stepOf(await searched({ keep: { latencyMs: 10 }, formats, ...plain }, { runner: machine() }))
    expect(found.chosen.cost).toBeLessThanOrEqual(10)
    // One layer in integers is enough, and two would be closer to nothing.
    expect(Object.values(found.quantize.layers!).filter(layer => layer.float)).toHaveLength(2)
  })

  test('in whatever order formats are named, for kernels that compute a function along too', async () => {
    const named = { keep: { latencyMs: 10 }, formats: ['float32', 'int8'], ...plain }
    const { found } = stepOf(await searched(named, { runner: machine() }))
    expect(found.chosen.cost).toBeLessThanOrEqual(10)
  })

  test('is refused with the fastest that was measured', async () => {
    await expect(searched({ keep: { latencyMs: 1 }, formats, ...plain }, { runner: machine() })).rejects.toThrow(
      /a run takes at least [\d.]+ ms here/,
    )
  })

  test('stays in float where integers are slower', async () => {
    const slow: Context['runner'] = {
      ...ctx.runner,
      async open(model, options) {
        const session = await ctx.runner.open(model, options)
        const ms = model.graph.nodes.reduce((sum, n) => sum + (n.op === 'QuantizeLinear' ? 5 : 1), 0)
        return { ...session, time: async () => ms }
      },
    }
    const { found } = stepOf(await searched({ keep: { latencyMs: 8 }, formats, ...plain }, { runner: slow }))
    expect(Object.values(found.quantize.layers!).every(layer => layer.float)).toBe(true)
  })
})

test('layers of eight bits have seven where the form of a target has', async () => {
  const state = await searched({ keep: { loss: 100 }, formats: ['int4', 'int8'], ...plain }, { targets: [openvino] })
  const { quantize, sensitivity } = stepOf(state).found
  for (const formats of Object.values(sensitivity)) expect(Object.keys(formats).sort()).toEqual(['int4', 'int7'])
  for (const { weights } of Object.values(quantize.layers!)) expect(['int4', 'int7']).toContain(weights)
})

test('every target is judged, and the worst decides', async () => {
  const targets = [onnxruntime, onnx]
  const state = await searched({ keep: { bytes: 11_000 }, ...plain }, { targets })
  const { found } = stepOf(state)
  const sizes = await Promise.all(state.variants.map(async v => (await encodeModel(v.model, ctx.bytes)).length))
  expect(sizes).toHaveLength(2)
  expect(Math.max(...sizes)).toBe(found.chosen.bytes)
  expect(found.notes.join()).toMatch(/worst of its targets: onnxruntime: \d+ bytes, .*onnx: \d+ bytes/)
})
