// What is taken for known of a value without having seen one: each of its channels is a normal variable, clipped where an activation
// function clips it (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4 and appendix C).
import { erf, exp, sqrt } from '../base/math.ts'
import type { Range } from './quant.ts'

/** Channels along `axis`: a normal variable of that mean and standard deviation, of which what lies beyond low and high is moved there. */
export interface ChannelNormals {
  axis: number
  mean: Float64Array
  deviation: Float64Array
  low: Float64Array
  high: Float64Array
}

export interface Moments {
  mean: number
  variance: number
}

const perRootTwoPi = 0.3989422804014327

const density = (x: number): number => (Number.isFinite(x) ? perRootTwoPi * exp((-x * x) / 2) : 0)
const below = (x: number): number => 0.5 * (1 + erf(x * Math.SQRT1_2))

/**
 * Mean and variance of a normal variable clipped to [low, high]; either may be infinite. With a = (low - mean) / deviation, b likewise, and
 * all measured from the mean: E y = d (phi(a) - phi(b)) + d a Phi(a) + d b Phi(-b), and E y^2 likewise.
 */
export function clippedMoments(mean: number, deviation: number, low: number, high: number): Moments {
  if (!(deviation > 0)) return { mean: Math.min(high, Math.max(low, mean)), variance: 0 }
  const a = (low - mean) / deviation
  const b = (high - mean) / deviation
  const [under, over] = [below(a), below(-b)]
  const [atLow, atHigh] = [density(a), density(b)]
  const times = (x: number, weight: number): number => (weight === 0 ? 0 : x * weight) // infinity has no weight
  const first = atLow - atHigh + times(a, under) + times(b, over)
  const second = 1 - under - over + times(a, atLow) - times(b, atHigh) + times(a * a, under) + times(b * b, over)
  return {
    mean: Math.min(high, Math.max(low, mean + deviation * first)),
    variance: Math.max(0, deviation * deviation * (second - first * first)),
  }
}

/** Mean and variance of each channel, clipped. */
export function momentsOf({ mean, deviation, low, high }: ChannelNormals): {
  mean: Float64Array
  variance: Float64Array
} {
  const moments = Array.from(mean, (m, c) => clippedMoments(m, deviation[c], low[c], high[c]))
  return { mean: Float64Array.from(moments, m => m.mean), variance: Float64Array.from(moments, m => m.variance) }
}

/** From the lowest to the highest that any channel reaches within so many deviations of its mean, clipped. */
export function reachOf({ mean, deviation, low, high }: ChannelNormals, deviations: number): Range {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const within = (x: number, c: number): number => Math.min(high[c], Math.max(low[c], x))
  for (const [c, m] of mean.entries()) {
    min = Math.min(min, within(m - deviations * deviation[c], c))
    max = Math.max(max, within(m + deviations * deviation[c], c))
  }
  return mean.length > 0 ? { min, max } : { min: 0, max: 0 }
}

/** Channels that nothing clips. */
export function unclipped(axis: number, mean: Float64Array, deviation: Float64Array): ChannelNormals {
  const fill = (value: number): Float64Array => new Float64Array(mean.length).fill(value)
  return { axis, mean, deviation, low: fill(Number.NEGATIVE_INFINITY), high: fill(Number.POSITIVE_INFINITY) }
}

/** Channels with these moments that nothing clips. */
export const fromMoments = (axis: number, mean: Float64Array, variance: Float64Array): ChannelNormals =>
  unclipped(
    axis,
    mean,
    variance.map(v => sqrt(Math.max(0, v))),
  )
