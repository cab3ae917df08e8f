// IEEE 754 binary16 and bfloat16 as bit patterns, rounding half to even.

const f32 = new Float32Array(1)
const u32 = new Uint32Array(f32.buffer)

/** Float32 value to binary16 bits; overflow gives infinity, NaN stays NaN. */
export function toHalf(value: number): number {
  f32[0] = value
  const bits = u32[0]
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00)
  if (magnitude >= 0x477ff000) return sign | 0x7c00 // 65520 and above
  if (magnitude < 0x38800000) {
    // Subnormal: adding 0.5 aligns the last bit with 2^-24, and the addition rounds half to even.
    f32[0] = Math.fround(Math.abs(value) + 0.5)
    return sign | (u32[0] - 0x3f000000)
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1)
  return sign | ((rounded - 0x38000000) >>> 13)
}

export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 0x1f
  const mantissa = bits & 0x3ff
  if (exponent === 0) return (sign * mantissa) / 16777216 // 2^24
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY
  u32[0] = ((bits & 0x8000) << 16) | ((exponent + 112) << 23) | (mantissa << 13)
  return f32[0]
}

export function toBfloat16(value: number): number {
  f32[0] = value
  const bits = u32[0]
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) | 0x40) & 0xffff
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}

export function fromBfloat16(bits: number): number {
  u32[0] = bits << 16
  return f32[0]
}
