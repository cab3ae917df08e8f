// In which order a recipe can be played; what is done again, and what is taken from the store, when it is played twice.
import { beforeAll, describe, expect, test } from 'vitest'
import type { Context } from '../../src/ir/context.ts'
import { infer } from '../../src/ops/infer.ts'
import { play } from '../../src/recipe/play.ts'
import { initialState } from '../../src/recipe/state.ts'
import type { Step } from '../../src/recipe/types.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { build } from '../build.ts'
import { samplesFor, testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const model = build(`graph (x: f32[N,4,8,8]) -> (y) {
  a = Conv(x, w: f32[6,4,3,3], b: f32[6])
  r = Relu(a)
  y = Conv(r, v: f32[2,6,3,3])
}`)
const steps = (quantize: object = {}, evaluate: object = {}): Step[] => [
  { do: 'optimize' },
  { do: 'quantize', ...quantize },
  { do: 'evaluate', layerSamples: 2, latency: false, ...evaluate },
]

const requestOf = (list: readonly Step[], inputHash = 'data') => ({
  recipe: checkRecipe({ thimble: 1, steps: list }),
  state: initialState(infer(model)),
  inputHash,
  calibration: samplesFor(model, 6),
  evaluation: null,
  samples: 6,
  wanted: [{ target: onnxruntime, form: null, io: 'float' as const }],
})

/** Plays with a store that lives on between the runs, and says what ran. */
function player(program = 'this build', kept = new Map<string, Uint8Array>()) {
  const store = {
    program,
    get: async (key: string) => kept.get(key) ?? null,
    put: async (key: string, bytes: Uint8Array) => {
      kept.set(key, bytes)
    },
  }
  return async (list: Step[], dataHash = 'data', more: Partial<Context> = {}) => {
    const ran: string[] = []
    const stages = new Set<string>()
    const context = { ...ctx, progress: (p: { stage: string }) => void stages.add(p.stage), ...more }
    const state = await play(
      {
        ...requestOf(list, dataHash),
        store,
        onStep: (_, { do: id }, from) => {
          if (from === 'run') ran.push(id)
        },
      },
      context,
    )
    return { state, ran, observed: stages.has('observe') }
  }
}

describe('a recipe whose steps stand in the wrong order', () => {
  const budget = { of: 'parameters', share: 0.9 }
  test.each<Step>([
    { do: 'prune', budget },
    { do: 'factorize', budget },
    { do: 'sparsify' },
    { do: 'share' },
    { do: 'finetune' },
    { do: 'distil', optional: true },
  ])('is refused before anything runs: $do behind quantize', async late => {
    const ran: string[] = []
    const played = play(
      { ...requestOf([...steps(), late]), store: null, onStep: (_, { do: id }) => void ran.push(id) },
      ctx,
    )
    await expect(played).rejects.toMatchObject({
      code: 'bad-recipe',
      message: `The model is quantised already when the step ${late.do} comes`,
      hint: `Put the step ${late.do} before quantize.`,
    })
    expect(ran).toEqual([])
  })

  test('is refused before anything runs: qat before quantize', async () => {
    const ran: string[] = []
    const recipe = [{ do: 'optimize' }, { do: 'qat' }, { do: 'quantize' }]
    const played = play({ ...requestOf(recipe), store: null, onStep: (_, { do: id }) => void ran.push(id) }, ctx)
    await expect(played).rejects.toThrow('The model is not quantised yet when the step qat comes')
    expect(ran).toEqual([])
  })
})

describe('a recipe played again', () => {
  test('runs nothing where nothing changed, and gives the same', async () => {
    const run = player()
    const first = await run(steps())
    expect(first.ran).toEqual(['optimize', 'quantize', 'evaluate'])
    const second = await run(steps())
    expect(second.ran).toEqual([])
    expect(second.state).toEqual(first.state)
  })

  test('computes anew what another build of the program kept', async () => {
    const kept = new Map<string, Uint8Array>()
    await player('this build', kept)(steps())
    expect((await player('the next build', kept)(steps())).ran).toEqual(['optimize', 'quantize', 'evaluate'])
    expect((await player('this build', kept)(steps())).ran).toEqual([])
  })

  test('runs from the first changed step on', async () => {
    const run = player()
    await run(steps())
    expect((await run(steps({}, { layerSamples: 3 }))).ran).toEqual(['evaluate'])
    expect((await run(steps({ granularity: 'tensor' }))).ran).toEqual(['quantize', 'evaluate'])
  })

  test('runs whole on other data', async () => {
    const run = player()
    await run(steps())
    const again = await run(steps(), 'other data')
    expect(again.ran).toEqual(['optimize', 'quantize', 'evaluate'])
    expect(again.observed).toBe(true)
  })

  test('does not observe again for another method over the same statistics', async () => {
    const run = player()
    expect((await run(steps({ range: 'mse' }))).observed).toBe(true)
    const again = await run(steps({ range: 'percentile' }))
    expect(again.ran).toEqual(['quantize', 'evaluate'])
    expect(again.observed).toBe(false)
  })

  test('observes again for more than was kept: histograms, other batches, other values', async () => {
    const run = player()
    await run(steps({ range: 'minmax' }))
    expect((await run(steps({ range: 'kl' }))).observed).toBe(true)
    expect((await run(steps({ range: 'minmax', batch: 3 }))).observed).toBe(true)
    const fewer = player()
    await fewer(steps({ layers: { first: { float: true } } }))
    expect((await fewer(steps())).observed).toBe(true)
  })

  test('does not observe again for fewer values, or for ranges alone where histograms were kept', async () => {
    const run = player()
    await run(steps({ range: 'kl' }))
    expect((await run(steps({ range: 'minmax' }))).observed).toBe(false)
    expect((await run(steps({ layers: { first: { float: true } } }))).observed).toBe(false)
  })

  test('goes on behind the last step that was finished before it was cut off', async () => {
    const run = player()
    const stop = new AbortController()
    const cut = run(steps(), 'data', {
      signal: stop.signal,
      progress: p => {
        if (p.stage === 'evaluate') stop.abort(new Error('closed'))
      },
    })
    await expect(cut).rejects.toThrow('closed')
    expect((await run(steps())).ran).toEqual(['evaluate'])
  })
})
