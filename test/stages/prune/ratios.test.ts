// How many channels each group loses, on problems small enough to look through all answers.
import { describe, expect, test } from 'vitest'
import { createRng } from '../../../src/base/rng.ts'
import {
  byRank,
  byThreshold,
  type Curve,
  closeIn,
  equally,
  lossAt,
  monotone,
  type Problem,
  stepsOf,
  utmost,
} from '../../../src/stages/prune/ratios.ts'

/** Two layers in a row: the middle one costs the product of the two widths. */
function problem(wanted: number, multiple = 1): Problem {
  const curve = (group: string, size: number, factor: number): Curve => ({
    group,
    size,
    points: [0.25, 0.5, 0.75].map(share => ({ gone: share * size, loss: factor * share * share })),
  })
  const cost = (a: number, b: number): number => 9 * a + a * b + 10 * b
  return {
    curves: [curve('a', 32, 1), curve('b', 64, 0.1)],
    multiple,
    saved: gone => cost(32, 64) - cost(32 - (gone.get('a') ?? 0), 64 - (gone.get('b') ?? 0)),
    wanted,
    slack: Number.POSITIVE_INFINITY,
  }
}
const total = problem(0).saved(
  new Map([
    ['a', 32],
    ['b', 64],
  ]),
)
const lossOf = (p: Problem, gone: ReadonlyMap<string, number>): number =>
  p.curves.reduce((sum, c) => sum + lossAt(c, gone.get(c.group) ?? 0), 0)

test('losses never fall', () => {
  const points = [3, 1, 2, 6].map((loss, i) => ({ gone: i + 1, loss }))
  expect(monotone(points).map(p => p.loss)).toEqual([2, 2, 2, 6])
})

test('between measured numbers the loss is drawn straight, and beyond them four times as steep', () => {
  const curve: Curve = {
    group: 'a',
    size: 20,
    points: [
      { gone: 4, loss: 1 },
      { gone: 8, loss: 3 },
    ],
  }
  expect([0, 2, 4, 6, 8, 9].map(gone => lossAt(curve, gone))).toEqual([0, 0.5, 1, 2, 3, 5])
})

test('multiples of channels are left, at least one, or all', () => {
  expect(stepsOf(20, 8)).toEqual([0, 4, 12])
  expect(stepsOf(16, 8)).toEqual([0, 8])
  expect(stepsOf(8, 8)).toEqual([0])
  expect(stepsOf(3, 1)).toEqual([0, 1, 2])
})

describe.each([
  ['equal', equally],
  ['threshold', byThreshold],
  [
    'rank',
    (p: Problem) => byRank(p, new Map(p.curves.map(c => [c.group, Array.from({ length: c.size }, (_, i) => i)]))),
  ],
  ['greedy', () => new Map<string, number>()],
] as const)('%s, closed in', (_, start) => {
  test.for([0.1, 0.3, 0.5, 0.8])('saves %d of all, and no channel more than it must', share => {
    const p = problem(share * total)
    const gone = closeIn(p, start(p))
    expect(p.saved(gone)).toBeGreaterThanOrEqual(p.wanted)
    for (const { group } of p.curves) {
      const count = gone.get(group) ?? 0
      if (count > 0) expect(p.saved(new Map([...gone, [group, count - 1]]))).toBeLessThan(p.wanted)
    }
  })
})

test('step by step, what is lost is within a tenth of the least that all choices can do', () => {
  const rng = createRng(3)
  for (let i = 0; i < 10; i++) {
    const p = problem((0.1 + 0.7 * rng.uniform()) * total)
    let least = Number.POSITIVE_INFINITY
    for (let a = 0; a < 32; a++)
      for (let b = 0; b < 64; b++) {
        const gone = new Map([
          ['a', a],
          ['b', b],
        ])
        if (p.saved(gone) >= p.wanted) least = Math.min(least, lossOf(p, gone))
      }
    expect(lossOf(p, closeIn(p, new Map()))).toBeLessThan(1.1 * least)
  }
})

test('where single channels are too coarse, two groups are balanced until it fits', () => {
  for (const share of [0.2, 0.35, 0.5, 0.65]) {
    const p = { ...problem(share * total), slack: 0.005 * total }
    const gone = closeIn(p, new Map())
    expect(p.saved(gone)).toBeGreaterThanOrEqual(p.wanted)
    expect(p.saved(gone)).toBeLessThanOrEqual(p.wanted + p.slack)
  }
})

test('what cannot be saved leaves one multiple of every group', () => {
  const p = problem(2 * total, 8)
  expect(closeIn(p, new Map())).toEqual(utmost(p))
})
