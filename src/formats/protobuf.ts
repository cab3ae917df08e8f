// The protobuf wire format: fields of a message read one after another, and a writer whose large payloads stay where they are.
// A tag is (field number << 3 | wire type); varints hold 7 bits a byte, low first. See protobuf.dev/programming-guides/encoding.
import { concat, utf8 } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'

/** A part of a file that was not read; `source` is the id of the file. */
export interface Region {
  source: string
  offset: number
  length: number
}

/** A message: its bytes, or the fields found by a walk that left large payloads unread. */
export type Message = Uint8Array | readonly Field[]
export type Payload = Message | Region

/** One occurrence of a field. `bits` holds a varint, or the raw bits of a fixed-width number. */
export type Field = { no: number; wire: 0 | 1 | 5; bits: bigint } | { no: number; wire: 2; payload: Payload }

export const isRegion = (payload: Payload): payload is Region => !(payload instanceof Uint8Array) && 'offset' in payload

export const broken = (what: string): StudioError =>
  new StudioError('malformed', `The protobuf data are broken: ${what}`, {
    hint: 'Copy or download the file again, or export the model again.',
  })

/** Varint at `at` and the position after it; null where the bytes end within it. Kept in numbers as long as they are exact. */
export function readVarint(bytes: Uint8Array, at: number): { bits: bigint; next: number } | null {
  let low = 0
  let scale = 1
  for (let i = 0; i < 7; i++) {
    if (at + i >= bytes.length) return null
    const byte = bytes[at + i]
    low += (byte & 127) * scale
    if (byte < 128) return { bits: BigInt(low), next: at + i + 1 }
    scale *= 128
  }
  let bits = BigInt(low)
  for (let i = 7; i < 10; i++) {
    if (at + i >= bytes.length) return null
    const byte = bytes[at + i]
    bits |= BigInt(byte & 127) << BigInt(7 * i)
    if (byte < 128) return { bits: BigInt.asUintN(64, bits), next: at + i + 1 }
  }
  throw broken('a number is longer than ten bytes')
}

/** The head of a field: its tag and, for a payload, its length. null where the bytes end within it. */
export function readHead(
  bytes: Uint8Array,
  at: number,
): { no: number; wire: 0 | 1 | 2 | 5; bits: bigint; length: number; next: number } | null {
  const tag = readVarint(bytes, at)
  if (!tag) return null
  const key = Number(tag.bits)
  const no = Math.floor(key / 8)
  const wire = key % 8
  if (no === 0 || no > 536870911) throw broken(`field number ${no}`)
  if (wire === 0) {
    const value = readVarint(bytes, tag.next)
    return value && { no, wire, bits: value.bits, length: 0, next: value.next }
  }
  if (wire === 2) {
    const length = readVarint(bytes, tag.next)
    return length && { no, wire, bits: 0n, length: Number(length.bits), next: length.next }
  }
  if (wire !== 1 && wire !== 5) throw broken(`wire type ${wire}`)
  const width = wire === 1 ? 8 : 4
  if (tag.next + width > bytes.length) return null
  let bits = 0n
  for (let i = width - 1; i >= 0; i--) bits = (bits << 8n) | BigInt(bytes[tag.next + i])
  return { no, wire, bits, length: 0, next: tag.next + width }
}

/** The fields of a message in their order. */
export function* fieldsOf(message: Message): Iterable<Field> {
  if (!(message instanceof Uint8Array)) {
    yield* message
    return
  }
  let at = 0
  while (at < message.length) {
    const head = readHead(message, at)
    if (!head || head.next + head.length > message.length) throw broken('a field reaches past the end of its message')
    const { no, wire } = head
    at = head.next + head.length
    if (wire === 2) yield { no, wire, payload: message.subarray(head.next, at) }
    else yield { no, wire, bits: head.bits }
  }
}

// Reading one field as what the schema says; a field of another wire type is broken data.

