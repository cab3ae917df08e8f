// What is shown of a sample in training: the classes of two that were joined have the shares that one sees of them.
import { expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { floats } from '../../src/ir/tensor.ts'
import { showing } from '../../src/recipe/steps/shown.ts'
import type { Augmentation } from '../../src/stages/train/augment.ts'

const [count, side] = [40, 16]
// Each image is of one colour, its own number.
const samples = Array.from({ length: count }, (_, index) => ({
  name: `${index}`,
  index,
  label: index,
  feeds: { x: floats([1, 1, side, side], new Float32Array(side * side).fill(index)) },
}))
const shownOf = (chosen: Augmentation[], views = 0) =>
  showing(samples, { chosen: new Set(chosen), views }, createRng(3))

test('every second has a part of another, as large as its share says', () => {
  const show = shownOf(['cutmix'])
  let joined = 0
  for (const { index } of samples)
    for (const time of [0, 1, 2, 3]) {
      const { sample, parts } = show(index, time)
      expect(parts.reduce((sum, [, share]) => sum + share, 0)).toBeCloseTo(1, 10)
      expect(parts[0][0].label).toBe(index)
      if (parts.length === 1 || parts[1][0].label === index) continue
      joined++
      const pixels = sample.feeds.x.data as Float32Array
      const own = pixels.filter(x => x === index).length / pixels.length
      expect(pixels.every(x => x === index || x === parts[1][0].label)).toBe(true)
      // An edge lies between two pixels.
      expect(Math.abs(own - parts[0][1])).toBeLessThanOrEqual(2 / side)
    }
  expect(joined / (4 * count)).toBeGreaterThan(0.35)
  expect(joined / (4 * count)).toBeLessThan(0.6)
})

test('with mix-up too, the others are mixed', () => {
  const show = shownOf(['cutmix', 'mixup'])
  const shown = samples.map(({ index }) => show(index, 0))
  expect(shown.every(({ parts }) => parts.length === 2)).toBe(true)
  const values = shown.map(({ sample }) => new Set(sample.feeds.x.data as Float32Array).size)
  expect(new Set(values)).toEqual(new Set([1, 2]))
})

test('a version that comes again is shown as it was, under the same key', () => {
  const show = shownOf(['crop', 'color', 'cutmix'], 2)
  for (const { index } of samples) {
    const [first, second, third] = [0, 1, 2].map(time => show(index, time))
    expect(third.key).toBe(first.key)
    expect(second.key).not.toBe(first.key)
    expect(third.sample.feeds).toEqual(first.sample.feeds)
  }
})
