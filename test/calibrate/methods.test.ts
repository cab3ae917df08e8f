// Ranges against NumPy's on the elements themselves: np.percentile; brute force over 181 thresholds for the errors; 2,048 bins for KL.
import { describe, expect, test } from 'vitest'
import { createKernels } from '../../kernels/lib/backends.ts'
import { formFor } from '../../src/stages/calibrate/forms.ts'
import { findMethod } from '../../src/stages/calibrate/index.ts'
import { bestPrefix } from '../../src/stages/calibrate/kl.ts'
import reference from './reference.json' with { type: 'json' }
import { affine, laplace, logistic, observed, rectified, symmetric, withOutlier } from './samples.ts'

const near = (got: number, expected: number, share: number): void => {
  expect(Math.abs(got - expected), `${got}, expected ${expected}`).toBeLessThanOrEqual(share * Math.abs(expected))
}

describe('percentile', () => {
  const percentile = findMethod('percentile')
  test.each([
    [99.9, 6.897814750671387],
    [99.99, 9.11504077911377],
  ])('an affine format loses half of the share at each end: %s of a Laplace distribution', async (p, expected) => {
    const { min, max } = percentile.range(await observed(laplace), affine, { percentile: p })
    near(min, -expected, 0.004)
    near(max, expected, 0.004)
  })
  test.each([
    [99.9, 7.5904669761657715],
    [99.99, 9.80814266204834],
  ])('a symmetric format loses all of it of |x|: %s of a logistic distribution', async (p, expected) => {
    near(percentile.range(await observed(logistic), symmetric, { percentile: p }).max, expected, 0.004)
  })
  test.each([
    [99.9, 6.9017720222473145],
    [99.99, 9.161455154418945],
    [99.999, 11.107457160949707],
  ])('rectified data lose all of it at the top: %s', async (p, expected) => {
    const observation = await observed(rectified)
    near(percentile.range(observation, affine, { percentile: p }).max, expected, 0.004)
    near(percentile.range(observation, symmetric, { percentile: p }).max, expected, 0.004)
  })
  test('100 is the whole range', async () => {
    expect(percentile.range(await observed(laplace), affine, { percentile: 100 }).max).toBe(laplace[laplace.length - 1])
  })
})

describe('least error', () => {
  test.each([
    ['mse', 'Laplace, symmetric', laplace, symmetric, 9.785986375808715],
    ['mse', 'Laplace, affine', laplace, affine, 9.785986375808715],
    ['mse', 'logistic, symmetric', logistic, symmetric, 10.375157833099365],
    ['mse', 'rectified, symmetric', rectified, symmetric, 10.375157833099365],
    ['mse', 'rectified, affine', rectified, affine, 11.473703956604004],
    ['mse', 'Laplace with an outlier, symmetric', withOutlier(laplace), symmetric, 9.785986375808715],
    ['lp2.4', 'Laplace, symmetric', laplace, symmetric, 10.764585013389587],
    ['lp2.4', 'logistic, symmetric', logistic, symmetric, 11.4126736164093],
    ['lp2.4', 'rectified, symmetric', rectified, symmetric, 11.4126736164093],
  ] as const)('%s: %s', async (id, _, data, spec, expected) => {
    near(findMethod(id).range(await observed(data), spec, {}).max, expected, 0.01)
  })

  test('the error by cells is that of the elements: the chosen scale is as good as the best of 400 on exact elements', async () => {
    const kernels = await createKernels('wasm')
    const { max } = findMethod('mse').range(await observed(logistic), symmetric, {})
    const scales = Float32Array.from({ length: 400 }, (_, i) => (12.2 * (0.2 + 0.002 * i)) / 127)
    const best = kernels.scaleErrors(logistic, scales, 127).reduce((a, b) => Math.min(a, b))
    const chosen = kernels.scaleErrors(logistic, Float32Array.of(max / 127), 127)[0]
    expect(chosen).toBeLessThan(1.005 * best)
  })
})

