// Elements that catch kernels out: every special float, ties, awkward lengths, and pseudo-random ones of many sizes.
import { createRng } from '../../src/base/rng.ts'

const word = new Uint32Array(1)
const float = new Float32Array(word.buffer)
const fromBits = (bits: number): number => {
  word[0] = bits
  return float[0]
}

export const awkwardLengths = [0, 1, 3, 4, 7, 8, 15, 17, 127, 1023, 1025, 65_537]

/** Normal numbers of standard deviation `sigma`, in float32. */
export function normals(n: number, sigma = 1, seed = 1): Float32Array {
  const rng = createRng(seed)
  return Float32Array.from({ length: n }, () => rng.normal() * sigma)
}

export const rectified = (n: number, seed = 2): Float32Array => normals(n, 1, seed).map(x => Math.max(0, x))

/** Any bit pattern: subnormals, infinities and NaN among them. */
export function anyBits(n: number, seed = 3): Float32Array {
  const rng = createRng(seed)
  const bits = Uint32Array.from({ length: n }, () => rng.uniform() * 4294967296)
  return new Float32Array(bits.buffer)
}

/** Both zeros, subnormals, the smallest and largest normals, infinities, NaN of several payloads and either sign, ties. */
export const specials = (): Float32Array => {
  const patterns = [
    0, 0x80000000, 1, 0x80000001, 0x7fffff, 0x807fffff, 0x800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000,
    0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001, 0x7fffffff,
  ]
  const ties = [
    -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 126.5, 127.5, 128.5, 254.5, 255.5, -127.5, -128.5, 1e9, -1e9, 0.49999997,
  ]
  const array = new Float32Array(patterns.length + ties.length)
  const bits = new Uint32Array(array.buffer)
  patterns.forEach((p, i) => {
    bits[i] = p
  })
  array.set(ties, patterns.length)
  return array
}

export const onlyNaN = (n: number): Float32Array => new Float32Array(n).fill(fromBits(0x7fc00000))
