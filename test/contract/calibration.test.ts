// What every calibration method must do, whatever the data.
import { describe, expect, test } from 'vitest'
import { defaultsOf } from '../../src/base/options.ts'
import { paramsFromRange } from '../../src/ir/quant.ts'
import { methods } from '../../src/stages/calibrate/index.ts'
import type { CalibrationMethod } from '../../src/stages/calibrate/types.ts'
import { affine, laplace, observed, rectified, symmetric, withOutlier } from '../calibrate/samples.ts'

const odd: Record<string, number[]> = {
  empty: [],
  'one element': [3],
  constant: new Array(500).fill(1.5),
  'constant and negative': new Array(500).fill(-2),
  'all zero': new Array(100).fill(0),
  'negative zeros': new Array(100).fill(-0),
  'NaN only': [NaN, NaN],
  'NaN among others': [1, NaN, -2, 3],
  'infinities only': [Infinity, -Infinity],
  'infinities among others': [Infinity, 2, -1, -Infinity],
  'as small as can be': [1e-45, -1e-45, 1e-40],
  'as large as can be': [3.4e38, -3.4e38, 1],
  'one-sided': [1, 2, 3, 4, 5],
  'negative and far from zero': [-1000, -1001, -1002],
  'many and far from zero': Array.from({ length: 20_000 }, (_, i) => 5 + 5 * ((i * 0.618034) % 1)),
  'many at both ends and none between': Array.from(
    { length: 20_000 },
    (_, i) => (i % 2 ? 1 : -1) * (90 + (i % 977) / 97.7),
  ),
  'half of them NaN': Array.from({ length: 2000 }, (_, i) => (i % 2 ? NaN : i / 500)),
  'nearly all zero': Array.from({ length: 20_000 }, (_, i) => (i % 500 ? 0 : i / 7000)),
}

/** Every method in each of its forms: our own, and those of the runtimes' tools. */
const formsOf = (method: CalibrationMethod): readonly string[] =>
  method.options.form?.kind === 'choice' ? method.options.form.choices : ['auto']
const kinds = methods.flatMap(method => formsOf(method).map(form => [method.id, form, method] as const))

describe.each(kinds)('%s, form %s', (_, form, method: CalibrationMethod) => {
  const options = { ...defaultsOf(method.options), form }
  for (const [specName, spec] of Object.entries({ symmetric, affine })) {
    test.each(Object.keys(odd))(`gives a finite range within what was seen, ${specName}: %s`, async name => {
      const observation = await observed(odd[name])
      const { min, max } = method.range(observation, spec, options)
      expect(Number.isFinite(min) && Number.isFinite(max), `${min}, ${max}`).toBe(true)
      expect(min).toBeLessThanOrEqual(max)
      expect(min).toBeGreaterThanOrEqual(observation.min)
      expect(max).toBeLessThanOrEqual(observation.max)
      const { scale, zeroPoint } = paramsFromRange({ min, max }, spec)
      expect(scale).toBeGreaterThan(0)
      expect(Number.isFinite(scale)).toBe(true)
      expect(Number.isInteger(zeroPoint)).toBe(true)
    })

    test(`one constant keeps its value, ${specName}`, async () => {
      const { max } = method.range(await observed(odd.constant), spec, options)
      expect(max).toBeCloseTo(1.5, 1)
    })

    test.each(['many and far from zero', 'many at both ends and none between'])(
      `keeps most of what there is, ${specName}: %s`,
      async name => {
        const observation = await observed(odd[name])
        const { min, max } = method.range(observation, spec, options)
        const kept = odd[name].filter(x => x >= min && x <= max).length
        expect(kept / odd[name].length, `${min}, ${max}`).toBeGreaterThan(0.9)
      },
    )

    if (method.id !== 'ema') {
      test(`is independent of the order of the batches, ${specName}`, async () => {
        const parts = [laplace.subarray(0, 30_000), laplace.subarray(30_000, 99_999), laplace.subarray(99_999)]
        const forwards = method.range(await observed(...parts), spec, options)
        const backwards = method.range(await observed(...parts.reverse()), spec, options)
        expect(backwards).toEqual(forwards)
      })
    }

    // The tools' bins reach to the largest element, so that one wild value does blind them, as it does the originals.
    if (method.needs === 'histogram' && form === 'auto') {
      test.each([
        ['both signs', laplace],
        ['rectified', rectified],
      ] as const)(`one value of 1e4 among 100,000 does not blind it, ${specName}: %s`, async (_name, data) => {
        const without = method.range(await observed(data), spec, options)
        const having = method.range(await observed(withOutlier(data)), spec, options)
        expect(having.max).toBeGreaterThan(0.9 * without.max)
        expect(having.max).toBeLessThan(1.1 * without.max)
      })
    }
  }
})
