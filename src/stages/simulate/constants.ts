// Constants as numbers: scales, zero points and codes, packed ones unfolded.
import { bitsOf, type DType, viewAs } from '../../base/dtype.ts'
import type { Bytes } from '../../ir/context.ts'
import { elements, type Tensor } from '../../ir/tensor.ts'
import type { CodeArray, Codes } from './types.ts'

/** Codes of an integer tensor of 2 to 64 bits; those below 8 bits come as int8 or uint8. */
export async function readCodes(tensor: Tensor, bytes: Bytes): Promise<Codes> {
  const data = await bytes.read(tensor)
  const { dtype, shape } = tensor
  return bitsOf(dtype) >= 8
    ? { shape, data: viewAs(dtype, data) as CodeArray }
    : { shape, data: unfold(data, dtype, elements(tensor)) }
}

/** Low bits first. */
function unfold(bytes: Uint8Array, dtype: DType, count: number): CodeArray {
  const bits = bitsOf(dtype)
  const perByte = 8 / bits
  const signed = dtype.startsWith('int')
  const out = signed ? new Int8Array(count) : new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    const raw = (bytes[Math.floor(i / perByte)] >> ((i % perByte) * bits)) & ((1 << bits) - 1)
    out[i] = signed ? (raw << (32 - bits)) >> (32 - bits) : raw
  }
  return out
}

/** An array for codes of a type; types below 8 bits lie in bytes. */
export function codeArray(dtype: DType, length: number): CodeArray {
  const bits = bitsOf(dtype)
  const signed = dtype.startsWith('int')
  if (bits <= 8) return signed ? new Int8Array(length) : new Uint8Array(length)
  if (bits === 16) return signed ? new Int16Array(length) : new Uint16Array(length)
  return new Int32Array(length)
}
