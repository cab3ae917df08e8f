import { zipSync } from 'fflate'
import { expect, test } from 'vitest'
import { type ByteSource, collect, concat, memorySource, readAll, text, utf8 } from '../../src/base/bytes.ts'
import { viewAs } from '../../src/base/dtype.ts'
import { crc32 } from '../../src/formats/crc32.ts'
import { parseCsv } from '../../src/formats/csv.ts'
import { readNpy, writeNpy } from '../../src/formats/npy.ts'
import { readNpz, writeNpz } from '../../src/formats/npz.ts'
import { readZip, writeZip, zipFrame } from '../../src/formats/zip.ts'

test('CRC-32 of the check string is that of the catalogue', () => {
  expect(crc32(utf8('123456789'))).toBe(0xcbf43926)
})

test('a written .npy is byte for byte what numpy.save writes', () => {
  // numpy 2.4: np.save(f, np.array([[1, 2], [3, 4]], '<i2')), read with xxd
  const numpy =
    "\u0093NUMPY\u0001\u0000v\u0000{'descr': '<i2', 'fortran_order': False, 'shape': (2, 2), }".padEnd(127, ' ') +
    '\n\u0001\u0000\u0002\u0000\u0003\u0000\u0004\u0000'
  const ours = writeNpy({ dtype: 'int16', shape: [2, 2], data: Int16Array.of(1, 2, 3, 4) })
  expect(String.fromCharCode(...ours)).toBe(numpy)
})

test('an .npy of every rank comes back with its type, shape and elements', async () => {
  for (const shape of [[], [3], [2, 3], [1, 2, 3, 1]]) {
    const data = Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => i / 3)
    const array = await readNpy(memorySource('a.npy', writeNpy({ dtype: 'float64', shape, data })), 'a')
    expect(array.shape).toEqual(shape)
    const bytes = await array.source.read(array.offset, data.byteLength)
    expect(viewAs(array.dtype, bytes)).toEqual(data)
  }
})

test('a damaged .npy is refused with its name', async () => {
  const whole = writeNpy({ dtype: 'float32', shape: [4], data: new Float32Array(4) })
  await expect(readNpy(memorySource('cut.npy', whole.subarray(0, whole.length - 4)), 'a')).rejects.toThrow(
    /cut\.npy: cut short/,
  )
  await expect(readNpy(memorySource('no.npy', utf8('hello, no array here')), 'a')).rejects.toThrow(/no \.npy/)
  const header = String.fromCharCode(...whole.subarray(0, 128))
    .replace('False', 'True')
    .replace('(4,)', '(2,2)')
  const fortran = Uint8Array.from([...header, ...' '.repeat(16)], c => c.charCodeAt(0))
  await expect(readNpy(memorySource('f.npy', fortran), 'a')).rejects.toThrow(/column by column/)
})

test('an .npz is written to the same bytes twice and read back, stored or deflated', async () => {
  const arrays = {
    x: { dtype: 'float32' as const, shape: [2, 2], data: Float32Array.of(1, -2, 3.5, 0) },
    labels: { dtype: 'int64' as const, shape: [2], data: BigInt64Array.of(7n, -1n) },
  }
  const bytes = writeNpz(arrays)
  expect(writeNpz(arrays)).toEqual(bytes)
  const deflated = zipSync({ 'x.npy': writeNpy(arrays.x), 'labels.npy': writeNpy(arrays.labels) }, { level: 6 })
  for (const file of [bytes, deflated]) {
    const read = await readNpz(memorySource('a.npz', file))
    expect([...read.keys()]).toEqual(['x', 'labels'])
    const x = read.get('x')!
    expect(viewAs(x.dtype, await x.source.read(x.offset, 16))).toEqual(arrays.x.data)
  }
})

test('a zip gives its files as sources that can be read in parts; a damaged one is refused', async () => {
  const files = [
    { path: 'a/b.txt', bytes: utf8('hello') },
    { path: 'ü.txt', bytes: utf8('wide') },
  ]
  const zip = writeZip(files)
  const read = await readZip(memorySource('z.zip', zip))
  expect(text(await readAll(read.get('a/b.txt')!))).toBe('hello')
  expect(text(await read.get('ü.txt')!.read(1, 2))).toBe('id')
  await expect(readZip(memorySource('z.zip', zip.subarray(0, zip.length - 30)))).rejects.toThrow(/cut short/)
  const flipped = zip.slice()
  flipped[30 + 'a/b.txt'.length] ^= 1
  const damaged = await readZip(memorySource('z.zip', flipped))
  await expect(readAll(damaged.get('a/b.txt')!)).rejects.toThrow(/checksum of a\/b\.txt/)
})

