// What rounding to a scale costs the elements that were observed: the sum |x - Q(x)|^p of rounding and clipping. Elements are spread evenly
// over their cells, over which the error is integrated exactly instead of being taken at centres. In units of the scale, with f the
// distance to the nearest integer n: integral from 0 to u of |f|^p = n 2^(1-p-1) / (p+1) + sign(f) |f|^(p+1) / (p+1).
import { exp, log } from '../../base/math.ts'
import type { Cells } from '../../ir/histogram.ts'
import { codeRange, type QuantSpec } from '../../ir/quant.ts'

/** |x|^p; `p` and `p + 1` are the exponents in use. */
export interface Power {
  error(size: number): number // size^p
  integral(size: number): number // size^(p+1) / (p+1)
}

export const squared: Power = { error: e => e * e, integral: e => (e * e * e) / 3 }
export const raised = (p: number): Power => ({
  error: e => (e === 0 ? 0 : exp(p * log(e))),
  integral: e => (e === 0 ? 0 : exp((p + 1) * log(e)) / (p + 1)),
})

/** Sum of |x - Q(x)|^p, in the unit of x to the power p. */
export function expectedError(
  { low, high, count }: Cells,
  { scale, zeroPoint }: { scale: number; zeroPoint: number },
  spec: QuantSpec,
  power: Power,
): number {
  const { qmin, qmax } = codeRange(spec)
  const bottom = qmin - zeroPoint
  const top = qmax - zeroPoint
  const period = 2 * power.integral(0.5)
  const rounding = (u: number): number => {
    const n = Math.floor(u + 0.5)
    const f = u - n
    return n * period + (f < 0 ? -power.integral(-f) : power.integral(f))
  }
  const clipped = (u: number): number =>
    u < bottom ? -power.integral(bottom - u) : u > top ? power.integral(u - top) : 0
  let sum = 0
  for (let i = 0; i < count.length; i++) {
    const a = low[i] / scale
    const b = high[i] / scale
    if (b - a < 1e-9) {
      const q = Math.min(top, Math.max(bottom, Math.floor(a + 0.5)))
      sum += count[i] * power.error(Math.abs(a - q))
      continue
    }
    let integral = clipped(b) - clipped(a)
    const from = Math.max(a, bottom)
    const to = Math.min(b, top)
    if (to > from) integral += rounding(to) - rounding(from)
    sum += (count[i] * integral) / (b - a)
  }
  return sum * power.error(scale)
}
