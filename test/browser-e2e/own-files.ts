// Files as a person might have them: a network with its weights beside it, pictures, and things that are none of these.
import { deflateSync } from 'node:zlib'
import { collect, utf8 } from '../../src/base/bytes.ts'
import { encodeOnnx } from '../../src/exporters/onnx.ts'
import { crc32 } from '../../src/formats/crc32.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import { build } from '../build.ts'

export interface NamedFile {
  name: string
  mimeType: string
  buffer: Buffer
}

export const file = (name: string, bytes: Uint8Array): NamedFile => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(bytes),
})

const network = (weights: string): string => `
graph (image: f32[N,3,24,24]) -> (logits) {
  c1 = Conv(image, w1: f32[16,3,3,3]${weights}, b1: f32[16]{-0.1..0.1}) {pads=[1,1,1,1], strides=[2,2]}
  r1 = Relu(c1)
  c2 = Conv(r1, w2: f32[32,16,3,3]{-0.2..0.2}, b2: f32[32]{-0.1..0.1}) {pads=[1,1,1,1], strides=[2,2]}
  r2 = Relu(c2)
  p = GlobalAveragePool(r2)
  f = Flatten(p)
  logits = Gemm(f, w3: f32[4,32]{-0.5..0.5}, b3: f32[4]{-0.1..0.1}) {transB=1}
}`

/** A small classifier of pictures, 24 × 24 in colour, as an .onnx and, with `apart`, its weights beside it. */
export async function classifier(path: string, { apart = false, weights = '{-0.4..0.4}' } = {}): Promise<NamedFile[]> {
  const externalData = apart ? 'always' : 'never'
  const files = encodeOnnx(build(network(weights)), createBytes(new Map()), { path, externalData })
  return Promise.all(files.map(async part => file(part.path, await collect(part.chunks()))))
}

/** A model of a graph in text form. */
export async function written(path: string, graph: string): Promise<NamedFile[]> {
  const files = encodeOnnx(build(graph), createBytes(new Map()), { path, externalData: 'never' })
  return Promise.all(files.map(async part => file(part.path, await collect(part.chunks()))))
}

/** A PNG (ISO/IEC 15948) of eight-bit RGB, every row unfiltered. */
export function png(
  width: number,
  height: number,
  colour: (x: number, y: number) => readonly [number, number, number],
): Uint8Array {
  const rows = Buffer.alloc(height * (1 + width * 3))
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rows.set(colour(x, y), y * (1 + width * 3) + 1 + x * 3)
  const chunk = (type: string, content: Uint8Array): Buffer => {
    const body = Buffer.concat([utf8(type), content])
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(content.length)
    check.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, check])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Pictures that differ from each other, as a camera's would; each has a field of plain white. */
export const picture = (seed: number): Uint8Array =>
  png(32, 28, (x, y) =>
    x > 20 && y > 16
      ? [255, 255, 255]
      : [(x * 8 + seed * 37) % 256, (y * 9 + seed * 11) % 256, ((x + y) * 4 + seed * 53) % 256],
  )