test('zip64: sizes and offset are taken from the extra field, count and directory from the 64-bit record', async () => {
  const data = utf8('zip64')
  const parts: number[] = []
  const u16 = (v: number): void => void parts.push(v & 255, v >> 8)
  const u32 = (v: number): void => {
    u16(v & 0xffff)
    u16(v >>> 16)
  }
  const u64 = (v: number): void => {
    u32(v)
    u32(0)
  }
  u32(0x04034b50)
  for (const v of [45, 0, 0, 0, 0x21]) u16(v)
  u32(crc32(data))
  u32(data.length)
  u32(data.length)
  u16(1)
  u16(0)
  parts.push(0x61, ...data)
  const directory = parts.length
  u32(0x02014b50)
  for (const v of [45, 45, 0, 0, 0, 0x21]) u16(v)
  u32(crc32(data))
  u32(0xffffffff)
  u32(0xffffffff)
  for (const v of [1, 28, 0, 0, 0]) u16(v)
  u32(0)
  u32(0xffffffff)
  parts.push(0x61)
  u16(1)
  u16(24)
  for (const v of [data.length, data.length, 0]) u64(v)
  const record = parts.length
  u32(0x06064b50)
  u64(44)
  u16(45)
  u16(45)
  u32(0)
  u32(0)
  for (const v of [1, 1, record - directory, directory]) u64(v)
  u32(0x07064b50)
  u32(0)
  u64(record)
  u32(1)
  u32(0x06054b50)
  for (const v of [0, 0, 0xffff, 0xffff]) u16(v)
  u32(0xffffffff)
  u32(0xffffffff)
  u16(0)
  const read = await readZip(memorySource('wide.zip', Uint8Array.from(parts)))
  expect(text(await readAll(read.get('a')!))).toBe('zip64')
})

test('the frame of a zip with more than 4 GiB in it is read back as it was meant', async () => {
  const last = utf8('behind it')
  const entries = [
    { path: 'large', size: 5_000_000_000, crc: 0 },
    { path: 'last', size: last.length, crc: crc32(last) },
  ]
  const { heads, tail } = zipFrame(entries)
  // Only what is not zero of it is there.
  const pieces: [number, Uint8Array][] = [
    [0, heads[0]!],
    [heads[0]!.length + 5_000_000_000, concat([heads[1]!, last, tail])],
  ]
  const [at, end] = pieces[1]!
  const source: ByteSource = {
    name: 'large.zip',
    size: at + end.length,
    async read(offset, length) {
      const [from, bytes] = pieces.find(([start, part]) => offset >= start && offset < start + part.length) ?? [0, last]
      const out = new Uint8Array(length)
      // The search for the directory's end begins among the zeros.
      if (bytes === last) out.set(end, at - offset)
      else out.set(bytes.subarray(offset - from, offset - from + length))
      return out
    },
  }
  const read = await readZip(source)
  expect([...read.values()].map(({ size }) => size)).toEqual([5_000_000_000, last.length])
  expect(text(await readAll(read.get('last')!))).toBe('behind it')
})

test('an entry is given in parts, and its checksum is that of all of them', async () => {
  const bytes = Uint8Array.from({ length: 9_000_000 }, (_, k) => (k * 7) & 255)
  const zip = writeZip([{ path: 'big', bytes }])
  const chunks = async (of: Uint8Array) => collect((await readZip(memorySource('z.zip', of))).get('big')!.chunks())
  expect(Buffer.compare(await chunks(zip), bytes)).toBe(0)
  zip[8_000_000]! ^= 1
  await expect(chunks(zip)).rejects.toThrow(/checksum of big/)
})

test('CSV: quotes, doubled quotes, line breaks inside, CRLF, a byte order mark and a last line without an end', () => {
  expect(parseCsv('\ufefffile,text\r\na.png,"one, ""two"""\r\n\r\n"b\nc",\nd,e')).toEqual([
    ['file', 'text'],
    ['a.png', 'one, "two"'],
    ['b\nc', ''],
    ['d', 'e'],
  ])
})
