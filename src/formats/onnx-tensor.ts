// TensorProto: whichever of its data fields is filled, the elements come out as the little-endian bytes that raw_data would hold.
import { concat } from '../base/bytes.ts'
import { bitsOf, bytesOf, dtypeOfOnnx } from '../base/dtype.ts'
import type { TensorRecord } from './onnx.ts'
import {
  bytesField,
  type Field,
  fieldsOf,
  fixedOf,
  int32sOf,
  int64,
  intField,
  isRegion,
  type Message,
  messageField,
  type Region,
  stringField,
  varintsOf,
  wireOf,
} from './protobuf.ts'

/** A TensorProto as a record; typed data fields become little-endian bytes. */
export function tensorOf(message: Message): TensorRecord {
  const dims: number[] = []
  const typed = new Map<number, Field[]>([4, 5, 6, 7, 10, 11].map(no => [no, []]))
  const rest: Field[] = []
  const pairs: [string, string][] = []
  let dataType = 0
  let name = ''
  let raw: Uint8Array | Region | null = null
  let external = false
  for (const field of fieldsOf(message)) {
    if (field.no === 1) for (const dim of varintsOf(field)) dims.push(Number(int64(dim)))
    else if (field.no === 2) dataType = intField(field)
    else if (field.no === 8) name = stringField(field)
    else if (field.no === 9)
      raw = field.wire === 2 && isRegion(field.payload) ? field.payload : new Uint8Array(bytesField(field))
    else if (field.no === 13) pairs.push(pairOf(messageField(field)))
    else if (field.no === 14) external = intField(field) === 1
    else if (typed.has(field.no)) typed.get(field.no)?.push(field)
    else rest.push(field)
  }
  const data = external ? null : (raw ?? typedData(dataType, typed))
  return { name, dims, dataType, data, external: external ? new Map(pairs) : null, extra: wireOf(rest) }
}

/** The element values of a typed field as the little-endian bytes that `raw_data` would hold. */
function typedData(dataType: number, typed: ReadonlyMap<number, readonly Field[]>): Uint8Array | Region | null {
  const dtype = dtypeOfOnnx(dataType)
  const of = (no: number): readonly Field[] => typed.get(no) ?? []
  const fixed = (no: number, width: 4 | 8): Uint8Array | Region | null => {
    const fields = of(no)
    if (fields.length === 0) return null
    const [field] = fields
    if (fields.length === 1 && field.wire === 2 && isRegion(field.payload)) return field.payload
    return concat(fields.map(field => fixedOf(field, width)))
  }
  switch (dtype) {
    case null:
      return null
    case 'string':
      return of(6).length > 0 ? wireOf(of(6))! : null
    case 'float32':
    case 'complex64':
      return fixed(4, 4)
    case 'float64':
    case 'complex128':
      return fixed(10, 8)
    case 'int64': {
      const values = of(7).flatMap(field => [...varintsOf(field)])
      return of(7).length > 0 ? bytesOf(BigUint64Array.from(values)) : null
    }
    case 'uint64':
    case 'uint32': {
      const values = of(11).flatMap(field => [...varintsOf(field)])
      if (of(11).length === 0) return null
      return dtype === 'uint64' ? bytesOf(BigUint64Array.from(values)) : bytesOf(Uint32Array.from(values, Number))
    }
    default: {
      const fields = of(5)
      if (fields.length === 0) return null
      return intsToBytes(fields, bitsOf(dtype))
    }
  }
}

/** `int32_data`: an element each, but types below 6 bits come packed, a byte each. */
function intsToBytes(fields: readonly Field[], bits: number): Uint8Array {
  const values: number[] = []
  for (const field of fields) for (const value of int32sOf(field)) values.push(value)
  if (bits === 32) return bytesOf(Int32Array.from(values))
  if (bits === 16) return bytesOf(Uint16Array.from(values))
  if (bits !== 6) return Uint8Array.from(values)
  const bytes = new Uint8Array(Math.ceil((values.length * 6) / 8))
  values.forEach((value, i) => {
    const at = i * 6
    const shifted = (value & 63) << (at & 7)
    bytes[at >> 3] |= shifted
    if ((at & 7) > 2) bytes[(at >> 3) + 1] |= shifted >> 8
  })
  return bytes
}

/** A StringStringEntryProto. */
export function pairOf(message: Message): [string, string] {
  let key = ''
  let value = ''
  for (const field of fieldsOf(message)) {
    if (field.no === 1) key = stringField(field)
    else if (field.no === 2) value = stringField(field)
  }
  return [key, value]
}
