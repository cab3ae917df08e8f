// PNGs (ISO/IEC 15948) of eight bits, every row unfiltered.
import { deflateSync } from 'node:zlib'
import { utf8 } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/formats/crc32.ts'

const types = { grey: { type: 0, channels: 1 }, colour: { type: 2, channels: 3 }, palette: { type: 3, channels: 1 } }

/** `pixel` gives the channels of one pixel, or its place in `palette`. */
export function png(
  width: number,
  height: number,
  kind: keyof typeof types,
  pixel: (x: number, y: number) => readonly number[],
  palette: readonly (readonly [number, number, number])[] = [],
): Uint8Array {
  const { type, channels } = types[kind]
  const row = 1 + width * channels
  const rows = Buffer.alloc(height * row)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows.set(pixel(x, y), y * row + 1 + x * channels)
  const chunk = (name: string, content: Uint8Array): Buffer => {
    const body = Buffer.concat([utf8(name), content])
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(content.length)
    check.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, check])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, type, 0, 0, 0], 8)
  const file = Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    ...(kind === 'palette' ? [chunk('PLTE', Uint8Array.from(palette.flat()))] : []),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
  // A Buffer's slices are no copies, which who reads it may rely on.
  return new Uint8Array(file)
}
