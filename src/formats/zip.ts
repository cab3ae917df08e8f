// Zip archives (PKWARE APPNOTE 6.3): a reader by the central directory, zip64 included, whose entries are byte sources of
// their own; and a writer of stored entries without timestamps, so that equal files give equal bytes.
import { inflateSync } from 'fflate'
import { type ByteSource, concat, text, utf8 } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { crc32 } from './crc32.ts'

/** A file inside a zip. Each read of a deflated entry inflates the whole of it; one who reads in parts keeps the bytes. */
export interface ZipEntry extends ByteSource {
  readonly stored: boolean
  /** All of it, a stored one in parts, with its checksum compared at the end. */
  chunks(): AsyncIterable<Uint8Array>
}

const partBytes = 4 << 20

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const broken = (source: ByteSource, what: string): StudioError =>
  new StudioError('malformed', `${source.name} is not a readable zip: ${what}.`, {
    where: { file: source.name },
    hint: 'Make or copy the archive again.',
  })

/** The files of a zip by path, in the order of its directory; folders are left out. */
export async function readZip(source: ByteSource): Promise<Map<string, ZipEntry>> {
  const { offset, length, count } = await locateDirectory(source)
  if (offset + length > source.size) throw broken(source, 'its directory lies past the end of the file')
  const bytes = await source.read(offset, length)
  const view = viewOf(bytes)
  const entries = new Map<string, ZipEntry>()
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + 46 > length || view.getUint32(at, true) !== 0x02014b50) throw broken(source, `entry ${i} is damaged`)
    const flags = view.getUint16(at + 8, true)
    const method = view.getUint16(at + 10, true)
    const crc = view.getUint32(at + 16, true)
    const nameLength = view.getUint16(at + 28, true)
    const extraLength = view.getUint16(at + 30, true)
    const commentLength = view.getUint16(at + 32, true)
    const path = text(bytes.subarray(at + 46, at + 46 + nameLength))
    const extra = bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength)
    const [size, packed, header] = wideFields(extra, [
      view.getUint32(at + 24, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 42, true),
    ])
    at += 46 + nameLength + extraLength + commentLength
    if (path.endsWith('/')) continue
    if (flags & 1) throw broken(source, `${path} is encrypted`)
    if (method !== 0 && method !== 8) throw broken(source, `${path} uses compression method ${method}`)
    entries.set(path, entryOf(source, path, { size, packed, header, crc, stored: method === 0 }))
  }
  return entries
}

async function locateDirectory(source: ByteSource): Promise<{ offset: number; length: number; count: number }> {
  const tailLength = Math.min(source.size, 22 + 65535 + 20)
  const start = source.size - tailLength
  const tail = await source.read(start, tailLength)
  const view = viewOf(tail)
  let at = tailLength - 22
  while (at >= 0 && !(view.getUint32(at, true) === 0x06054b50 && at + 22 + view.getUint16(at + 20, true) <= tailLength))
    at--
  if (at < 0) throw broken(source, 'the end-of-directory record is missing (was the file cut short?)')
  const plain = {
    offset: view.getUint32(at + 16, true),
    length: view.getUint32(at + 12, true),
    count: view.getUint16(at + 10, true),
  }
  const wide = plain.offset === 0xffffffff || plain.length === 0xffffffff || plain.count === 0xffff
  if (!wide || at < 20 || view.getUint32(at - 20, true) !== 0x07064b50) return plain
  const recordAt = Number(view.getBigUint64(at - 20 + 8, true))
  if (recordAt + 56 > source.size) throw broken(source, 'its zip64 record lies past the end of the file')
  const record = viewOf(await source.read(recordAt, 56))
  if (record.getUint32(0, true) !== 0x06064b50) throw broken(source, 'its zip64 record is damaged')
  return {
    offset: Number(record.getBigUint64(48, true)),
    length: Number(record.getBigUint64(40, true)),
    count: Number(record.getBigUint64(32, true)),
  }
}

/** Fields of 0xffffffff stand, in this order, in the zip64 extra field as 64-bit numbers. */
function wideFields(extra: Uint8Array, fields: number[]): number[] {
  const view = viewOf(extra)
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue
    let next = at + 4
    return fields.map(field => {
      if (field !== 0xffffffff || next + 8 > extra.length) return field
      next += 8
      return Number(view.getBigUint64(next - 8, true))
    })
  }
  return fields
}

function entryOf(
  source: ByteSource,
  path: string,
  entry: { size: number; packed: number; header: number; crc: number; stored: boolean },
): ZipEntry {
  const dataOffset = async (): Promise<number> => {
    // The local header repeats name and extra field, with lengths of its own.
    if (entry.header + 30 > source.size) throw broken(source, `${path} lies past the end of the file`)
    const local = viewOf(await source.read(entry.header, 30))
    if (local.getUint32(0, true) !== 0x04034b50) throw broken(source, `the header of ${path} is damaged`)
    const offset = entry.header + 30 + local.getUint16(26, true) + local.getUint16(28, true)
    if (offset + entry.packed > source.size) throw broken(source, `${path} is cut short`)
    return offset
  }
  let known: Promise<number> | null = null
  const check = (crc: number): void => {
    if (crc !== entry.crc) throw broken(source, `the checksum of ${path} is wrong`)
  }
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const start = await (known ??= dataOffset())
    if (entry.stored) {
      const bytes = await source.read(start + offset, length)
      if (offset === 0 && length === entry.size) check(crc32(bytes))
      return bytes
    }
    const packed = await source.read(start, entry.packed)
    const bytes = inflate(source, path, packed, entry.size)
    check(crc32(bytes))
    return bytes.subarray(offset, offset + length)
  }
  return {
    name: path,
    size: entry.size,
    stored: entry.stored,
    read,
    async *chunks() {
      if (!entry.stored || entry.size <= partBytes) {
        yield await read(0, entry.size)
        return
      }
      let crc = 0
      for (let at = 0; at < entry.size; at += partBytes) {
        const part = await read(at, Math.min(partBytes, entry.size - at))
        crc = crc32(part, crc)
        yield part
      }
      check(crc)
    },
  }
}