describe('entropy', () => {
  // counts a // (k + b)^2 of bin k, and what a plain NumPy loop over all candidates chooses
  const bins = (f: (k: number) => number): Float64Array => Float64Array.from({ length: 2048 }, (_, k) => f(k))
  const narrow = bins(k => Math.floor(5e8 / (k + 20) ** 2))
  const gappy = bins(k => (k % 3 === 1 ? 0 : Math.floor(8e7 / (k + 50) ** 2)))
  const wide = bins(k => Math.floor(3e9 / (k + 400) ** 2) + (k % 11 === 0 ? 1 : 0))
  test.each([
    ['narrow, 128 levels', narrow, 0, 128, 1919],
    ['narrow, 256 levels', narrow, 0, 256, 2047],
    ['gappy, 128 levels', gappy, 5, 128, 2047],
    ['gappy, 256 levels', gappy, 0, 256, 2047],
    ['wide, 100 beyond', wide, 100, 128, 2048],
    ['wide, 64 levels', wide, 0, 64, 2048],
  ] as const)('keeps as many bins as the plain search: %s', (_, counts, beyond, levels, kept) => {
    expect(bestPrefix(counts, beyond, levels)).toBe(kept)
  })

  test.each([
    ['Laplace', laplace, 9.907974243164062],
    ['Laplace with an outlier', withOutlier(laplace), 9.907974243164062],
    ['logistic', logistic, 11.112408638000488],
    ['rectified', rectified, 11.112408638000488],
  ] as const)(
    'cut from float-bit bins, the threshold is near that of 2,048 linear ones: %s',
    async (_, data, expected) => {
      near(findMethod('kl').range(await observed(data), symmetric, {}).max, expected, 0.06)
    },
  )

  test('keeps 99 % where the plain search would keep one heap of two, or leave the background of a real layer alone', () => {
    for (const name of ['two heaps', 'digits /stem/Conv_output_0']) {
      const { absolute } = reference.cases.find(c => c.name === name)!
      const counts = Float64Array.from(absolute.split(' '), Number)
      const total = counts.reduce((a, b) => a + b)
      for (const levels of [128, 256]) {
        const kept = counts.subarray(0, bestPrefix(counts, 0, levels)).reduce((a, b) => a + b)
        expect(kept / total, name).toBeGreaterThanOrEqual(0.99)
      }
    }
  })

  test('differs from min-max on a tensor with outliers, in every form', async () => {
    const observation = await observed(Float32Array.from([...laplace, 60, -75, 300]))
    const { max } = findMethod('minmax').range(observation, symmetric, {})
    expect(max).toBe(300)
    for (const form of ['auto', 'tensorrt', 'ncnn', 'onnxruntime'])
      expect(findMethod('kl').range(observation, symmetric, { form }).max, form).toBeLessThan(0.25 * max)
  })

  test('one wild value alone makes the form of TensorRT min-max, as it does the original; not ours', async () => {
    const observation = await observed(withOutlier(laplace))
    expect(findMethod('kl').range(observation, symmetric, { form: 'tensorrt' }).max).toBe(1e4)
    expect(findMethod('kl').range(observation, symmetric, {}).max).toBeLessThan(12)
  })

  test('with fewer occupied bins than levels nothing is clipped', async () => {
    expect(findMethod('kl').range(await observed([1, 2, 3, 50]), symmetric, {}).max).toBe(50)
  })
})

describe('forms of the tools, cut from float-bit bins', () => {
  // Five elements lie beyond the affine percentile, 0.2 apart, and the squared error is flat about its least: hence 3 %.
  test.each([
    ['percentile', 'tensorrt', symmetric],
    ['percentile', 'onnxruntime', symmetric],
    ['percentile', 'onnxruntime', affine],
    ['mse', 'tensorrt', symmetric],
  ] as const)('%s of %s is near ours', async (id, form, spec) => {
    const observation = await observed(logistic)
    const ours = findMethod(id).range(observation, spec, {})
    near(findMethod(id).range(observation, spec, { form }).max, ours.max, 0.03)
  })

  test.each([
    ['minmax', 'ncnn', 'auto'], // the same in all
    ['kl', 'auto', 'tensorrt'], // the target's
    ['kl', 'ncnn', 'ncnn'],
    ['percentile', 'auto', 'auto'],
    ['percentile', 'onnxruntime', 'onnxruntime'],
  ] as const)('%s asked for %s on a target of TensorRT is %s', (id, asked, form) => {
    expect(formFor(findMethod(id), asked, 'tensorrt')).toBe(form)
  })
  test('one that a method does not have is refused', () => {
    expect(() => formFor(findMethod('mse'), 'ncnn')).toThrow(expect.objectContaining({ code: 'bad-recipe' }))
  })
})

describe('moving average', () => {
  const ema = findMethod('ema')
  test('of the first batches is their mean', async () => {
    expect(ema.range(await observed([0, 1], [-2, 3], [-1, 2]), affine, {})).toEqual({ min: -1, max: 2 })
  })
  test('of many batches gives each new one a hundredth', async () => {
    const batches = [...new Array(100).fill([0, 1]), [0, 101]]
    expect(ema.range(await observed(...batches), affine, {}).max).toBeCloseTo(2, 12)
  })
  test('passes over batches without a finite element', async () => {
    expect(ema.range(await observed([NaN], [1, 5]), affine, {})).toEqual({ min: 1, max: 5 })
  })
})

test('an unknown method is refused by the names of those that there are', () => {
  expect(() => findMethod('median')).toThrow(
    expect.objectContaining({ code: 'bad-recipe', hint: expect.stringContaining('percentile') }),
  )
})

test('KL keeps what saturates at the largest value, as white pixels do', async () => {
  // A fifteenth of all lies at 10 itself, far beyond the rest: to cut it would cost far more than wider steps do.
  const saturated = Float32Array.from({ length: 30_000 }, (_, i) => (i % 15 === 0 ? 10 : 3 * ((i * 0.618034) % 1)))
  expect(findMethod('kl').range(await observed(saturated), affine, {}).max).toBe(10)
})
