// What every calibration method must do, whatever the data.
import { describe, expect, test } from 'vitest'
import { defaultsOf } from '../../src/base/options.ts'
import { paramsFromRange } from '../../src/ir/quant.ts'
import { methods } from '../../src/stages/calibrate/index.ts'
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
}

describe.each(methods.map(m => [m.id, m] as const))('%s', (_, method) => {
  const options = defaultsOf(method.options)
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

    if (method.id !== 'ema') {
      test(`is independent of the order of the batches, ${specName}`, async () => {
        const parts = [laplace.subarray(0, 30_000), laplace.subarray(30_000, 99_999), laplace.subarray(99_999)]
        const forwards = method.range(await observed(...parts), spec, options)
        const backwards = method.range(await observed(...parts.reverse()), spec, options)
        expect(backwards).toEqual(forwards)
      })
    }

    if (method.needs === 'histogram') {
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
