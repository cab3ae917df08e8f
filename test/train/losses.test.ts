// Losses and their gradients: values worked by hand, gradients beside finite differences; schedules and optimisers by their definitions.
import { describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { floats, type NdArray } from '../../src/ir/tensor.ts'
import { cutOut, mirrored, mixed, pasted, recolored, shifted, turned } from '../../src/stages/train/augment.ts'
import { lossOf, type Term } from '../../src/stages/train/losses.ts'
import { adam, follow, remembering } from '../../src/stages/train/optimizers.ts'
import { shareAt } from '../../src/stages/train/schedule.ts'

const rng = createRng(4)
const random = (...shape: number[]): NdArray =>
  floats(
    shape,
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => rng.normal()),
  )

const terms: [string, Term, NdArray, NdArray | null, [number, number][][] | null][] = [
  ['soft', { kind: 'soft', value: 'y', weight: 0.7, temperature: 3, axis: 1 }, random(3, 5), random(3, 5), null],
  [
    'steps of text',
    { kind: 'soft', value: 'y', weight: 1, temperature: 1, axis: 2 },
    random(2, 4, 5),
    random(2, 4, 5),
    null,
  ],
  ['square', { kind: 'square', value: 'y', weight: 2, unit: 0.5 }, random(3, 5), random(3, 5), null],
  ['attention', { kind: 'attention', value: 'y', weight: 2 }, random(2, 3, 2, 3), random(2, 4, 2, 3), null],
  [
    'labels',
    { kind: 'label', value: 'y', weight: 1, smoothing: 0.1 },
    random(2, 4),
    null,
    [
      [[3, 1]],
      [
        [0, 0.3],
        [2, 0.7],
      ],
    ],
  ],
]

describe.each(terms)('%s', (_, term, y, target, labels) => {
  test('the gradient is that of finite differences', () => {
    const { gradient } = lossOf(term, y, target, labels, 4)
    const x = y.data as Float32Array
    for (let i = 0; i < x.length; i++) {
      const at = (by: number): number =>
        lossOf(term, { ...y, data: x.map((v, k) => (k === i ? v + by : v)) }, target, labels, 4).loss
      expect(gradient[i]).toBeCloseTo((at(0.01) - at(-0.01)) / 0.02, 3)
    }
  })
})

test('a student that answers as its teacher has lost nothing', () => {
  const y = random(3, 5)
  expect(lossOf({ kind: 'soft', value: 'y', weight: 1, temperature: 2, axis: 1 }, y, y, null, 3).loss).toBeCloseTo(0, 9)
  expect(lossOf({ kind: 'square', value: 'y', weight: 1, unit: 1 }, y, y, null, 3).loss).toBe(0)
})

test('the cross entropy of even scores is the logarithm of the number of classes', () => {
  const term: Term = { kind: 'label', value: 'y', weight: 1, smoothing: 0 }
  expect(lossOf(term, floats([1, 4], [2, 2, 2, 2]), null, [[[1, 1]]], 1).loss).toBeCloseTo(Math.log(4), 6)
})

describe('the learning rate', () => {
  test('rises in a line, then falls along half a cosine', () => {
    expect(shareAt('cosine', 0, 100, 4, 0)).toBeCloseTo(0.2, 6)
    expect(shareAt('cosine', 4, 100, 4, 0)).toBeCloseTo(1, 5)
    expect(shareAt('cosine', 52, 100, 4, 0)).toBeCloseTo(0.5, 5)
    expect(shareAt('cosine', 76, 100, 4, 0)).toBeCloseTo(0.5 + 0.5 * Math.cos(0.75 * Math.PI), 5)
    expect(shareAt('cosine', 100, 100, 4, 0)).toBeCloseTo(0, 5)
    expect(shareAt('cosine-cubed', 4, 100, 4, 0)).toBeCloseTo(1, 4)
    expect(shareAt('cosine-cubed', 52, 100, 4, 0)).toBeCloseTo(0.125, 5)
  })

  test('falls in steps to a tenth and a hundredth', () => {
    expect([0, 49, 50, 74, 75, 99].map(s => shareAt('step', s, 100, 0, 0))).toEqual([1, 1, 0.1, 0.1, 0.01, 0.01])
  })

  test('does not fall before it may, or before the number of steps is known', () => {
    expect(shareAt('cosine', 19, 100, 4, 20)).toBe(1)
    expect(shareAt('cosine', 60, 100, 4, 20)).toBeCloseTo(0.5, 5)
    expect(shareAt('cosine', 60, null, 4, 0)).toBe(1)
  })
})

/** Of one channel, of size 1. */
const whole = { channels: Float32Array.of(1), inner: 1 }

