// Walks over arrays of several axes.
import { elementCount } from '../../base/dtype.ts'

/** An axis, and how far it steps in each of several arrays. */
export interface Axis {
  size: number
  strides: readonly number[]
}

/** Of a dense array. */
export const stridesOf = (shape: readonly number[]): number[] => shape.map((_, i) => elementCount(shape.slice(i + 1)))

/** As few axes as walk in the same order: those of one element are left out, those that run on are one. */
export function merged(axes: readonly Axis[]): Axis[] {
  const out: Axis[] = []
  for (const axis of axes.filter(a => a.size !== 1)) {
    const before = out.at(-1)
    if (before?.strides.every((s, k) => s === axis.strides[k] * axis.size))
      out[out.length - 1] = { size: before.size * axis.size, strides: axis.strides }
    else out.push({ size: axis.size, strides: axis.strides })
  }
  return out
}

/** Nested loops, the first outermost. */
export const loopsOver = (counters: readonly (readonly [name: string, size: string])[], inner: string): string =>
  counters.reduceRight(
    (text, [name, size]) => `
for (int ${name} = 0; ${name} < ${size}; ${name}++) {${text}
}`,
    inner,
  )
