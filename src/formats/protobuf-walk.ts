// Walks a protobuf file that is too large to be read whole: messages that hold large payloads are opened, the payloads
// themselves stay in the file as regions, and everything else is read through a window that grows while reading goes straight on.
import type { ByteSource } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { broken, type Field, readHead } from './protobuf.ts'

/** What a field is to the walk: a message to open when it is large, or a payload to leave in the file when it is large. */
export interface WalkSchema {
  readonly [no: number]: (() => WalkSchema) | 'region'
}

/** Payloads up to this size are read. */
export const inlineLimit = 16384
const smallestWindow = 2048
const largestWindow = 262144
const longestHead = 20
const deepest = 100

/** The fields of the message that the file is; regions carry `id`. */
export async function walk(source: ByteSource, id: string, schema: WalkSchema): Promise<Field[]> {
  let start = 0
  let bytes: Uint8Array = new Uint8Array()
  let window = smallestWindow

  /** Bytes from `offset` on, at least `length` of them unless the file ends before. */
  const load = async (offset: number, length: number): Promise<Uint8Array> => {
    const have = start + bytes.length
    if (offset + length > have) {
      window = offset <= have ? Math.min(window * 2, largestWindow) : smallestWindow
      const wanted = Math.min(Math.max(length, window), source.size - offset)
      bytes = await source.read(offset, wanted)
      if (bytes.length !== wanted) throw truncated(source)
      start = offset
    }
    return bytes.subarray(offset - start)
  }

  const message = async (from: number, end: number, schema: WalkSchema, depth: number): Promise<Field[]> => {
    if (depth > deepest) throw broken(`messages are nested deeper than ${deepest}`)
    const fields: Field[] = []
    let at = from
    while (at < end) {
      let view = bytes.subarray(at - start)
      if (view.length < longestHead) view = await load(at, Math.min(longestHead, end - at))
      const head = readHead(view.length > end - at ? view.subarray(0, end - at) : view, 0)
      const payload = at + (head?.next ?? 0)
      if (!head || payload + head.length > end)
        throw end === source.size ? truncated(source) : broken('a field reaches past the end of its message')
      const { no, wire, length } = head
      at = payload + length
      if (wire !== 2) {
        fields.push({ no, wire, bits: head.bits })
        continue
      }
      const rule = length > inlineLimit ? schema[no] : undefined
      if (rule === 'region') fields.push({ no, wire, payload: { source: id, offset: payload, length } })
      else if (rule) fields.push({ no, wire, payload: await message(payload, at, rule(), depth + 1) })
      else {
        const held = at <= start + bytes.length ? bytes.subarray(payload - start) : await load(payload, length)
        fields.push({ no, wire, payload: held.subarray(0, length) })
      }
    }
    return fields
  }

  return message(0, source.size, schema, 0)
}

export const truncated = (source: ByteSource): StudioError =>
  new StudioError('truncated', `${source.name} ends too early, after ${source.size} bytes`, {
    where: { file: source.name },
    hint: 'Copy or download the file again, completely.',
  })
