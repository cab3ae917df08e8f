// One layer as the repairs that round layer by layer see it.
import { createRng } from '../../src/base/rng.ts'
import type { Moments } from '../../src/ir/moments.ts'
import { codesOf } from '../../src/ir/number-format.ts'
import type { Part } from '../../src/stages/quantize/repairs/rounding-solve.ts'

/** Second moments of correlated inputs, as rectified activations are, against the float layer's output. */
export function layerOf(
  k: number,
  c: number,
  rows: number,
  seed: number,
): {
  part: (bits: number) => Part
  error: (w: Float32Array, bias: Float64Array) => number
  float: Float64Array
  bias: Float64Array
} {
  const rng = createRng(seed)
  const mix = Float64Array.from({ length: k * k }, () => rng.normal())
  const float = Float64Array.from({ length: c * k }, () => rng.normal())
  const bias = Float64Array.from({ length: c }, () => rng.normal())
  const stride = k + 1
  const u = new Float64Array(rows * stride)
  const t = new Float64Array(rows * c)
  for (let r = 0; r < rows; r++) {
    const z = Float64Array.from({ length: k }, () => rng.normal())
    for (let j = 0; j < k; j++) {
      let sum = 0.5
      for (let i = 0; i < k; i++) sum += (mix[j * k + i] * z[i]) / Math.sqrt(k)
      u[r * stride + j] = Math.max(0, sum)
    }
    u[r * stride + k] = 1
    for (let o = 0; o < c; o++) {
      t[r * c + o] = bias[o]
      for (let j = 0; j < k; j++) t[r * c + o] += float[o * k + j] * u[r * stride + j]
    }
  }
  const moments: Moments = {
    n: rows,
    k,
    c,
    h: new Float64Array(stride * stride),
    r: new Float64Array(stride * c),
    t: new Float64Array(c),
  }
  for (let i = 0; i < t.length; i++) moments.t[i % c] += t[i] ** 2
  for (let r = 0; r < rows; r++)
    for (let i = 0; i < stride; i++) {
      for (let j = 0; j < stride; j++) moments.h[i * stride + j] += u[r * stride + i] * u[r * stride + j]
      for (let o = 0; o < c; o++) moments.r[i * c + o] += u[r * stride + i] * t[r * c + o]
    }
  const part = (bits: number): Part => {
    const format = { kind: 'int', bits, signed: true } as const
    const largest = codesOf(format, true).qmax
    const scales = Float32Array.from(
      { length: c },
      (_, o) => float.subarray(o * k, (o + 1) * k).reduce((m, x) => Math.max(m, Math.abs(x)), 0) / largest,
    )
    const grid = {
      format,
      restricted: true,
      largest,
      scales,
      free: true,
      shared: false,
      least: new Float64Array(c),
    }
    return { moments, layer: { weights: float, bias }, grid, damping: { ridge: 1e-3, rounding: 1e-4 } }
  }
  const error = (w: Float32Array, b: Float64Array): number => {
    let sum = 0
    for (let r = 0; r < rows; r++)
      for (let o = 0; o < c; o++) {
        let y = b[o]
        for (let j = 0; j < k; j++) y += w[o * k + j] * u[r * stride + j]
        sum += (y - t[r * c + o]) ** 2
      }
    return sum
  }
  return { part, error, float, bias }
}
