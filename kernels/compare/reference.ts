// How far b is from a: sums of a^2, (a - b)^2, a b and b^2 in float64, and the largest |a - b|. Element i goes to lane i mod 4, so
// that the order of the additions, and with it every bit, is the same in each twin.
import type { Arrays } from '../lib/kernel.ts'

/** Four lanes each, in this order; added to, never overwritten. */
export const quantities = ['signal', 'noise', 'dot', 'energy', 'maxAbs'] as const
export const emptySums: readonly number[] = new Array(20).fill(0)

export function reference({ a, b, sums }: Arrays): void {
  for (let i = 0; i < a.length; i++) {
    const lane = i & 3
    const difference = a[i] - b[i]
    sums[lane] += a[i] * a[i]
    sums[4 + lane] += difference * difference
    sums[8 + lane] += a[i] * b[i]
    sums[12 + lane] += b[i] * b[i]
    if (Math.abs(difference) > sums[16 + lane]) sums[16 + lane] = Math.abs(difference)
  }
}

export type Comparison = Record<(typeof quantities)[number], number>

/** The lanes added up, in a fixed order. */
export function comparison(sums: ArrayLike<number>): Comparison {
  const sum = (k: number): number => sums[k] + sums[k + 1] + (sums[k + 2] + sums[k + 3])
  return {
    signal: sum(0),
    noise: sum(4),
    dot: sum(8),
    energy: sum(12),
    maxAbs: Math.max(sums[16], sums[17], sums[18], sums[19]),
  }
}
