// Inputs made up for want of samples: what the input spec can give, seeded, and alike to photographs in what networks answer to.
import { describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { deadLeaves } from '../../src/data/dead-leaves.ts'
import { expectedDeviation, expectedInputs } from '../../src/data/expected-input.ts'
import { synthesise } from '../../src/data/synthesise.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Dataset, Sample } from '../../src/ir/context.ts'
import { build } from '../build.ts'

const lent = (seed = 0) => ({ rng: createRng(seed), bytes: createBytes() })
async function all(data: Dataset, count?: number): Promise<Sample[]> {
  const samples = []
  for await (const sample of data.samples({ count })) samples.push(sample)
  return samples
}
const numbers = (sample: Sample, name = 'x'): number[] => Array.from(sample.feeds[name].data as Float32Array, Number)

describe('pictures of dead leaves', () => {
  const picture = deadLeaves(48, 32, createRng(1, 'leaves'))
  const grey = (x: number, y: number): number => picture.rgba[4 * (y * 48 + x)]

  test('have every pixel, opaque, and the same for the same seed', () => {
    expect(picture.rgba.length).toBe(4 * 48 * 32)
    expect(picture.rgba.every((v, i) => i % 4 !== 3 || v === 255)).toBe(true)
    expect(deadLeaves(48, 32, createRng(1, 'leaves'))).toEqual(picture)
    expect(deadLeaves(48, 32, createRng(2, 'leaves'))).not.toEqual(picture)
  })

  test('are smooth as photographs are, and not as noise is: neighbours are far closer than pixels apart', () => {
    let [near, far, n] = [0, 0, 0]
    for (let y = 0; y < 32; y++)
      for (let x = 0; x < 24; x++) {
        near += Math.abs(grey(x, y) - grey(x + 1, y))
        far += Math.abs(grey(x, y) - grey(x + 24, y))
        n++
      }
    expect(far / n).toBeGreaterThan(10)
    expect(near).toBeLessThan(far / 2)
  })

  test('can be one pixel small', () => {
    expect(deadLeaves(1, 1, createRng(0)).rgba.length).toBe(4)
  })
})

describe('synthesised samples', () => {
  const picture = build('graph (x: f32[N,3,16,20]) -> (y) { y = Conv(x, w: f32[2,3,3,3]) }')
  const spec = {
    inputs: { x: { layout: 'NCHW' as const, color: 'RGB' as const, scale: 1 / 255, mean: [0.5], std: [0.25] } },
  }

  test('are what the spec makes of pixels', async () => {
    const data = await synthesise(picture, spec, 6, lent())
    const samples = await all(data)
    expect(samples).toHaveLength(6)
    expect(await all(data, 2)).toEqual(samples.slice(0, 2))
    const values = samples.flatMap(s => numbers(s))
    expect(samples[0].feeds.x.shape).toEqual([1, 3, 16, 20])
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-2)
    expect(Math.max(...values)).toBeLessThanOrEqual(2)
    expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(3)
  })

  test('depend on the seed and on nothing else', async () => {
    const [a, b, c] = await Promise.all(
      [0, 0, 1].map(async seed => all(await synthesise(picture, spec, 2, lent(seed)))),
    )
    expect(a).toEqual(b)
    expect(a).not.toEqual(c)
  })

  test('without a spec are noise at which the first layer gives values of about one', async () => {
    const table = build(
      'graph (x: f32[N,8]) -> (y) { y = MatMul(x, w: f32[8,2]{.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1}) }'
        .replaceAll('{.', '{0.')
        .replaceAll(',.', ',0.'),
    )
    expect(await expectedDeviation(table, 'x', createBytes())).toBeCloseTo(1 / Math.sqrt(8 * 0.01), 5)
    const values = (await all(await synthesise(table, { inputs: {} }, 300, lent()))).flatMap(s => numbers(s))
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length)
    expect(deviation).toBeGreaterThan(3.5)
    expect(deviation).toBeLessThan(9)
  })

  test('pick rows that a table has, and let every token be there', async () => {
    const text = build(`graph (ids: i64[N,S], mask: i64[N,S]) -> (y) {
      e = Gather(t: f32[5,4], ids)
      m = Cast(mask) {to=1}
      u = Unsqueeze(m, a: i64[1]{2})
      y = Mul(e, u)
    }`)
    const samples = await all(await synthesise(text, { inputs: {} }, 4, lent()))
    const ids = samples.flatMap(s => numbers(s, 'ids'))
    expect(new Set(ids)).toEqual(new Set([0, 1, 2, 3, 4]))
    expect(new Set(samples.flatMap(s => numbers(s, 'mask')))).toEqual(new Set([1]))
    expect(samples[0].feeds.ids.shape).toEqual(samples[0].feeds.mask.shape)
  })

  test('cannot be had for an input of which nothing is known', async () => {
    const model = build('graph (x: f32) -> (y) { y = Relu(x) }')
    await expect(synthesise(model, { inputs: {} }, 1, lent())).rejects.toThrow(/Nothing says what input 'x' looks like/)
  })
})

test('of pictures the spec tells range and channels', async () => {
  const model = build('graph (x: f32[N,8,8,3]) -> (y) { y = Relu(x) }')
  const spec = { inputs: { x: { layout: 'NHWC' as const, scale: 1 / 127.5, mean: [1], std: [-1] } } }
  const x = (await expectedInputs(model, spec, createBytes())).get('x')!
  expect(x.axis).toBe(3)
  expect([...x.low]).toEqual([-1, -1, -1])
  expect([...x.high]).toEqual([1, 1, 1])
})