export function bytesField(field: Field): Uint8Array {
  if (field.wire !== 2 || !(field.payload instanceof Uint8Array)) throw broken(`field ${field.no} is not text or bytes`)
  return field.payload
}
export function messageField(field: Field): Message {
  if (field.wire !== 2 || isRegion(field.payload)) throw broken(`field ${field.no} is not a message`)
  return field.payload
}
export function bitsField(field: Field): bigint {
  if (field.wire !== 0) throw broken(`field ${field.no} is not an integer`)
  return field.bits
}
const decoder = new TextDecoder()
export const stringField = (field: Field): string => decoder.decode(bytesField(field))
/** int64; a bigint only where a number would lose digits. */
export const int64 = (bits: bigint): number | bigint => {
  const value = BigInt.asIntN(64, bits)
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
export const int64Field = (field: Field): number | bigint => int64(bitsField(field))
export const intField = (field: Field): number => Number(int64Field(field))

/** The low 32 bits of the varints of a repeated field, packed or not. */
export function* int32sOf(field: Field): Iterable<number> {
  if (field.wire === 0) {
    yield Number(BigInt.asIntN(32, field.bits))
    return
  }
  let value = 0
  let shift = 0
  for (const byte of bytesField(field)) {
    if (shift < 32) value |= (byte & 127) << shift
    shift += 7
    if (byte < 128) {
      yield value
      value = 0
      shift = 0
    }
  }
  if (shift !== 0) throw broken('a list of numbers ends within a number')
}

const scratch = new DataView(new ArrayBuffer(8))
export function floatField(field: Field): number {
  if (field.wire !== 5) throw broken(`field ${field.no} is not a float`)
  scratch.setUint32(0, Number(field.bits))
  return scratch.getFloat32(0)
}

/** Varints of a repeated field, packed or not. */
export function* varintsOf(field: Field): Iterable<bigint> {
  if (field.wire === 0) {
    yield field.bits
    return
  }
  const bytes = bytesField(field)
  let at = 0
  while (at < bytes.length) {
    const value = readVarint(bytes, at)
    if (!value) throw broken('a list of numbers ends within a number')
    yield value.bits
    at = value.next
  }
}

/** Little-endian bytes of a repeated fixed-width field, packed or not. */
export function fixedOf(field: Field, width: 4 | 8): Uint8Array {
  if (field.wire === 2) {
    const bytes = bytesField(field)
    if (bytes.length % width !== 0) throw broken(`the list in field ${field.no} ends within a number`)
    return bytes
  }
  if (field.wire !== (width === 4 ? 5 : 1)) throw broken(`field ${field.no} is not a list of numbers`)
  scratch.setBigUint64(0, field.bits, true)
  return new Uint8Array(scratch.buffer.slice(0, width))
}

/** Wire bytes of fields as they were, for what a reader does not model. */
export function wireOf(fields: readonly Field[]): Uint8Array | undefined {
  if (fields.length === 0) return undefined
  const writer = new Writer()
  for (const field of fields) {
    if (field.wire === 0) writer.varint(field.no, field.bits)
    else if (field.wire === 2) writer.bytes(field.no, wireOfMessage(messageField(field)))
    else writer.fixed(field.no, field.wire, field.bits)
  }
  return concat(writer.parts().filter(part => part instanceof Uint8Array))
}
const wireOfMessage = (message: Message): Uint8Array =>
  message instanceof Uint8Array ? message : (wireOf(message) ?? new Uint8Array())

/** Builds a message as a list of parts: small fields are gathered, regions are passed through for whoever writes the file. */
export class Writer {
  #done: (Uint8Array | Region)[] = []
  #doneSize = 0
  #open = new Uint8Array(256)
  #used = 0

  get size(): number {
    return this.#doneSize + this.#used
  }

  parts(): (Uint8Array | Region)[] {
    this.#flush()
    return this.#done
  }

  #flush(): void {
    if (this.#used === 0) return
    this.#done.push(this.#open.slice(0, this.#used))
    this.#doneSize += this.#used
    this.#used = 0
  }

  #room(length: number): void {
    if (this.#used + length <= this.#open.length) return
    const grown = new Uint8Array(Math.max(this.#open.length * 2, this.#used + length))
    grown.set(this.#open.subarray(0, this.#used))
    this.#open = grown
  }

  #raw(bytes: Uint8Array): void {
    if (bytes.length > 4096) {
      this.#flush()
      this.#done.push(bytes)
      this.#doneSize += bytes.length
      return
    }
    this.#room(bytes.length)
    this.#open.set(bytes, this.#used)
    this.#used += bytes.length
  }

  #number(bits: bigint): void {
    this.#room(10)
    let rest = BigInt.asUintN(64, bits)
    for (; rest > 127n; rest >>= 7n) this.#open[this.#used++] = Number(rest & 127n) | 128
    this.#open[this.#used++] = Number(rest)
  }

  varint(no: number, value: number | bigint | boolean): void {
    this.#number(BigInt(no * 8))
    this.#number(BigInt(value))
  }

  fixed(no: number, wire: 1 | 5, bits: bigint): void {
    this.#number(BigInt(no * 8 + wire))
    scratch.setBigUint64(0, bits, true)
    this.#raw(new Uint8Array(scratch.buffer.slice(0, wire === 1 ? 8 : 4)))
  }

  float(no: number, value: number): void {
    scratch.setFloat32(0, value)
    this.fixed(no, 5, BigInt(scratch.getUint32(0)))
  }

  bytes(no: number, bytes: Uint8Array): void {
    this.#number(BigInt(no * 8 + 2))
    this.#number(BigInt(bytes.length))
    this.#raw(bytes)
  }

  string(no: number, text: string): void {
    this.bytes(no, utf8(text))
  }

  region(no: number, payload: Region): void {
    this.#number(BigInt(no * 8 + 2))
    this.#number(BigInt(payload.length))
    this.#flush()
    this.#done.push(payload)
    this.#doneSize += payload.length
  }

  message(no: number, build: (inner: Writer) => void): void {
    const inner = new Writer()
    build(inner)
    this.#number(BigInt(no * 8 + 2))
    this.#number(BigInt(inner.size))
    for (const part of inner.parts()) {
      if (part instanceof Uint8Array) this.#raw(part)
      else {
        this.#flush()
        this.#done.push(part)
        this.#doneSize += part.length
      }
    }
  }

  /** Fields that are on the wire already. */
  wire(bytes: Uint8Array | undefined): void {
    if (bytes) this.#raw(bytes)
  }
}
