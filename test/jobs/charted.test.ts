// What the charts are drawn from: memory node by node, what layers can bear, and how fast layers are here.
import { beforeAll, describe, expect, test } from 'vitest'
import { defaultsOf } from '../../src/base/options.ts'
import type { Imported } from '../../src/importers/types.ts'
import type { Context } from '../../src/ir/context.ts'
import { exportTo } from '../../src/jobs/compress.ts'
import { costsOf } from '../../src/jobs/costs.ts'
import { measureSensitivity } from '../../src/jobs/sensitivity.ts'
import { bandwidth, measureSpeed } from '../../src/jobs/speed.ts'
import type { StageStore } from '../../src/recipe/play.ts'
import { evaluate } from '../../src/recipe/steps/evaluate.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { peakActivations } from '../../src/stages/inspect/liveness.ts'
import { chips } from '../../src/targets/chips.ts'
import { findTarget } from '../../src/targets/index.ts'
import { build } from '../build.ts'
import { play, samplesFor, testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const network = build(`graph (x: f32[N,3,8,8]) -> (y) {
  a = Conv(x, w1: f32[8,3,3,3], b1: f32[8]) {pads=[1,1,1,1]}
  r = Relu(a)
  c = Conv(r, w2: f32[8,8,3,3], b2: f32[8]) {pads=[1,1,1,1]}
  s = Add(c, r)
  f = Flatten(s)
  y = Gemm(f, v: f32[512,10], d0: f32[10])
}`)

describe('memory node by node', () => {
  test('counts what is alive while each node runs: a residual input stays until the sum', () => {
    const { nodes, values, peak } = costsOf(network)
    const [image, map] = [4 * 3 * 64, 4 * 8 * 64]
    expect(nodes.map(({ live }) => live)).toEqual([image + map, 2 * map, 2 * map, 3 * map, map, map + 40])
    expect(peak).toBe(3)
    const alive = values.filter(({ from, to }) => from <= peak && peak <= to).map(({ value }) => value)
    expect(alive.sort()).toEqual(['c', 'r', 's'])
  })

  test('its peak is the one that the report gives, of a quantised model too, where constants are restored in between', async () => {
    const { variant } = await play(network, ctx)
    for (const model of [network, variant.model]) {
      const { nodes, values, peak } = costsOf(model)
      expect(nodes[peak].live).toBe(peakActivations(model).bytes)
      for (const [k, { live }] of nodes.entries()) {
        const alive = values.filter(({ from, to }) => from <= k && k <= to)
        expect(alive.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(live)
      }
    }
    expect(costsOf(variant.model).nodes.length).toBeLessThan(variant.model.graph.nodes.length)
  })

  test('numbers that a layer moves are its input, weights, bias and output, each once', () => {
    expect(costsOf(network).nodes[0]).toMatchObject({ macs: 8 * 3 * 9 * 64, moved: 3 * 64 + 8 * 27 + 8 + 8 * 64 })
  })
})

const imported = { name: 'network.onnx', format: 'onnx', bytes: 0, model: network, notes: [] } as unknown as Imported
const recipe = {
  ...checkRecipe({ thimble: 1, steps: [{ do: 'optimize' }, { do: 'quantize' }] }),
  input: { inputs: {} },
}
const request = {
  imported,
  modelHash: 'network',
  calibration: samplesFor(network, 8),
  evaluation: null,
  recipe: {
    ...recipe,
    steps: [...recipe.steps, { do: 'evaluate', ...defaultsOf(evaluate.options) }, exportTo('onnxruntime')],
  },
  samples: 8,
  store: null,
}

function keeping(): StageStore & { kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>()
  return {
    kept,
    program: 'test',
    get: async key => kept.get(key) ?? null,
    put: async (key, bytes) => {
      kept.set(key, bytes)
    },
  }
}

describe('what layers can bear', () => {
  test('fewer bits and fewer channels cost more, of every layer and group', async () => {
    const formats = ['int8', 'int4', 'int2'] as const
    const found = await measureSensitivity({ ...request, formats, measuredOn: 8 }, ctx)
    expect(found.formats).toEqual(formats)
    expect(found.layers.map(({ op, parameters }) => [op, parameters])).toEqual([
      ['Conv', 216],
      ['Conv', 576],
      ['Gemm', 5120],
    ])
    for (const { sqnrDb } of found.layers) {
      const [eight, four, two] = sqnrDb as number[]
      expect(eight).toBeGreaterThan(four + 3)
      expect(four).toBeGreaterThan(two + 3)
    }
    expect(found.groups.length).toBeGreaterThan(0)
    for (const { points } of found.groups) {
      expect(points.length).toBeGreaterThan(3)
      expect(points[0].sqnrDb).toBeGreaterThan(points.at(-1)!.sqnrDb)
    }
  })

  test('stopped half-way, it goes on with what was not yet measured, and finds the same', async () => {
    const store = keeping()
    const stop = new AbortController()
    const wanted = { ...request, store, formats: ['int8', 'int4'] as const, measuredOn: 8 }
    const stopping: Context = {
      ...ctx,
      signal: stop.signal,
      progress: ({ stage, done }) => stage === 'search' && done === 2 && stop.abort(),
    }
    await expect(measureSensitivity(wanted, stopping)).rejects.toThrow()
    const before = new Set(store.kept.keys())
    expect(before.size).toBeGreaterThan(4)
    const found = await measureSensitivity(wanted, ctx)
    expect([...store.kept.keys()].slice(0, before.size)).toEqual([...before])
    expect(found).toEqual(await measureSensitivity({ ...wanted, store: null }, ctx))
  })

  test('without samples it says what is missing', async () => {
    const without = { ...request, calibration: null, formats: ['int8'] as const, measuredOn: 8 }
    await expect(measureSensitivity(without, ctx)).rejects.toThrow('no samples')
  })
})

test('every layer has its work, its traffic and its time here, under a roof that was measured', async () => {
  const { machine, layers } = await measureSpeed(request, ctx)
  expect(layers.map(({ op, macs }) => [op, macs])).toEqual([
    ['Conv', 8 * 3 * 9 * 64],
    ['Conv', 8 * 8 * 9 * 64],
    ['Gemm', 5120],
  ])
  for (const { ms } of layers) {
    expect(ms.float32).toBeGreaterThan(0)
    expect(ms.int8).toBeGreaterThan(0)
  }
  // Any machine that runs this at all lies between a hundred million and a hundred trillion a second.
  for (const value of [machine.macsPerSecond.float32, machine.macsPerSecond.int8, machine.bytesPerSecond]) {
    expect(value).toBeGreaterThan(1e8)
    expect(value).toBeLessThan(1e14)
  }
  const fast = (machine.macsPerSecond.float32 / 1e9).toFixed(1)
  console.log(
    `one thread here: ${fast} G multiply-accumulates/s in floats, ${(machine.bytesPerSecond / 1e9).toFixed(1)} GB/s`,
  )
})

test('the speed of memory is that of the passes that one run has more, and never above what a disturbed pair of runs can tell', () => {
  const [pass, ends] = [0.004, 0.006]
  const of = (passes: number): number => ends + passes * pass
  const told = bandwidth(of(2), of(10))
  expect(told).toBeCloseTo((2 * 4 * 4_194_304) / pass, -3)
  for (const few of [of(10), 2 * of(10)]) {
    expect(bandwidth(few, of(10))).toBeLessThan(told)
    expect(bandwidth(few, of(10))).toBeGreaterThan(told / 2)
  }
})

test('every chip runs bundles of a target that there is, and its figures have sources', () => {
  for (const { targets, sources, macsPerSecond } of chips) {
    for (const id of targets) expect(findTarget(id).id).toBe(id)
    expect(sources.length).toBeGreaterThan(0)
    expect(Object.keys(macsPerSecond).length).toBeGreaterThan(0)
  }
})
