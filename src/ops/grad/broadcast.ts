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

/**
 * Calls `visit` with each run of a result of shape `out` in order: where it begins, how long it is, and which element of an array of
 * `shape` it reads first; that one alone where `repeated`, and those that follow it else.
 */
function eachRun(
  shape: readonly number[],
  out: readonly number[],
  visit: (at: number, length: number, from: number, repeated: boolean) => void,
): void {
  const axes = out.map((_, i) => shape[i - out.length + shape.length] ?? 1)
  const alike = (axis: number, repeated: boolean): boolean => (repeated ? axes[axis] === 1 : axes[axis] === out[axis])
  const last = out.findLastIndex(d => d !== 1)
  const repeated = axes[last] !== out[last]
  let outer = out.length
  while (outer > 0 && alike(outer - 1, repeated)) outer--
  const length = count(out.slice(outer))
  const starts = positions(axes.slice(0, outer), out.slice(0, outer))
  const step = count(axes.slice(outer))
  const runs = count(out.slice(0, outer))
  for (let run = 0; run < runs; run++) visit(run * length, length, (starts ? starts[run] : run) * step, repeated)
}

/** An array stretched to a shape; itself where it has as many elements. */
export function spread(x: Float32Array, shape: readonly number[], out: readonly number[]): Float32Array {
  const length = count(out)
  if (x.length === length) return x
  const y = new Float32Array(length)
  eachRun(shape, out, (at, length, from, repeated) => {
    if (repeated) y.fill(x[from], at, at + length)
    else y.set(x.subarray(from, from + length), at)
  })
  return y
}

/** What comes back to each element of an array that was stretched: the sum over all that read it, in float64. */
export function gathered(values: Float32Array, shape: readonly number[], out: readonly number[]): Float32Array {
  const length = count(shape)
  if (values.length === length) return values
  const sums = new Float64Array(length)
  eachRun(shape, out, (at, length, from, repeated) => {
    if (repeated) {
      let sum = 0
      for (let i = at; i < at + length; i++) sum += values[i]
      sums[from] += sum
    } else for (let i = 0; i < length; i++) sums[from + i] += values[at + i]
  })
  return new Float32Array(sums)
}
