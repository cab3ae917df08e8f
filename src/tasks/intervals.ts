// 95 % confidence intervals of proportions and of paired differences.
//
// One proportion: Wilson's score interval. Difference of two proportions on the same samples: Newcombe's method 10, "Improved
// confidence intervals for the difference between binomial proportions based on paired data", Statistics in Medicine 17 (1998)
// 2635-2650. Means of other scores: mean +- z standard errors.

export interface Interval {
  low: number
  high: number
}

const z = 1.959963984540054 // 97.5 % of the standard normal distribution

/** Wilson's score interval for `right` of `n`. */
export function wilson(right: number, n: number): Interval {
  if (n === 0) return { low: 0, high: 1 }
  const p = right / n
  const middle = p + (z * z) / (2 * n)
  const half = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))
  const whole = 1 + (z * z) / n
  return { low: Math.max(0, (middle - half) / whole), high: Math.min(1, (middle + half) / whole) }
}

/** Samples by who was right: both, the first alone, the second alone, neither. */
export interface Pairs {
  both: number
  first: number
  second: number
  neither: number
}

/** Interval of the first's proportion minus the second's. */
export function pairedDifference({ both: a, first: b, second: c, neither: d }: Pairs): Interval {
  const n = a + b + c + d
  if (n === 0) return { low: -1, high: 1 }
  const p1 = (a + b) / n
  const p2 = (a + c) / n
  const one = wilson(a + b, n)
  const two = wilson(a + c, n)
  const margins = (a + b) * (c + d) * (a + c) * (b + d)
  const product = a * d - b * c
  const phi = margins === 0 ? 0 : (product > 0 ? Math.max(product - n / 2, 0) : product) / Math.sqrt(margins)
  const reach = (x: number, y: number): number => Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y))
  return {
    low: Math.max(-1, p1 - p2 - reach(p1 - one.low, two.high - p2)),
    high: Math.min(1, p1 - p2 + reach(one.high - p1, p2 - two.low)),
  }
}

/** Interval of a mean, from the count, the sum and the sum of squares of its scores. */
export function meanInterval(n: number, sum: number, squares: number): Interval {
  if (n < 2) return { low: -1, high: 1 }
  const mean = sum / n
  const half = z * Math.sqrt(Math.max(0, (squares - n * mean * mean) / (n - 1)) / n)
  return { low: mean - half, high: mean + half }
}

/** Samples by which a paired difference of one point would be told from none, if as many samples differ as so far. */
export function samplesForOnePoint({ both, first, second, neither }: Pairs): number {
  const n = both + first + second + neither
  const differing = Math.max(first + second, 1) / n
  return Math.ceil((z * z * differing) / 0.0001)
}
