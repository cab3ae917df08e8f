// What printer and parser of the text form share: the short names of element types, and single values as text.

import { bitsOf, byteLength, type DType, dtypes, viewAs } from '../base/dtype.ts'
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from '../base/half.ts'

const special: Partial<Record<DType, string>> = { bfloat16: 'bf16', bool: 'bool', string: 'str' }

/** float32 is f32, int8 i8, uint4 u4, float8e4m3fn f8e4m3fn, complex64 c64. */
export const shortName = (dtype: DType): string =>
  special[dtype] ?? dtype.replace('uint', 'u').replace('int', 'i').replace('float', 'f').replace('complex', 'c')

const byShortName = new Map(dtypes.map(d => [shortName(d), d]))
export const dtypeOfShortName = (name: string): DType | null => byShortName.get(name) ?? null

/** Words that stand without quotes as names. */
export const bareWord = /^[\w./-]+$/

const floating: readonly DType[] = ['float32', 'float64', 'float16', 'bfloat16']
export const hasFloatText = (dtype: DType): boolean => floating.includes(dtype)

/** The shortest decimal that reads back as the same float32; float64 has its own. */
export function floatText(value: number, single: boolean): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Object.is(value, -0)) return '-0'
  if (!single) return String(value)
  for (let digits = 1; digits < 9; digits++) {
    const near = Number(value.toPrecision(digits))
    if (Math.fround(near) === value) return String(near)
  }
  return String(Number(value.toPrecision(9)))
}

export function parseFloatText(word: string): number {
  if (word === 'nan') return Number.NaN
  if (word === 'inf') return Number.POSITIVE_INFINITY
  if (word === '-inf') return Number.NEGATIVE_INFINITY
  return Number(word)
}

/** Elements as text. Types below 16 bits without an integer meaning (float8, float4) come as their codes. */
export function elementsText(dtype: DType, data: Uint8Array, count: number): string[] {
  const bits = bitsOf(dtype)
  if (bits < 8) {
    const signed = dtype.startsWith('int')
    return Array.from({ length: count }, (_, i) => {
      const code = readBits(data, i * bits, bits)
      return String(signed && code >= 1 << (bits - 1) ? code - (1 << bits) : code)
    })
  }
  const view = viewAs(dtype, data)
  return Array.from({ length: count }, (_, i) => {
    const item = view[i]
    if (dtype === 'float16') return floatText(fromHalf(Number(item)), true)
    if (dtype === 'bfloat16') return floatText(fromBfloat16(Number(item)), true)
    if (typeof item === 'number' && hasFloatText(dtype)) return floatText(item, dtype === 'float32')
    return String(item)
  })
}

/** The inverse of `elementsText`. */
export function elementsBytes(dtype: DType, words: readonly string[]): Uint8Array {
  const bits = bitsOf(dtype)
  const bytes = new Uint8Array(byteLength(dtype, words.length))
  if (bits < 8) {
    words.forEach((word, i) => {
      const code = Number(word) & ((1 << bits) - 1)
      for (let b = 0; b < bits; b++) {
        const at = i * bits + b
        if ((code >> b) & 1) bytes[at >> 3] |= 1 << (at & 7)
      }
    })
    return bytes
  }
  const view = viewAs(dtype, bytes)
  words.forEach((word, i) => {
    if (view instanceof BigInt64Array || view instanceof BigUint64Array) view[i] = BigInt(word)
    else if (dtype === 'float16') view[i] = toHalf(parseFloatText(word))
    else if (dtype === 'bfloat16') view[i] = toBfloat16(parseFloatText(word))
    else if (dtype === 'bool') view[i] = word === 'true' ? 1 : word === 'false' ? 0 : Number(word)
    else view[i] = parseFloatText(word)
  })
  return bytes
}

function readBits(data: Uint8Array, at: number, bits: number): number {
  let code = 0
  for (let b = 0; b < bits; b++) code |= ((data[(at + b) >> 3] >> ((at + b) & 7)) & 1) << b
  return code
}
