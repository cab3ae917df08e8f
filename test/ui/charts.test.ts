// What stands behind the charts: round ticks on both kinds of axis, the roofline's estimates, the order of curves, and a wish's recipe.
import { describe, expect, test } from 'vitest'
import type { Report } from '../../src/jobs/report.ts'
import type { Recipe } from '../../src/recipe/types.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import type { Chip } from '../../src/targets/chips.ts'
import { linear, logarithmic } from '../../src/ui/parts/scale.ts'
import { attainable, intensityOf, leastMs } from '../../src/ui/state/roofline.ts'
import { fromSearch, leastFirst } from '../../src/ui/state/sensitivity.ts'
import { type Given, planFor, planned, type Wish } from '../../src/ui/state/wish.ts'

describe('axes', () => {
  test('ends are where they are said to be, and ticks are round', () => {
    const { at, ticks } = linear(0, 50_176, [0, 640], 'across')
    expect([at(0), at(50_176)]).toEqual([0, 640])
    expect(ticks).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000])
  })

  test('a ratio takes the same room anywhere on a logarithmic axis', () => {
    const { at, ticks } = logarithmic(1, 1000, [0, 300], 'across')
    expect(at(10) - at(1)).toBeCloseTo(100)
    expect(at(1000) - at(100)).toBeCloseTo(100)
    expect(ticks).toEqual([1, 10, 100, 1000])
  })

  test('between powers of ten there are 2 and 5 where there is room, and of many powers not all', () => {
    expect(logarithmic(1, 10, [0, 600], 'across').ticks).toEqual([1, 2, 5, 10])
    expect(logarithmic(1, 1e9, [0, 300], 'across').ticks.length).toBeLessThanOrEqual(4)
  })
})

describe('the roofline', () => {
  const chip: Chip = {
    id: 'x',
    label: 'X',
    targets: [],
    macsPerSecond: { float32: 1e9, int8: 4e9 },
    bytesPerSecond: 1e9,
    sources: ['by hand'],
  }
  // A million multiply-accumulates over a thousand numbers, and the reverse.
  const dense = { node: 'a', op: 'Conv', live: 0, macs: 1e6, moved: 1e3 }
  const light = { node: 'b', op: 'Add', live: 0, macs: 0, moved: 1e6 }

  test('is the slope of the bandwidth up to the peak', () => {
    const roof = { macsPerSecond: 1e9, bytesPerSecond: 1e8 }
    expect(attainable(roof, 5)).toBe(5e8)
    expect(attainable(roof, 50)).toBe(1e9)
    expect(attainable({ ...roof, bytesPerSecond: null }, 0.1)).toBe(1e9)
    expect(intensityOf(dense, 'float32')).toBe(250)
    expect(intensityOf(dense, 'int8')).toBe(1000)
  })

  test('each node takes the longer of its work and its traffic', () => {
    expect(leastMs([dense, light], chip, 'float32')).toBeCloseTo(1 + 4)
    expect(leastMs([dense, light], chip, 'int8')).toBeCloseTo(0.25 + 1)
    expect(leastMs([dense, light], { ...chip, bytesPerSecond: null }, 'int8')).toBeCloseTo(0.25)
    expect(leastMs([dense], chip, 'float16')).toBe(null)
  })

  test('pairs that stand between integers are no work of their own', () => {
    const pair = { ...light, op: 'QuantizeLinear' }
    expect(leastMs([dense, pair], chip, 'int8')).toBeCloseTo(0.25)
  })
})

test('those that bear least come first, whatever was not measured', () => {
  const rows = [{ db: [40, 30] }, { db: [20, null] }, { db: [25, 5] }]
  expect(leastFirst(rows, row => row.db).map(({ db }) => db[0])).toEqual([25, 20, 40])
})

test('what a search has measured becomes curves from many bits to few', () => {
  const sensitivity = { a: { int4: { sqnrDb: 20, kl: null }, int8: { sqnrDb: 40, kl: null } }, b: {} }
  const report = {
    steps: [{ do: 'search', samples: 32, found: { sensitivity, judgedOn: 8 } }],
    layers: [{ node: 'a', op: 'Conv' }],
    bundles: [{ target: 'onnxruntime' }],
  } as unknown as Report
  expect(fromSearch(report)).toMatchObject({
    formats: ['int8', 'int4'],
    samples: 32,
    layers: [
      { node: 'a', op: 'Conv', sqnrDb: [40, 20] },
      { node: 'b', sqnrDb: [null, null] },
    ],
  })
  expect(fromSearch({ ...report, steps: [{ do: 'quantize' }] })).toBe(null)
})

describe('a wish', () => {
  const target: Given['target'] = {
    id: 'onnxruntime',
    label: '',
    vendor: '',
    forms: [],
    weights: ['int8', 'int4'],
    ranOnItsRuntime: true,
    caution: null,
  }
  const recipe: Recipe = { thimble: 1, seed: 7, steps: [{ do: 'cut', outputs: ['y'] }, { do: 'quantize' }] }
  const given: Given = { parameters: 1_000_000, target, speed: null }
  const stepsFor = (wish: Wish, more: Partial<Given> = {}) =>
    planned(recipe, planFor(wish, { ...given, ...more })).steps

  test.each<[Wish, object]>([
    [{ kind: 'bytes', kilobytes: 800 }, { bytes: 800_000 }],
    [{ kind: 'loss', points: 0.5 }, { loss: 0.5 }],
    [{ kind: 'latency', ms: 4 }, { latencyMs: 4 }],
  ])('%o is a search within it, and the cuts and the seed stay', (wish, keep) => {
    const made = planned(recipe, planFor(wish, given))
    expect(made.seed).toBe(7)
    expect(made.steps.map(step => step.do)).toEqual(['cut', 'optimize', 'search', 'evaluate', 'export'])
    expect(checkRecipe(made).steps[2]).toMatchObject({ keep, formats: ['int4', 'int8', 'float32'] })
  })

  test('of a size that few bits do not reach, channels are pruned first', () => {
    const steps = stepsFor({ kind: 'bytes', kilobytes: 230 })
    expect(steps[2]).toEqual({ do: 'prune', budget: { of: 'parameters', share: 0.4 } })
    expect(() => checkRecipe({ ...recipe, steps })).not.toThrow()
    // A target of eight bits only is at its least earlier.
    const eight = { target: { ...target, weights: ['int8'] } }
    expect(stepsFor({ kind: 'bytes', kilobytes: 800 }, eight)[2].do).toBe('prune')
  })

  test('as fast as it gets: layers that were slower in eight bits here stay in float', () => {
    const layer = (node: string, float32: number, int8: number) => ({
      node,
      op: 'Conv',
      macs: 1,
      moved: 1,
      ms: { float32, int8 },
    })
    const machine = { macsPerSecond: { float32: 1, int8: 1 }, bytesPerSecond: 1 }
    const mixed = { machine, layers: [layer('a', 2, 1), layer('b', 1, 2)] }
    const steps = stepsFor({ kind: 'fastest' }, { speed: mixed })
    expect(steps[2]).toEqual({ do: 'quantize', layers: { b: { float: true } } })
    expect(() => checkRecipe({ ...recipe, steps })).not.toThrow()
    const slow = { machine, layers: [layer('b', 1, 2)] }
    expect(stepsFor({ kind: 'fastest' }, { speed: slow }).map(step => step.do)).toEqual([
      'cut',
      'optimize',
      'evaluate',
      'export',
    ])
    expect(stepsFor({ kind: 'fastest' })[2]).toEqual({ do: 'quantize' })
  })
})
