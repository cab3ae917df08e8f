// GGUF version 3 (ggml, docs/gguf.md): a header of key-value pairs and tensor infos, then the tensors, each at a multiple of the
// alignment. Q8_0 and Q4_0 are blocks of 32 elements of a row with one half as scale (ggml, src/ggml-quants.c, quantize_row_*_ref).
import { type ByteSource, concat, text, utf8 } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { fromHalf, toHalf } from '../base/half.ts'

export const ggmlTypes = {
  f32: 0,
  f16: 1,
  q4_0: 2,
  q8_0: 8,
  i8: 24,
  i16: 25,
  i32: 26,
  i64: 27,
  f64: 28,
  bf16: 30,
} as const
export type GgmlType = keyof typeof ggmlTypes

/** Elements of a block, and bytes that it takes. */
const blocks: Record<GgmlType, readonly [elements: number, bytes: number]> = {
  f32: [1, 4],
  f16: [1, 2],
  q4_0: [32, 18],
  q8_0: [32, 34],
  i8: [1, 1],
  i16: [1, 2],
  i32: [1, 4],
  i64: [1, 8],
  f64: [1, 8],
  bf16: [1, 2],
}

export interface GgufTensor {
  name: string
  /** Slowest axis first, as everywhere here; the file has them the other way round. */
  shape: readonly number[]
  type: GgmlType
  data: Uint8Array
}
export type GgufValue = string | number | boolean

const alignment = 32
const padded = (size: number): number => Math.ceil(size / alignment) * alignment
export const ggufBytes = (type: GgmlType, elements: number): number => (elements / blocks[type][0]) * blocks[type][1]

/** Numbers are written as uint32, those that are not whole as float32. */
export function writeGguf(values: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTensor[]): Uint8Array[] {
  const head: Uint8Array[] = [utf8('GGUF'), uint32(3), uint64(tensors.length), uint64(Object.keys(values).length + 1)]
  for (const [key, value] of Object.entries({ ...values, 'general.alignment': alignment }))
    head.push(string(key), ...typed(value))
  let at = 0
  for (const { name, shape, type, data } of tensors) {
    head.push(
      string(name),
      uint32(shape.length),
      ...[...shape].reverse().map(uint64),
      uint32(ggmlTypes[type]),
      uint64(at),
    )
    at += padded(data.length)
  }
  const header = concat(head)
  const parts = [header, new Uint8Array(padded(header.length) - header.length)]
  for (const { data } of tensors) parts.push(data, new Uint8Array(padded(data.length) - data.length))
  return parts.filter(part => part.length > 0)
}

const words = (bytes: number, set: (view: DataView) => void): Uint8Array => {
  const out = new Uint8Array(bytes)
  set(new DataView(out.buffer))
  return out
}
const uint32 = (n: number): Uint8Array => words(4, view => view.setUint32(0, n, true))
const uint64 = (n: number): Uint8Array => words(8, view => view.setBigUint64(0, BigInt(n), true))
const string = (s: string): Uint8Array => {
  const bytes = utf8(s)
  return concat([uint64(bytes.length), bytes])
}
function typed(value: GgufValue): Uint8Array[] {
  if (typeof value === 'string') return [uint32(8), string(value)]
  if (typeof value === 'boolean') return [uint32(7), Uint8Array.of(Number(value))]
  if (Number.isInteger(value) && value >= 0) return [uint32(4), uint32(value)]
  return [uint32(6), words(4, view => view.setFloat32(0, value, true))]
}