describe('optimisers', () => {
  test('SGD gathers momentum: the second step is 1.9 times the first', () => {
    const values = Float32Array.of(0)
    const memory = remembering('sgd', 1)
    const rule = { rate: 0.5, size: whole, momentum: 0.9, decay: 0 }
    follow('sgd', memory, values, Float32Array.of(1), rule)
    expect(values[0]).toBeCloseTo(-0.5, 6)
    follow('sgd', memory, values, Float32Array.of(1), rule)
    expect(values[0]).toBeCloseTo(-0.5 - 0.95, 6)
  })

  test('the first step of Adam is the rate, whatever the size of the gradient', () => {
    for (const size of [1e-3, 1, 1e3]) {
      const values = Float32Array.of(2)
      follow('adam', remembering('adam', 1), values, Float32Array.of(size), {
        rate: 0.1,
        size: whole,
        momentum: 0,
        decay: 0,
      })
      expect(values[0]).toBeCloseTo(1.9, 3)
    }
  })

  test('Adam goes as far in each channel as its values are large', () => {
    const values = new Float32Array(8)
    const size = { channels: Float32Array.of(1, 10), inner: 2 }
    follow('adam', remembering('adam', 8), values, new Float32Array(8).fill(3), {
      rate: 0.1,
      size,
      momentum: 0,
      decay: 0,
    })
    for (const [i, want] of [-0.1, -0.1, -1, -1, -0.1, -0.1, -1, -1].entries()) expect(values[i]).toBeCloseTo(want, 5)
  })

  test('AdamW draws weights towards zero beside the gradient, Adam through it', () => {
    const rule = { rate: 0.1, size: whole, momentum: 0, decay: 0.5 }
    const [apart, through] = [Float32Array.of(2), Float32Array.of(2)]
    follow('adamw', remembering('adamw', 1), apart, Float32Array.of(0), rule)
    follow('adam', remembering('adam', 1), through, Float32Array.of(0), rule)
    expect(apart[0]).toBeCloseTo(2 * (1 - 0.05), 6)
    expect(through[0]).toBeCloseTo(1.9, 5)
  })

  test('Adam goes downhill whatever the scale of the gradients', () => {
    for (const scale of [1e-4, 1, 1e4]) {
      const values = Float32Array.of(3, -2)
      const optimizer = adam(2)
      for (let i = 0; i < 400; i++)
        optimizer.step(
          values,
          values.map(v => scale * 2 * v),
          0.05,
        )
      for (const v of values) expect(Math.abs(v)).toBeLessThan(0.05)
    }
  })
})

describe('changes of images', () => {
  const image = floats([1, 1, 2, 3], [1, 2, 3, 4, 5, 6])
  test.each([
    ['mirrored', mirrored(image), [3, 2, 1, 6, 5, 4]],
    ['shifted down and left', shifted(image, 1, -1), [0, 0, 0, 2, 3, 0]],
    ['turned by a right angle', turned(floats([1, 1, 2, 2], [1, 2, 3, 4]), 1, 1), [2, 4, 1, 3]],
    ['twice as large', turned(floats([1, 1, 1, 4], [0, 1, 2, 3]), 0, 2), [0.75, 1.25, 1.75, 2.25]],
    ['half as large, its edges mirrors', turned(floats([1, 1, 1, 4], [0, 1, 2, 3]), 0, 0.5), [0.5, 0.5, 2.5, 2.5]],
    ['cut out', cutOut(image, 1, 1, 1), [1, 2, 3, 4, 0, 6]],
    ['of twice the contrast', recolored(image, 2, [0]), [-1.5, 0.5, 2.5, 4.5, 6.5, 8.5]],
    ['a part pasted', pasted(image, mirrored(image), [0, 1], [1, 3]), [1, 2, 1, 4, 5, 6]],
    ['mixed', mixed(image, mirrored(image), 0.5), [2, 2, 2, 5, 5, 5]],
  ])('%s', (_, changed, want) => {
    expect(Array.from(changed.data as Float32Array)).toEqual(want)
  })

  test('tints are shares of how far an image goes from its means, whatever its unit', () => {
    const two = (unit: number) =>
      floats(
        [1, 2, 1, 2],
        [1, 3, 10, 14].map(x => unit * x),
      )
    const [one, large] = [1, 256].map(unit => recolored(two(unit), 1, [0.5, -1]).data as Float32Array)
    const spread = Math.sqrt((1 + 1 + 4 + 4) / 4)
    const want = [1 + spread / 2, 3 + spread / 2, 10 - spread, 14 - spread]
    for (const [i, x] of want.entries()) expect(one[i]).toBeCloseTo(x, 5)
    expect(Array.from(large)).toEqual(Array.from(one, x => 256 * x))
  })
})
