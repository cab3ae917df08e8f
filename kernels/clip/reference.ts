// y = x within [low, high], and the gradient that goes back through it: none where x lies outside or on an end. NaN becomes `low`.
import type { Arrays } from '../lib/kernel.ts'

export interface Interval {
  low: number
  high: number
}

export function reference({ x, y }: Arrays, { low, high }: Interval): void {
  const [a, b] = [Math.fround(low), Math.fround(high)]
  for (let i = 0; i < x.length; i++) y[i] = x[i] > a ? (x[i] < b ? x[i] : b) : a
}

export function gradientReference({ x, dy, dx }: Arrays, { low, high }: Interval): void {
  const [a, b] = [Math.fround(low), Math.fround(high)]
  for (let i = 0; i < x.length; i++) dx[i] = x[i] > a && x[i] < b ? dy[i] : 0
}
