// Counts elements by the upper 16 bits of their float32 pattern: sign, exponent, 7 bits of mantissa. Such a table has no range to
// be chosen or widened, no order of samples shows in it, and one wild value takes one bin; bins are 1/128 of their value wide.
// The range statistics are gathered in the same sweep.
import type { Arrays } from '../lib/kernel.ts'
import { reference as range } from '../range/reference.ts'

export const keyCount = 65536
export const mantissaBits = 7

export function reference(arrays: Arrays): void {
  const { x, table } = arrays
  range(arrays)
  const bits = new Uint32Array(x.buffer, x.byteOffset, x.length)
  for (let i = 0; i < bits.length; i++) table[bits[i] >>> 16]++
}
