// Measured errors drawn towards foretold ones: none of it where samples are sure, all of it where they tell nothing.
import { expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { type Judged, shrunk } from '../../src/stages/search/shrink.ts'

const least = (errors: readonly number[]): number => errors.indexOf(Math.min(...errors))

test('where all samples say the same, measured errors stand', () => {
  const candidates = [5, 1, 3, 4, 2].map(error => ({ predicted: 1, errors: Array<number>(20).fill(error) }))
  const found = shrunk(candidates)
  expect([...found].sort((a, b) => a - b)).toEqual([1, 4, 2, 3, 0].map(i => found[i]))
  expect(found[0] / found[1]).toBeCloseTo(5, 6)
})

test('three candidates are too few to tell how much to trust samples', () => {
  const candidates = [3, 1, 2].map((predicted, i) => ({ predicted, errors: [1 + i, 2] }))
  expect(shrunk(candidates)).toEqual([3, 4, 5])
})

test('a candidate without any error is the best of all', () => {
  const candidates = [1, 2, 3, 4].map(predicted => ({ predicted, errors: predicted === 3 ? [0, 0] : [1, 1] }))
  expect(least(shrunk(candidates))).toBe(2)
})

test('of candidates that are as good as foretold, it takes a better one than few samples alone would', () => {
  const rng = createRng(7, 'candidates')
  const exponential = (): number => -Math.log((1 + rng.below(1_000_000)) / 1_000_001)
  const taken = { measured: 0, shrunk: 0 }
  for (let round = 0; round < 200; round++) {
    const truth = Array.from({ length: 7 }, (_, i) => 1 + 0.05 * i)
    const candidates: Judged[] = truth.map(t => ({
      predicted: t,
      errors: Array.from({ length: 32 }, () => t * exponential()),
    }))
    const sums = candidates.map(c => c.errors.reduce((a, b) => a + b, 0))
    taken.measured += truth[least(sums)]
    taken.shrunk += truth[least(shrunk(candidates))]
  }
  expect(taken.shrunk).toBeLessThan(taken.measured - 5)
})
