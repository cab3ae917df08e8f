// The knapsack against every choice there is, on small random cases; bisection and the front on made-up rows.
import { describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { firstThatMeets } from '../../src/stages/search/bisect.ts'
import { front, knapsack, pointOf } from '../../src/stages/search/knapsack.ts'
import { paretoFront } from '../../src/stages/search/pareto.ts'
import type { Layers, Point } from '../../src/stages/search/types.ts'

function* everyChoice(layers: Layers, k = 0): Iterable<number[]> {
  if (k === layers.length) yield []
  else for (const i of layers[k].keys()) for (const rest of everyChoice(layers, k + 1)) yield [i, ...rest]
}
const everyPoint = (layers: Layers): Point[] => [...everyChoice(layers)].map(choice => pointOf(layers, choice))

/** Costs are whole multiples of 16, so that rounding to 1/4096 of a budget of 4096 or 1024 loses nothing. */
function randomLayers(seed: number): Layers {
  const rng = createRng(seed, 'layers')
  return Array.from({ length: 1 + rng.below(5) }, () =>
    Array.from({ length: 1 + rng.below(4) }, () => ({ cost: 16 * rng.below(40), score: rng.below(1000) / 8 })),
  )
}

describe('knapsack', () => {
  test.each(Array.from({ length: 60 }, (_, seed) => seed))('finds the best of all choices, case %i', seed => {
    const layers = randomLayers(seed)
    for (const budget of [256, 1024, 2048]) {
      const within = everyPoint(layers).filter(p => p.cost <= budget)
      const found = knapsack(layers, budget)
      if (within.length === 0) expect(found).toBeNull()
      else {
        expect(found!.cost).toBeLessThanOrEqual(budget)
        expect(found!.score).toBe(Math.min(...within.map(p => p.score)))
      }
    }
  })

  test('never goes over a budget that its units do not divide, and fills it to a unit a layer', () => {
    const rng = createRng(1, 'odd')
    const layers = Array.from({ length: 30 }, () => {
      const n = 100 + rng.below(3000)
      return [4, 5, 6, 7, 8].map(bits => ({ cost: (n * bits) / 8, score: n / (1 << bits) }))
    })
    const all = layers.reduce((sum, ways) => sum + ways[2].cost, 0)
    const found = knapsack(layers, all)!
    expect(found.cost).toBeLessThanOrEqual(all)
    expect(found.cost).toBeGreaterThan(0.99 * all)
  })

  test('takes the cheapest where nothing else fits, and says where nothing does', () => {
    const layers = [
      [
        { cost: 10, score: 0 },
        { cost: 3, score: 9 },
      ],
      [{ cost: 5, score: 1 }],
    ]
    expect(knapsack(layers, 8)!.choice).toEqual([1, 0])
    expect(knapsack(layers, 7.9)).toBeNull()
  })
})

describe('front', () => {
  test.each([1, 2, 3, 4, 5])('rises in cost and falls in score up to the best choice, case %i', seed => {
    const layers = randomLayers(seed)
    const points = front(layers)
    for (const [i, p] of points.entries()) {
      if (i > 0) expect(p.cost > points[i - 1].cost && p.score < points[i - 1].score).toBe(true)
    }
    expect(points.at(-1)!.score).toBe(Math.min(...everyPoint(layers).map(p => p.score)))
  })
})

describe('bisection', () => {
  test.each([0, 1, 6, 9])('finds the first that meets, at %i of ten', async first => {
    const tried: number[] = []
    const found = await firstThatMeets(10, async i => {
      tried.push(i)
      return i >= first
    })
    expect(found).toBe(first)
    expect(tried.length).toBeLessThanOrEqual(4)
  })
  test('finds none where none meets', async () => {
    expect(await firstThatMeets(5, async () => false)).toBeNull()
  })
})

test('the measured front leaves out what another beats in size and error', () => {
  const points = [
    { cost: 3, error: 1 },
    { cost: 1, error: 5 },
    { cost: 2, error: 6 },
    { cost: 4, error: 1 },
  ]
  expect(paretoFront(points)).toEqual([
    { cost: 1, error: 5 },
    { cost: 3, error: 1 },
  ])
})
