// A layer's error by bits, smoothed over its formats: what was measured is one draw of the rounding in each, off by a tenth and more,
// and the least of many draws is too good to be true. Each bit quarters the error of rounding (Widrow and Kollar, Quantization Noise,
// 2008, section 4), down to a floor that the layer's activations leave.
import { pow } from '../../base/math.ts'
import { sum } from '../../base/sum.ts'

export interface Measured {
  bits: number
  /** Power of the error, above zero. */
  error: number
}

/**
 * Errors by a floor and what is quartered with each bit, both at least 0, of least squares in relative errors. As measured where there
 * are fewer than three, and below 4 bits, where the law does not hold.
 */
export function smoothed(measured: readonly Measured[]): number[] {
  const lawful = measured.filter(({ bits, error }) => bits >= 4 && error > 0)
  if (lawful.length < 3) return measured.map(m => m.error)
  // Columns of the system, each row divided by what was measured, so that the right side is 1.
  const flat = lawful.map(({ error }) => 1 / error)
  const steep = lawful.map(({ bits, error }) => pow(4, -bits) / error)
  const dot = (a: readonly number[], b: readonly number[]): number => sum(a.map((x, i) => x * b[i]))
  const [ff, fs, ss] = [dot(flat, flat), dot(flat, steep), dot(steep, steep)]
  const [f1, s1] = [sum(flat), sum(steep)]
  const determinant = ff * ss - fs * fs
  let floor = (ss * f1 - fs * s1) / determinant
  let slope = (ff * s1 - fs * f1) / determinant
  if (!(floor >= 0)) [floor, slope] = [0, s1 / ss]
  else if (!(slope >= 0)) [floor, slope] = [f1 / ff, 0]
  return measured.map(({ bits, error }) => (bits >= 4 && error > 0 ? floor + slope * pow(4, -bits) : error))
}