function inflate(source: ByteSource, path: string, packed: Uint8Array, size: number): Uint8Array {
  try {
    return inflateSync(packed, { out: new Uint8Array(size) })
  } catch (cause) {
    throw new StudioError('malformed', `${path} in ${source.name} cannot be decompressed.`, {
      where: { file: source.name },
      hint: 'Make or copy the archive again.',
      cause,
    })
  }
}

/** A stored entry to be written: its bytes' number, and their CRC-32. */
export interface StoredEntry {
  path: string
  size: number
  crc: number
}

/** What stands in a zip before the bytes of each entry, and behind the last. */
export interface ZipFrame {
  heads: Uint8Array[]
  tail: Uint8Array
}

/**
 * The frame of a zip of stored entries dated 1980-01-01, so that a zip may be put together of bytes that nobody has in memory; zip64
 * where it is large. `before`: bytes of the file that it stands behind.
 */
export function zipFrame(entries: readonly StoredEntry[], before = 0): ZipFrame {
  const heads: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let offset = before
  for (const { path, size, crc } of entries) {
    const name = utf8(path)
    const large = size >= wide
    const inHead = large ? wideExtra([size, size]) : nothing
    const inDirectory = wideExtra([...(large ? [size, size] : []), ...(offset >= wide ? [offset] : [])])
    const fields = (extra: Uint8Array): Uint8Array => {
      const view = new DataView(new ArrayBuffer(26)) // what local header and directory entry share
      view.setUint16(0, extra.length > 0 ? 45 : 20, true) // version needed
      view.setUint16(2, 0x800, true) // names are UTF-8
      view.setUint16(8, 0x21, true) // 1980-01-01
      view.setUint32(10, crc, true)
      view.setUint32(14, Math.min(size, wide), true)
      view.setUint32(18, Math.min(size, wide), true)
      view.setUint16(22, name.length, true)
      view.setUint16(24, extra.length, true)
      return new Uint8Array(view.buffer)
    }
    const head = concat([le32(0x04034b50), fields(inHead), name, inHead])
    heads.push(head)
    const rest = new DataView(new ArrayBuffer(14)) // comment length, disk, attributes, offset of the local header
    rest.setUint32(10, Math.min(offset, wide), true)
    const made = Uint8Array.of(inDirectory.length > 0 ? 45 : 20, 0)
    directory.push(le32(0x02014b50), made, fields(inDirectory), new Uint8Array(rest.buffer), name, inDirectory)
    offset += head.length + size
  }
  const size = directory.reduce((n, p) => n + p.length, 0)
  return { heads, tail: concat([...directory, ...endOf(entries.length, size, offset)]) }
}

function endOf(count: number, size: number, offset: number): Uint8Array[] {
  const end = new DataView(new ArrayBuffer(22))
  end.setUint32(0, 0x06054b50, true)
  end.setUint16(8, Math.min(count, 0xffff), true)
  end.setUint16(10, Math.min(count, 0xffff), true)
  end.setUint32(12, Math.min(size, wide), true)
  end.setUint32(16, Math.min(offset, wide), true)
  const plain = new Uint8Array(end.buffer)
  if (count < 0xffff && size < wide && offset < wide) return [plain]
  const record = new DataView(new ArrayBuffer(56))
  record.setUint32(0, 0x06064b50, true)
  record.setBigUint64(4, 44n, true) // what follows of this record
  record.setUint16(12, 45, true)
  record.setUint16(14, 45, true)
  record.setBigUint64(24, BigInt(count), true)
  record.setBigUint64(32, BigInt(count), true)
  record.setBigUint64(40, BigInt(size), true)
  record.setBigUint64(48, BigInt(offset), true)
  const locator = new DataView(new ArrayBuffer(20))
  locator.setUint32(0, 0x07064b50, true)
  locator.setBigUint64(8, BigInt(offset + size), true)
  locator.setUint32(16, 1, true) // disks
  return [new Uint8Array(record.buffer), new Uint8Array(locator.buffer), plain]
}

const wide = 0xffffffff
const nothing = new Uint8Array(0)

function wideExtra(values: readonly number[]): Uint8Array {
  if (values.length === 0) return nothing
  const view = new DataView(new ArrayBuffer(4 + 8 * values.length))
  view.setUint16(0, 1, true)
  view.setUint16(2, 8 * values.length, true)
  for (const [k, value] of values.entries()) view.setBigUint64(4 + 8 * k, BigInt(value), true)
  return new Uint8Array(view.buffer)
}

/** A zip of stored entries without timestamps: the same files give the same bytes. `before`: as for the frame. */
export function writeZip(files: readonly { path: string; bytes: Uint8Array }[], before = 0): Uint8Array {
  const entries = files.map(({ path, bytes }) => ({ path, size: bytes.length, crc: crc32(bytes) }))
  const { heads, tail } = zipFrame(entries, before)
  return concat([...files.flatMap(({ bytes }, k) => [heads[k], bytes]), tail])
}

const le32 = (value: number): Uint8Array =>
  Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24)
