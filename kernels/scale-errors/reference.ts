// For each candidate scale s: sum over x of (x - s clamp(round(x / s), -qmax, qmax))^2, the search for the scale of least squared
// error (exact elements, not bins). Within 1,024 elements the error is taken in units of s and summed in float32, in eight lanes;
// beyond them in float64. The order is part of the definition, so that the twins agree to the bit.
import { roundHalfEven } from '../../src/base/round.ts'
import type { Arrays } from '../lib/kernel.ts'

const chunk = 1024
const lanes = 8

export function reference({ x, scales, errors }: Arrays, { qmax }: { qmax: number }): void {
  const sum = new Float32Array(lanes)
  for (let start = 0; start < x.length; start += chunk) {
    for (let j = 0; j < scales.length; j++) {
      sum.fill(0)
      for (let i = start; i < Math.min(start + chunk, x.length); i++) {
        const u = Math.fround(x[i] / scales[j])
        const e = Math.fround(u - Math.min(Math.max(roundHalfEven(u), -qmax), qmax))
        sum[i % lanes] += Math.fround(e * e)
      }
      const pairs = [0, 1, 2, 3].map(k => Math.fround(sum[k] + sum[k + 4]))
      errors[j] += (pairs[0] + pairs[1] + pairs[2] + pairs[3]) * (scales[j] * scales[j])
    }
  }
}
