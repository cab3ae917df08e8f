// The plan of the arena: nothing that is needed at the same time overlaps, and little is lost.
import { expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { planArena, type Span } from '../../src/exporters/c/arena.ts'

function spansOf(seed: number): Span[] {
  const rng = createRng(seed, 'spans')
  return Array.from({ length: 2 + rng.below(40) }, (_, i) => {
    const from = rng.below(1 + i)
    return { bytes: 1 + rng.below(5000), from, to: from + 1 + rng.below(rng.below(4) === 0 ? 20 : 3) }
  })
}

test('random lifetimes never overlap in memory, and no plan beats the bound', () => {
  for (let seed = 0; seed < 200; seed++) {
    const spans = spansOf(seed)
    const { offsets, bytes, bound } = planArena(spans)
    expect(bytes).toBeGreaterThanOrEqual(bound)
    for (const [i, a] of spans.entries()) {
      expect(offsets[i] + a.bytes).toBeLessThanOrEqual(bytes)
      for (const [k, b] of spans.entries()) {
        const together = i !== k && a.from <= b.to && b.from <= a.to
        if (together) expect(offsets[i] + a.bytes <= offsets[k] || offsets[k] + b.bytes <= offsets[i]).toBe(true)
      }
    }
  }
})

test('a chain needs its widest pair, and no more', () => {
  const sizes = [100, 800, 300, 700, 200, 400]
  const chain = sizes.map((bytes, i): Span => ({ bytes, from: i, to: i + 1 }))
  expect(planArena(chain)).toMatchObject({ bytes: 1100, bound: 1100 })
})

test('a residual network stays at its bound', () => {
  // Each block keeps its input until the sum behind two layers.
  const spans = Array.from({ length: 9 }, (_, block): Span[] => [
    { bytes: 16384 >> Math.floor(block / 3), from: 3 * block, to: 3 * block + 2 },
    { bytes: 16384 >> Math.floor(block / 3), from: 3 * block, to: 3 * block + 1 },
    { bytes: 16384 >> Math.floor(block / 3), from: 3 * block + 1, to: 3 * block + 2 },
  ]).flat()
  const { bytes, bound } = planArena(spans)
  expect(bytes).toBe(bound)
})

test('nothing needs nothing', () => {
  expect(planArena([])).toEqual({ offsets: [], bytes: 0, bound: 0 })
})
