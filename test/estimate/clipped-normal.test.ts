// Clipped normal variables: moments against numeric integration, and how far channels reach.
import { describe, expect, test } from 'vitest'
import { clippedMoments, momentsOf, reachOf, unclipped } from '../../src/ir/channel-normals.ts'

const infinite = Number.POSITIVE_INFINITY

/** Mean and variance of clip(N(mean, deviation^2)) by the midpoint rule over twelve deviations on either side. */
function integrated(mean: number, deviation: number, low: number, high: number): { mean: number; variance: number } {
  const steps = 400_000
  const [from, width] = [mean - 12 * deviation, 24 * deviation]
  let [weight, first, second] = [0, 0, 0]
  for (let i = 0; i < steps; i++) {
    const x = from + (width * (i + 0.5)) / steps
    const z = (x - mean) / deviation
    const p = Math.exp((-z * z) / 2)
    const y = Math.min(high, Math.max(low, x))
    weight += p
    first += p * y
    second += p * y * y
  }
  const m = first / weight
  return { mean: m, variance: second / weight - m * m }
}

describe('moments of a clipped normal variable', () => {
  test.each([
    ['not clipped', 0.3, 1.2, -infinite, infinite],
    ['Relu around zero', 0.2, 1, 0, infinite],
    ['Relu, mostly cut off', -2.5, 1, 0, infinite],
    ['Relu, hardly cut off', 4, 0.7, 0, infinite],
    ['Relu6', 3, 4, 0, 6],
    ['Relu6, mostly saturated', 8, 1.5, 0, 6],
    ['Relu6, far below', -9, 2, 0, 6],
    ['from above alone', 1, 2, -infinite, 0.5],
    ['a narrow band', 0, 1, -0.01, 0.02],
  ])('%s', (_, mean, deviation, low, high) => {
    const exact = integrated(mean, deviation, low, high)
    const found = clippedMoments(mean, deviation, low, high)
    expect(found.mean).toBeCloseTo(exact.mean, 7)
    expect(found.variance).toBeCloseTo(exact.variance, 7)
  })

  test('are those of a constant where nothing deviates', () => {
    expect(clippedMoments(-3, 0, 0, 6)).toEqual({ mean: 0, variance: 0 })
    expect(clippedMoments(2, 0, 0, 6)).toEqual({ mean: 2, variance: 0 })
    expect(clippedMoments(9, 0, 0, 6)).toEqual({ mean: 6, variance: 0 })
  })

  test('stay within the bounds, and finite, however far the mean is beyond them', () => {
    for (const mean of [-1e6, -50, 50, 1e6]) {
      const { mean: m, variance } = clippedMoments(mean, 1, 0, 6)
      expect(m).toBeGreaterThanOrEqual(0)
      expect(m).toBeLessThanOrEqual(6)
      expect(variance).toBeGreaterThanOrEqual(0)
      expect(variance).toBeLessThan(1e-3)
    }
  })

  test('come channel by channel', () => {
    const channels = { ...unclipped(1, Float64Array.of(0, 5), Float64Array.of(1, 2)), low: new Float64Array(2) }
    const { mean, variance } = momentsOf(channels)
    // Of Relu(N(0, 1)): 1 / sqrt(2 pi), and 1/2 less its square.
    expect(mean[0]).toBeCloseTo(1 / Math.sqrt(2 * Math.PI), 12)
    expect(variance[0]).toBeCloseTo(0.5 - 1 / (2 * Math.PI), 12)
    expect(mean[1]).toBeGreaterThan(5)
  })
})

test('channels reach so many deviations from their means, and no further than their bounds', () => {
  const channels = unclipped(1, Float64Array.of(1, -2), Float64Array.of(0.5, 0.25))
  expect(reachOf(channels, 6)).toEqual({ min: -3.5, max: 4 })
  expect(reachOf({ ...channels, low: Float64Array.of(0, 0), high: Float64Array.of(3, 3) }, 6)).toEqual({
    min: 0,
    max: 3,
  })
  expect(reachOf(unclipped(1, new Float64Array(0), new Float64Array(0)), 6)).toEqual({ min: 0, max: 0 })
})
