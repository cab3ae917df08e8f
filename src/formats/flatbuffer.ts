// FlatBuffers (google.github.io/flatbuffers/internals): tables described as data, read into plain records and written from
// them. Every offset is checked against the file, for the buffer of a stranger may point anywhere.
import { Builder } from 'flatbuffers'
import { bytesOf, type DType, type TypedArray, viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'

type Scalar = 'int8' | 'uint8' | 'bool' | 'int32' | 'uint32' | 'uint64' | 'float32'
type Element = 'int8' | 'uint8' | 'bool' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'float32'

interface Arrays {
  int8: Int8Array
  uint8: Uint8Array
  bool: Uint8Array
  uint16: Uint16Array
  int32: Int32Array
  uint32: Uint32Array
  int64: BigInt64Array
  float32: Float32Array
}

export type Field =
  | { kind: 'scalar'; type: Scalar; default: number }
  | { kind: 'vector'; type: Element; align: number } // in bytes, from the start of the file
  | { kind: 'text' }
  | { kind: 'texts' }
  | { kind: 'table'; of: Table }
  | { kind: 'tables'; of: Table }
  | { kind: 'union'; names: readonly string[]; of: Readonly<Record<string, Table>> }
  | { kind: 'skip' } // a field that is not modelled; it is not written

/** Fields in the order of their ids; a union takes two. */
export type Table = Readonly<Record<string, Field>>

export const number = <T extends Scalar>(type: T, fallback = 0) =>
  ({ kind: 'scalar', type, default: fallback }) as const
export const vector = <T extends Element>(type: T, align = 4) => ({ kind: 'vector', type, align }) as const
export const text = { kind: 'text' } as const
export const texts = { kind: 'texts' } as const
export const table = <T extends Table>(of: T) => ({ kind: 'table', of }) as const
export const tables = <T extends Table>(of: T) => ({ kind: 'tables', of }) as const
export const union = <T extends Record<string, Table>>(names: readonly string[], of: T) =>
  ({ kind: 'union', names, of }) as const
export const skip = { kind: 'skip' } as const

type ValueOf<F> = F extends { kind: 'scalar' }
  ? number
  : F extends { kind: 'vector'; type: infer T extends Element }
    ? Arrays[T] | null
    : F extends { kind: 'text' }
      ? string | null
      : F extends { kind: 'texts' }
        ? readonly string[] | null
        : F extends { kind: 'table'; of: infer T extends Table }
          ? RecordOf<T> | null
          : F extends { kind: 'tables'; of: infer T extends Table }
            ? readonly RecordOf<T>[] | null
            : F extends { kind: 'union'; of: infer T extends Readonly<Record<string, Table>> }
              ? MemberOf<T> | null
              : never

/** The chosen member of a union; `name` alone where the member is not modelled. */
type MemberOf<T extends Readonly<Record<string, Table>>> =
  | { [K in keyof T & string]: { name: K; value: RecordOf<T[K]> } }[keyof T & string]
  | { name: ''; other: string }

type Kept<T extends Table> = { [K in keyof T]: T[K] extends { kind: 'skip' } ? never : K }[keyof T]
/** A table as read: numbers have their default where the file is silent, all else is null there. */
export type RecordOf<T extends Table> = { -readonly [K in Kept<T>]: ValueOf<T[K]> }
/** A table to be written: what is left out is left to the default. */
export type PartOf<T extends Table> = { -readonly [K in Kept<T>]?: PartValue<T[K]> }
type PartValue<F> = F extends { kind: 'table'; of: infer T extends Table }
  ? PartOf<T> | null
  : F extends { kind: 'tables'; of: infer T extends Table }
    ? readonly PartOf<T>[] | null
    : F extends { kind: 'union'; of: infer T extends Readonly<Record<string, Table>> }
      ? { [K in keyof T & string]: { name: K; value: PartOf<T[K]> } }[keyof T & string] | null
      : F extends { kind: 'vector' }
        ? ValueOf<F> | readonly number[]
        : F extends { kind: 'scalar'; type: 'bool' }
          ? number | boolean
          : ValueOf<F>

const sizes: Record<Element | Scalar, number> = {
  int8: 1,
  uint8: 1,
  bool: 1,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float32: 4,
}

/** The root table. Vectors are views of `bytes` where they are aligned, so their place in the file can be told. */
export function readFlatBuffer<T extends Table>(bytes: Uint8Array, root: T, file: string): RecordOf<T> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const decoder = new TextDecoder()
  // Tables may share what they point to, but a sound file is not read many times over.
  let budget = 8 * bytes.length + 1024
  const broken = (what: string): StudioError =>
    new StudioError('malformed', `${file} is damaged: ${what}`, {
      where: { file },
      hint: 'Copy or download the file again; it may be cut short.',
    })
  const at = (offset: number, length: number): number => {
    if (offset < 0 || length < 0 || offset + length > bytes.length)
      throw new StudioError(
        'truncated',
        `${file} ends at byte ${bytes.length}, and refers to byte ${offset + length}`,
        {
          where: { file },
          hint: 'Copy or download the file again; it is cut short.',
        },
      )
    budget -= length + 4
    if (budget < 0) throw broken('its tables refer to each other without end')
    return offset
  }
  const uint32 = (offset: number): number => view.getUint32(at(offset, 4), true)
  const pointed = (offset: number): number => offset + uint32(offset)
  const readText = (offset: number): string => {
    const length = uint32(offset)
    return decoder.decode(bytes.subarray(at(offset + 4, length), offset + 4 + length))
  }
  const readVector = (offset: number, type: Element): TypedArray => {
    const length = uint32(offset) * sizes[type]
    return viewAs(type as DType, bytes.subarray(at(offset + 4, length), offset + 4 + length))
  }
  const each = <V>(offset: number, read: (position: number) => V): V[] => {
    const count = uint32(offset)
    at(offset + 4, count * 4)
    return Array.from({ length: count }, (_, i) => read(pointed(offset + 4 + 4 * i)))
  }
  const scalar = (offset: number, type: Scalar): number => {
    at(offset, sizes[type])
    if (type === 'int32') return view.getInt32(offset, true)
    if (type === 'uint32') return view.getUint32(offset, true)
    if (type === 'uint64') return Number(view.getBigUint64(offset, true))
    if (type === 'float32') return view.getFloat32(offset, true)
    return type === 'int8' ? view.getInt8(offset) : view.getUint8(offset)
  }
  const readTable = (position: number, fields: Table): Record<string, unknown> => {
    const vtable = position - view.getInt32(at(position, 4), true)
    const vtableSize = view.getUint16(at(vtable, 2), true)
    at(vtable, vtableSize)
    const placeOf = (id: number): number => {
      const entry = 4 + 2 * id
      const offset = entry + 2 <= vtableSize ? view.getUint16(vtable + entry, true) : 0
      return offset === 0 ? 0 : position + offset
    }
    const record: Record<string, unknown> = {}
    let id = 0
    for (const [name, field] of Object.entries(fields)) {
      const place = placeOf(id++)
      if (field.kind === 'scalar') record[name] = place ? scalar(place, field.type) : field.default
      else if (field.kind === 'union') record[name] = readMember(place, placeOf(id++), field.names, field.of)
      else if (field.kind !== 'skip') record[name] = place ? readField(pointed(place), field) : null
    }
    return record
  }
  const readField = (position: number, field: Exclude<Field, { kind: 'scalar' | 'union' | 'skip' }>): unknown => {
    switch (field.kind) {
      case 'vector':
        return readVector(position, field.type)
      case 'text':
        return readText(position)
      case 'texts':
        return each(position, readText)
      case 'table':
        return readTable(position, field.of)
      case 'tables':
        return each(position, table => readTable(table, field.of))
    }
  }
  const readMember = (
    typePlace: number,
    valuePlace: number,
    names: readonly string[],
    of: Readonly<Record<string, Table>>,
  ): unknown => {
    const type = typePlace ? scalar(typePlace, 'uint8') : 0
    if (type === 0 || !valuePlace) return null
    const name = names[type - 1]
    if (name === undefined || !Object.hasOwn(of, name)) return { name: '', other: name ?? String(type) }
    return { name, value: readTable(pointed(valuePlace), of[name]) }
  }
  return readTable(pointed(0), root) as RecordOf<T>
}

