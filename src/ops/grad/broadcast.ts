// Shapes that are stretched over each other, as in NumPy: where an element of the result comes from.
import { count } from './types.ts'

export const broadcast = (...shapes: readonly (readonly number[])[]): number[] => {
  const rank = Math.max(...shapes.map(s => s.length))
  return Array.from({ length: rank }, (_, i) => {
    const dims = shapes.map(s => s[i - rank + s.length] ?? 1)
    return dims.find(d => d !== 1) ?? 1
  })
}

/** The element of an array of `shape` that each element of the result reads; null where they lie alike. */
export function positions(shape: readonly number[], out: readonly number[]): Uint32Array | null {
  if (count(shape) === count(out)) return null
  const axes = out.map((_, i) => shape[i - out.length + shape.length] ?? 1)
  const steps = axes.map((d, i) => (d === 1 ? 0 : count(axes.slice(i + 1))))
  const at = new Uint32Array(count(out))
  const index = out.map(() => 0)
  for (let i = 0, from = 0; i < at.length; i++) {
    at[i] = from
    for (let axis = out.length - 1; axis >= 0; axis--) {
      from += steps[axis]
      if (++index[axis] < out[axis]) break
      from -= steps[axis] * out[axis]
      index[axis] = 0
    }
  }
  return at
}

/** What comes back to each element of an array that was stretched: the sum over all that read it, in float64. */
export function gathered(values: Float32Array, at: Uint32Array | null, length: number): Float32Array {
  if (!at) return values
  const sums = new Float64Array(length)
  for (let i = 0; i < values.length; i++) sums[at[i]] += values[i]
  return new Float32Array(sums)
}
