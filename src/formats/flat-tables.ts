// FlatBuffers by a schema given as data: bytes to plain records and back. Every offset is held against the file before it is followed.
// https://flatbuffers.dev/internals
//
// A table is one string, its fields in the order of their ids: `padding:byte stride:int=1 name:string tensors:[Tensor] data:[ubyte]@16
// options:<Options>`. A union follows the field that holds its type; `-` stands for a field that nobody needs.
import { Builder } from 'flatbuffers'
import { text } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'

export interface Schema {
  tables: Readonly<Record<string, string>>
  /** Table names by the number that stands for them. */
  unions: Readonly<Record<string, readonly string[]>>
}

/** A table's fields by name; what has its default is left out. */
export type FlatRecord = { readonly [field: string]: FlatValue | undefined }
export type FlatValue = number | boolean | string | Uint8Array | readonly number[] | FlatRecord | readonly FlatRecord[]

const widths = {
  bool: 1,
  byte: 1,
  ubyte: 1,
  short: 2,
  ushort: 2,
  int: 4,
  uint: 4,
  float: 4,
  long: 8,
  ulong: 8,
} as const
type Scalar = keyof typeof widths
const isScalar = (type: string): type is Scalar => type in widths

interface Field {
  id: number
  name: string
  type: string
  many: boolean
  union: boolean
  fallback: number
  align: number
}

const parsed = new Map<string, readonly Field[]>()

function fieldsOf(table: string): readonly Field[] {
  const known = parsed.get(table)
  if (known) return known
  const fields = table.split(' ').flatMap((word, id): Field[] => {
    const match = /^(\w+):([[<]?)(\w+)[\]>]?(?:=([\d.-]+))?(?:@(\d+))?$/.exec(word)
    if (!match) return []
    const [, name, bracket, type, fallback = '0', align = '1'] = match
    const kind = { many: bracket === '[', union: bracket === '<' }
    return [{ id, name, type, ...kind, fallback: Number(fallback), align: Number(align) }]
  })
  parsed.set(table, fields)
  return fields
}

/** The root table. Vectors of bytes are views of `bytes`. */
export function readFlat(bytes: Uint8Array, schema: Schema, root: string): FlatRecord {
  return new Reader(bytes, schema).root(root)
}

class Reader {
  private readonly view: DataView
  // A few bytes can refer to one table so often that its copies fill the memory.
  private left: number

  constructor(
    private readonly bytes: Uint8Array,
    private readonly schema: Schema,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.left = 4 * bytes.byteLength + 1024
  }

  root(name: string): FlatRecord {
    return this.table(this.indirect(0), name)
  }

  private table(at: number, name: string): FlatRecord {
    this.spend(1)
    const vtable = at - this.scalar(at, 'int')
    const size = this.scalar(vtable, 'ushort')
    const record: Record<string, FlatValue> = {}
    for (const field of fieldsOf(this.schema.tables[name])) {
      const entry = 4 + 2 * field.id
      const offset = entry + 2 <= size ? this.scalar(vtable + entry, 'ushort') : 0
      if (offset === 0) continue
      const value = this.field(at + offset, field, record)
      if (value !== undefined) record[field.name] = value
    }
    return record
  }

  private field(at: number, { name, type, many, union }: Field, record: FlatRecord): FlatValue | undefined {
    if (union) {
      const table = this.schema.unions[type][record[`${name}Type`] as number]
      return table !== undefined && table in this.schema.tables ? this.table(this.indirect(at), table) : undefined
    }
    if (many) return this.vector(this.indirect(at), type)
    if (type === 'string') return this.string(this.indirect(at))
    if (!isScalar(type)) return this.table(this.indirect(at), type)
    const value = this.scalar(at, type)
    return type === 'bool' ? value !== 0 : value
  }

  private vector(at: number, type: string): FlatValue {
    const count = this.scalar(at, 'uint')
    const start = at + 4
    if (!isScalar(type)) {
      this.need(start, 4 * count)
      this.spend(count)
      return Array.from({ length: count }, (_, i) => this.table(this.indirect(start + 4 * i), type))
    }
    const width = widths[type]
    this.need(start, width * count)
    if (type === 'ubyte') return this.bytes.subarray(start, start + count)
    this.spend(count)
    return Array.from({ length: count }, (_, i) => this.scalar(start + width * i, type))
  }

  private string(at: number): string {
    const length = this.scalar(at, 'uint')
    this.need(at + 4, length)
    this.spend(length)
    return text(this.bytes.subarray(at + 4, at + 4 + length))
  }

