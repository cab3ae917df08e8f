// A result looked into layer by layer: what its histograms say, held against the values themselves, and what a trial leaves to a run.
import { beforeAll, describe, expect, test } from 'vitest'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Context } from '../../src/ir/context.ts'
import { edit } from '../../src/ir/edit.ts'
import { parseModel } from '../../src/ir/parse.ts'
import type { Range } from '../../src/ir/quant.ts'
import { floats, tensorOf } from '../../src/ir/tensor.ts'
import { exportTo } from '../../src/jobs/compress.ts'
import { openOutput, standingWith } from '../../src/jobs/layer-output.ts'
import { judgedAs, tryRecipe } from '../../src/jobs/layer-trial.ts'
import { layerWeights } from '../../src/jobs/layer-weights.ts'
import { openResult } from '../../src/jobs/opened-result.ts'
import { type ReplayRequest, replayed } from '../../src/jobs/replay.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { sqnrDb } from '../../src/stages/evaluate/errors.ts'
import { build } from '../build.ts'
import { samplesFor, testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const model = build(`graph (x: f32[N,4,8,8]) -> (y) {
  a = Conv(x, w: f32[6,4,3,3], b: f32[6])
  r = Relu(a)
  c = Conv(r, v: f32[6,6,1,1])
  y = Conv(c, u: f32[2,6,3,3])
}`)
const data = samplesFor(model, 12)

function storing() {
  const kept = new Map<string, Uint8Array>()
  return {
    program: 'this build',
    get: async (key: string) => kept.get(key) ?? null,
    put: async (key: string, bytes: Uint8Array) => void kept.set(key, bytes),
  }
}

const requestFor = (quantize: object, store: ReturnType<typeof storing>, target = 'onnxruntime'): ReplayRequest => ({
  imported: { model, name: 'm.onnx', format: 'onnx', bytes: 0, sources: new Map(), notes: [] },
  modelHash: 'm',
  calibration: data,
  evaluation: null,
  recipe: checkRecipe({
    thimble: 1,
    steps: [{ do: 'optimize' }, { do: 'quantize', ...quantize }, exportTo(target)],
  }),
  samples: 12,
  store,
})

/** A context that says which stages made progress. */
function watched(): { ctx: Context; stages: Set<string> } {
  const stages = new Set<string>()
  return { ctx: { ...ctx, progress: ({ stage }) => void stages.add(stage) }, stages }
}

const nodeOf = (value: string): string => model.graph.nodes.find(node => node.outputs.includes(value))!.id

/** All elements that a value had over the samples. */
async function valuesOf(name: string): Promise<number[]> {
  const session = await ctx.runner.open(model, { outputs: [name] })
  const all: number[] = []
  for await (const { feeds } of data.samples()) all.push(...((await session.run(feeds))[name].data as Float32Array))
  await session.close()
  return all
}

describe('the output of a layer', () => {
  const opened = async (quantize: object = {}) => {
    const result = (await openResult(requestFor(quantize, storing()), 0, ctx))!
    return { result, output: (value: string) => openOutput(result, [nodeOf(value)], ctx) }
  }

  test('a convolution shows what leaves the rectifier that is fused behind it, zeros apart', async () => {
    const { output } = await opened()
    const [shown, same] = [(await output('a'))!.output, (await output('r'))!.output]
    expect(shown.value).toBe('r')
    expect(same).toEqual(shown)
    const values = await valuesOf('r')
    expect(shown.samples).toBe(12)
    expect(shown.count).toBe(values.length)
    expect(shown.zeros).toBe(values.filter(x => x === 0).length)
    expect(shown.zeros).toBeGreaterThan(0)
    expect(shown.bins.counts.reduce((a, b) => a + b, 0)).toBe(values.length - shown.zeros)
    expect(shown.seen).toEqual({ min: 0, max: Math.max(...values) })
  })

  test('its bins count the values between their edges, but for those at an edge’s own cell', async () => {
    const { output } = await opened()
    const { bins } = (await output('c'))!.output
    const values = await valuesOf('c')
    const middle = bins.low + ((bins.high - bins.low) * 48) / 96
    const below = bins.counts.slice(0, 48).reduce((a, b) => a + b, 0)
    expect(Math.abs(below - values.filter(x => x < middle).length)).toBeLessThan(0.02 * values.length)
  })

  test.each([
    ['the chosen range', 1],
    ['three quarters of it', 0.75],
    ['a third of it', 1 / 3],
  ])('%s: the error and what is clipped are those of rounding the values themselves', async (_, part) => {
    const { output } = await opened()
    const layer = (await output('c'))!
    const range: Range = { min: part * layer.output.range.min, max: part * layer.output.range.max }
    const standing = standingWith(layer, range)
    const { min, max } = standing.reach
    const scale = (max - min) / 255
    let [signal, noise, clipped] = [0, 0, 0]
    const values = await valuesOf('c')
    for (const x of values) {
      const y = Math.min(max, Math.max(min, Math.round(x / scale) * scale))
      signal += x * x
      noise += (x - y) ** 2
      if (x < min - scale / 2 || x > max + scale / 2) clipped++
    }
    expect(standing.sqnrDb).toBeCloseTo(sqnrDb(signal, noise), 0)
    expect(standing.below + standing.above).toBeCloseTo(clipped / values.length, 2)
    if (part === 1) expect(standing).toEqual(layer.output.standing)
    else expect(clipped).toBeGreaterThan(0)
  })

  test('a range that the recipe gives is the one that is shown', async () => {
    const { output } = await opened({ ranges: { c: { min: -1, max: 2 } } })
    const shown = (await output('c'))!.output
    expect(shown.range).toEqual({ min: -1, max: 2 })
    expect(shown.standing.reach.max - shown.standing.reach.min).toBeCloseTo(3, 5)
  })

  test('there is none of a layer that is kept in float', async () => {
    const { output } = await opened({ layers: { [nodeOf('y')]: { float: true } } })
    expect(await output('y')).toBeNull()
  })
})

describe('a trial', () => {
  const tried = (layers: object) => ({ layers })

  test('gives the result itself for its own recipe, and more for a layer of more bits, at more bytes', async () => {
    const request = requestFor({ weights: 'int4' }, storing())
    const result = (await openResult(request, 0, ctx))!
    const judged = await judgedAs(result, 4, ctx)
    const same = await tryRecipe(result, judged, request.recipe, ctx)
    expect(same.samples).toBe(4)
    expect(same.after).toEqual(same.before)
    const { recipe } = requestFor({ weights: 'int4', ...tried({ [nodeOf('c')]: { weights: 'int8' } }) }, storing())
    const better = await tryRecipe(result, judged, recipe, ctx)
    expect(better.before).toEqual(same.before)
    expect(better.after.sqnrDb).toBeGreaterThan(same.before.sqnrDb)
    expect(better.after.bytes).toBeGreaterThan(same.before.bytes)
  })

  test.each(['onnxruntime', 'tflite', 'ncnn'])(
    'for %s runs only what follows from the change, from what was computed before it, and comes to what the whole model gives',
    async target => {
      const result = (await openResult(requestFor({}, storing(), target), 0, ctx))!
      const opened: number[] = []
      const open: Context['runner']['open'] = (model, options) => {
        opened.push(model.graph.nodes.length)
        return ctx.runner.open(model, options)
      }
      const judged = await judgedAs(result, 4, { ...ctx, runner: { ...ctx.runner, open } })
      const changes = [
        { range: 'percentile' },
        { range: 'mse' },
        ...(target === 'onnxruntime' ? [{ float: true }] : []),
      ]
      for (const [i, layer] of changes.entries()) {
        const changed = requestFor(tried({ [nodeOf('c')]: layer }), storing(), target)
        opened.length = 0
        const { after } = await tryRecipe(result, judged, changed.recipe, ctx)
        if (target === 'onnxruntime') {
          expect(opened.length).toBe(i === 0 ? 2 : 1)
          expect(Math.max(...opened)).toBeLessThan((2 / 3) * result.variant.model.graph.nodes.length)
        }
        const whole = (await openResult(changed, 0, ctx))!
        expect(after).toEqual((await judgedAs(whole, 4, ctx)).measured)
      }
    },
  )

  test('refuses a recipe that is another in what comes before', async () => {
    const request = requestFor({}, storing())
    const result = (await openResult(request, 0, ctx))!
    const steps = request.recipe.steps.map(step => (step.do === 'optimize' ? { ...step, level: 'exact' } : step))
    const judged = await judgedAs(result, 4, ctx)
    await expect(tryRecipe(result, judged, { ...request.recipe, steps }, ctx)).rejects.toMatchObject({ code: 'usage' })
  })

  test.each([
    ['in float', { [nodeOf('c')]: { float: true } }],
    ['in four bits', { [nodeOf('c')]: { weights: 'int4' } }],
    ['with a range by another method', { [nodeOf('c')]: { range: 'mse' } }],
  ])(
    'of a layer %s observes nothing again, nor does the run that follows, which comes to the same bytes',
    async (_, layers) => {
      const store = storing()
      await replayed(requestFor({}, store), ctx) // the run
      const request = requestFor({}, store)
      const result = (await openResult(request, 0, ctx))!
      const looking = watched()
      await openOutput(result, [nodeOf('c')], looking.ctx)
      expect(looking.stages).toContain('observe') // the run itself had no need of histograms

      const judged = await judgedAs(result, 4, ctx)
      const changed = requestFor(tried(layers), store)
      const trying = watched()
      const { after } = await tryRecipe(result, judged, changed.recipe, trying.ctx)
      expect(trying.stages).not.toContain('observe')
      const running = watched()
      const run = await replayed(changed, running.ctx)
      expect(running.stages).not.toContain('observe')

      const fresh = watched()
      const anew = await replayed(requestFor(tried(layers), storing()), fresh.ctx)
      expect(fresh.stages).toContain('observe')
      expect([...run.after.variants[0].plan!.activations]).toEqual([...anew.after.variants[0].plan!.activations])
      expect([...run.after.variants[0].plan!.weights]).toEqual([...anew.after.variants[0].plan!.weights])
      expect(after.sqnrDb).toBeGreaterThan(0)
    },
  )
})

describe('weights', () => {
  test('each channel has the quartiles that NumPy gives, zeros are counted, bins span what there is', async () => {
    const plain = parseModel('graph (x: f32[1,1,2,2]) -> (y) {\n  y = Conv(x, w: f32[2,1,1,5])\n}')
    const data = Float32Array.of(5, 1, 4, 2, 3, -1, 0, 0, 3, 10)
    const graph = edit(plain.graph, e => e.setValue({ ...e.value('w')!, data: tensorOf(floats([2, 1, 1, 5], data)) }))
    const found = (await layerWeights({ ...plain, graph }, [plain.graph.nodes[0].id], createBytes(new Map())))!
    expect([...found.channels!]).toEqual([1, 2, 3, 4, 5, -1, 0, 0, 3, 10])
    expect(found).toMatchObject({ value: 'w', shape: [2, 1, 1, 5], count: 10, zeros: 2 })
    expect(found.bins).toMatchObject({ low: -1, high: 10 })
    expect(found.bins.counts.reduce((a, b) => a + b, 0)).toBe(10)
    expect(found.bins.counts.at(-1)).toBe(1)
  })
})
