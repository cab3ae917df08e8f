// Smallest and largest finite element, and how many are NaN, infinite and zero. Bounds are kept as ordered bits, in which the
// order of unsigned integers is that of the reals (and -0 is 0), since a GPU can only take the minimum of integers atomically.
import type { Arrays } from '../lib/kernel.ts'

/** Indices into `stats`; it is added to, never overwritten. */
export const stat = { min: 0, max: 1, nan: 2, infinite: 3, zeros: 4 } as const
export const emptyStats: readonly number[] = [0xffffffff, 0, 0, 0, 0]

export const ordered = (bits: number): number =>
  bits === 0x80000000 ? bits : (bits >= 0x80000000 ? ~bits : bits | 0x80000000) >>> 0

const word = new Uint32Array(1)
const float = new Float32Array(word.buffer)
export function fromOrdered(key: number): number {
  word[0] = key >= 0x80000000 ? key ^ 0x80000000 : ~key
  return float[0]
}

export function reference({ x, stats }: Arrays): void {
  const bits = new Uint32Array(x.buffer, x.byteOffset, x.length)
  for (let i = 0; i < bits.length; i++) {
    const size = bits[i] & 0x7fffffff
    if (size > 0x7f800000) stats[stat.nan]++
    else if (size === 0x7f800000) stats[stat.infinite]++
    else {
      if (size === 0) stats[stat.zeros]++
      const key = ordered(bits[i])
      if (key < stats[stat.min]) stats[stat.min] = key
      if (key > stats[stat.max]) stats[stat.max] = key
    }
  }
}
