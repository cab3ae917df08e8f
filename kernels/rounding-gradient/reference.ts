// Back through rounding to steps (Esser et al., "Learned Step Size Quantization", 2020, equation 3): the gradient passes where x was not
// clipped, and its product with how far rounding moved x, or with the code where it was clipped, is the gradient by the logarithm of the
// step. Four sums in float64, of every fourth element.
import type { Interval } from '../clip/reference.ts'
import type { Arrays } from '../lib/kernel.ts'

export function reference({ x, rounded, dy, dx, sums }: Arrays, { low, high }: Interval): void {
  const [a, b] = [Math.fround(low), Math.fround(high)]
  for (let i = 0; i < x.length; i++) {
    const inside = x[i] >= a && x[i] <= b
    dx[i] = inside ? dy[i] : 0
    sums[i & 3] += dy[i] * (rounded[i] - (inside ? x[i] : 0))
  }
}