  private indirect(at: number): number {
    return at + this.scalar(at, 'uint')
  }

  private scalar(at: number, type: Scalar): number {
    this.need(at, widths[type])
    const { view } = this
    switch (type) {
      case 'byte':
        return view.getInt8(at)
      case 'bool':
      case 'ubyte':
        return view.getUint8(at)
      case 'short':
        return view.getInt16(at, true)
      case 'ushort':
        return view.getUint16(at, true)
      case 'int':
        return view.getInt32(at, true)
      case 'uint':
        return view.getUint32(at, true)
      case 'float':
        return view.getFloat32(at, true)
      case 'long':
        return Number(view.getBigInt64(at, true))
      case 'ulong':
        return Number(view.getBigUint64(at, true))
    }
  }

  private need(at: number, length: number): void {
    const { byteLength } = this.bytes
    if (at >= 0 && at + length <= byteLength) return
    throw new StudioError('truncated', `The file ends at byte ${byteLength}, and refers to bytes from ${at} on`, {
      hint: 'Copy or export the file again: it is cut off or damaged.',
    })
  }

  private spend(count: number): void {
    this.left -= count
    if (this.left >= 0) return
    throw new StudioError('malformed', 'The file refers to the same tables over and over', {
      hint: 'Copy or export the file again: it is damaged.',
    })
  }
}

/** The bytes of a root table under a file identifier of four letters. */
export function writeFlat(record: FlatRecord, schema: Schema, root: string, identifier: string): Uint8Array {
  const builder = new Builder(1024)
  builder.finish(new Writer(builder, schema).table(record, root), identifier)
  return builder.asUint8Array()
}

class Writer {
  constructor(
    private readonly builder: Builder,
    private readonly schema: Schema,
  ) {}

  /** What a table refers to is written before it. */
  table(record: FlatRecord, name: string): number {
    const { builder } = this
    const fields = fieldsOf(this.schema.tables[name])
    const offsets = fields.map(field => this.reference(record, field))
    builder.startObject((fields.at(-1)?.id ?? -1) + 1)
    for (const [i, { id, name, type, fallback }] of fields.entries()) {
      const value = record[name]
      if (value === undefined) continue
      if (offsets[i] !== null) builder.addFieldOffset(id, offsets[i], 0)
      else this.scalar(id, type as Scalar, Number(value), fallback)
    }
    return builder.endObject()
  }

  private reference(record: FlatRecord, { name, type, many, union, align }: Field): number | null {
    const value = record[name]
    if (value === undefined) return null
    if (union) return this.table(value as FlatRecord, this.schema.unions[type][record[`${name}Type`] as number])
    if (many) return this.vector(value, type, align)
    if (type === 'string') return this.builder.createString(value as string)
    return isScalar(type) ? null : this.table(value as FlatRecord, type)
  }

  private vector(value: FlatValue, type: string, align: number): number {
    const { builder } = this
    if (value instanceof Uint8Array) {
      builder.prep(Math.max(4, align), value.length)
      return builder.createByteVector(value)
    }
    if (!isScalar(type)) {
      const offsets = (value as readonly FlatRecord[]).map(record => this.table(record, type))
      builder.startVector(4, offsets.length, 4)
      for (const offset of offsets.reverse()) builder.addOffset(offset)
      return builder.endVector()
    }
    const numbers = value as readonly number[]
    builder.startVector(widths[type], numbers.length, widths[type])
    for (let i = numbers.length - 1; i >= 0; i--) this.element(type, numbers[i])
    return builder.endVector()
  }

  private element(type: Scalar, value: number): void {
    const { builder } = this
    if (type === 'float') builder.addFloat32(value)
    else if (widths[type] === 8) builder.addInt64(BigInt(value))
    else if (widths[type] === 4) builder.addInt32(value)
    else if (widths[type] === 2) builder.addInt16(value)
    else builder.addInt8(value)
  }

  private scalar(id: number, type: Scalar, value: number, fallback: number): void {
    const { builder } = this
    if (type === 'float') builder.addFieldFloat32(id, value, fallback)
    else if (widths[type] === 8) builder.addFieldInt64(id, BigInt(value), BigInt(fallback))
    else if (widths[type] === 4) builder.addFieldInt32(id, value, fallback)
    else if (widths[type] === 2) builder.addFieldInt16(id, value, fallback)
    else builder.addFieldInt8(id, value, fallback)
  }
}
