// Files as a person might have them: a network with its weights beside it, pictures, and things that are none of these.
import { collect } from '../../src/base/bytes.ts'
import { encodeOnnx } from '../../src/exporters/onnx.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import { build } from '../build.ts'
import { png } from '../data/png.ts'

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

/** Pictures that differ from each other, as a camera's would; each has a field of plain white. */
export const picture = (seed: number): Uint8Array =>
  png(32, 28, 'colour', (x, y) =>
    x > 20 && y > 16
      ? [255, 255, 255]
      : [(x * 8 + seed * 37) % 256, (y * 9 + seed * 11) % 256, ((x + y) * 4 + seed * 53) % 256],
  )