/** What a file of this version holds; scalars of every kind are read, of arrays only their length. */
export async function readGguf(source: ByteSource): Promise<{
  values: Map<string, GgufValue>
  tensors: { name: string; shape: number[]; type: GgmlType; offset: number; length: number }[]
}> {
  const refuse = (what: string): StudioError =>
    new StudioError('malformed', `${source.name} is no sound GGUF file: ${what}`, {
      where: { file: source.name },
      hint: 'Copy or download the file again.',
    })
  const bytes = await source.read(0, source.size)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const take = (length: number): number => {
    if (length < 0 || at + length > bytes.length) throw refuse('it ends too early')
    at += length
    return at - length
  }
  const u32 = (): number => view.getUint32(take(4), true)
  const u64 = (): number => Number(view.getBigUint64(take(8), true))
  const str = (): string => {
    const length = u64()
    return text(bytes.subarray(take(length), at))
  }
  if (text(bytes.subarray(0, 4)) !== 'GGUF') throw refuse('it does not begin with GGUF')
  take(4)
  if (u32() !== 3) throw refuse('it is not of version 3')
  const [count, pairs] = [u64(), u64()]
  const value = (type: number): GgufValue => {
    switch (type) {
      case 0:
        return bytes[take(1)]
      case 1:
        return view.getInt8(take(1))
      case 2:
        return view.getUint16(take(2), true)
      case 3:
        return view.getInt16(take(2), true)
      case 4:
        return u32()
      case 5:
        return view.getInt32(take(4), true)
      case 6:
        return view.getFloat32(take(4), true)
      case 7:
        return bytes[take(1)] !== 0
      case 8:
        return str()
      case 9: {
        const [inner, length] = [u32(), u64()]
        for (let i = 0; i < length; i++) value(inner)
        return length
      }
      case 10:
        return u64()
      case 11:
        return Number(view.getBigInt64(take(8), true))
      case 12:
        return view.getFloat64(take(8), true)
    }
    throw refuse(`a value has the unknown type ${type}`)
  }
  const values = new Map<string, GgufValue>()
  for (let i = 0; i < pairs; i++) {
    const key = str()
    values.set(key, value(u32()))
  }
  const names = new Map(Object.entries(ggmlTypes).map(([name, type]) => [type as number, name as GgmlType]))
  const infos = []
  for (let i = 0; i < count; i++) {
    const name = str()
    const rank = u32()
    if (rank > 8) throw refuse(`${name} has ${rank} axes`)
    const shape = Array.from({ length: rank }, u64).reverse()
    const type = names.get(u32())
    if (!type) throw refuse(`${name} is of an unknown type`)
    infos.push({
      name,
      shape,
      type,
      offset: u64(),
      length: ggufBytes(
        type,
        shape.reduce((n, d) => n * d, 1),
      ),
    })
  }
  const unit = Number(values.get('general.alignment') ?? alignment)
  const start = Math.ceil(at / unit) * unit
  const tensors = infos.map(info => ({ ...info, offset: start + info.offset }))
  const beyond = tensors.find(({ offset, length }) => offset + length > bytes.length)
  if (beyond) throw refuse(`it ends inside of ${beyond.name}`)
  return { values, tensors }
}

/** 32 elements a block: a half, then 32 signed bytes; real = byte × half. */
export function packQ8(values: Float32Array): Uint8Array {
  const out = new Uint8Array(ggufBytes('q8_0', values.length))
  const view = new DataView(out.buffer)
  for (let b = 0; b * 32 < values.length; b++) {
    const block = values.subarray(b * 32, b * 32 + 32)
    const scale = Math.fround(block.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127)
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale)
    view.setUint16(b * 34, toHalf(scale), true)
    for (const [i, x] of block.entries()) view.setInt8(b * 34 + 2 + i, awayFromZero(Math.fround(x * inverse)))
  }
  return out
}

const awayFromZero = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5)

/** A half, then 16 bytes: element i in the low half of byte i, element i + 16 in the high; real = (code - 8) × half. */
export function packQ4(values: Float32Array): Uint8Array {
  const out = new Uint8Array(ggufBytes('q4_0', values.length))
  const view = new DataView(out.buffer)
  for (let b = 0; b * 32 < values.length; b++) {
    const block = values.subarray(b * 32, b * 32 + 32)
    // The element that is farthest from zero becomes the code 0.
    const far = block.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0)
    const scale = Math.fround(far / -8)
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale)
    view.setUint16(b * 18, toHalf(scale), true)
    const code = (x: number): number => Math.min(15, Math.trunc(Math.fround(Math.fround(x * inverse) + 8.5)))
    for (let i = 0; i < 16; i++) out[b * 18 + 2 + i] = code(block[i]) | (code(block[i + 16]) << 4)
  }
  return out
}

/** The reals of blocks. */
export function unpackBlocks(type: 'q8_0' | 'q4_0', bytes: Uint8Array): Float32Array {
  const size = blocks[type][1]
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values = new Float32Array((bytes.length / size) * 32)
  for (let b = 0; b * size < bytes.length; b++) {
    const scale = fromHalf(view.getUint16(b * size, true))
    for (let i = 0; i < 32; i++) {
      const byte = bytes[b * size + 2 + (type === 'q8_0' ? i : i % 16)]
      const code = type === 'q8_0' ? (byte << 24) >> 24 : (i < 16 ? byte & 15 : byte >> 4) - 8
      values[b * 32 + i] = code * scale
    }
  }
  return values
}