function typed(list: readonly number[], type: Element): TypedArray {
  if (type === 'int64') return BigInt64Array.from(list, BigInt)
  const array = viewAs(type, new Uint8Array(sizes[type] * list.length)) as Float32Array
  array.set(list)
  return array
}

/** The bytes of a buffer whose root is `record`. Equal records give equal bytes. */
export function writeFlatBuffer<T extends Table>(record: PartOf<T>, root: T, identifier?: string): Uint8Array {
  const builder = new Builder(65536)
  const offsets = (list: readonly number[]): number => {
    builder.startVector(4, list.length, 4)
    for (let i = list.length - 1; i >= 0; i--) builder.addOffset(list[i])
    return builder.endVector()
  }
  const numbers = (given: TypedArray | readonly number[], type: Element, align: number): number => {
    const array = ArrayBuffer.isView(given) ? given : typed(given, type)
    const raw = bytesOf(array)
    const size = sizes[type]
    if (size === 1) {
      builder.prep(align, raw.length)
      return builder.createByteVector(raw)
    }
    builder.startVector(size, array.length, size)
    if (array instanceof BigInt64Array) for (let i = array.length - 1; i >= 0; i--) builder.addInt64(array[i])
    else if (size === 2) for (let i = array.length - 1; i >= 0; i--) builder.addInt16(Number(array[i]))
    else {
      const words = viewAs('int32', raw) as Int32Array
      for (let i = words.length - 1; i >= 0; i--) builder.addInt32(words[i])
    }
    return builder.endVector()
  }
  const writeValue = (value: unknown, field: Field): number => {
    switch (field.kind) {
      case 'vector':
        return numbers(value as TypedArray | readonly number[], field.type, field.align)
      case 'text':
        return builder.createString(value as string)
      case 'texts':
        return offsets((value as readonly string[]).map(s => builder.createString(s)))
      case 'table':
        return writeTable(value as Record<string, unknown>, field.of)
      case 'tables':
        return offsets((value as readonly Record<string, unknown>[]).map(v => writeTable(v, field.of)))
      case 'union': {
        const { name, value: member } = value as { name: string; value: Record<string, unknown> }
        return writeTable(member, field.of[name])
      }
      default:
        return 0
    }
  }
  const writeTable = (values: Record<string, unknown>, fields: Table): number => {
    const entries = Object.entries(fields)
    const places = entries.map(([name, field]) =>
      field.kind === 'scalar' || field.kind === 'skip' || values[name] == null ? 0 : writeValue(values[name], field),
    )
    builder.startObject(entries.length + entries.filter(([, field]) => field.kind === 'union').length)
    let id = 0
    for (const [i, [name, field]] of entries.entries()) {
      if (field.kind === 'scalar') addScalar(id++, field.type, Number(values[name] ?? field.default), field.default)
      else if (field.kind === 'union') {
        const member = values[name] as { name: string } | null | undefined
        builder.addFieldInt8(id++, member ? field.names.indexOf(member.name) + 1 : 0, 0)
        builder.addFieldOffset(id++, places[i], 0)
      } else builder.addFieldOffset(id++, places[i], 0)
    }
    return builder.endObject()
  }
  const addScalar = (id: number, type: Scalar, value: number, fallback: number): void => {
    if (type === 'float32') builder.addFieldFloat32(id, Math.fround(value), Math.fround(fallback))
    else if (type === 'uint64') builder.addFieldInt64(id, BigInt(value), BigInt(fallback))
    else if (type === 'int32' || type === 'uint32') builder.addFieldInt32(id, value, fallback)
    else builder.addFieldInt8(id, value, fallback)
  }
  builder.finish(writeTable(record as Record<string, unknown>, root), identifier)
  return builder.asUint8Array()
}
