// What the sample tests read: the index, and each sample's files, those of a dependency's package brought in first.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import * as ort from 'onnxruntime-web'

export interface Sample {
  id: string
  label: Record<'en' | 'zh', string>
  about: Record<'en' | 'zh', string>
  model: string
  data: string[]
  evaluation: string[]
  input: string
  preset: string
  bytes: number
}

export const root = join(import.meta.dirname, '../..')
export const folder = join(root, 'public/samples')

// The build's own script is JavaScript, and has no types.
const script: { copySamples(): string[] } = await import(
  new URL('../../scripts/samples/copy.mjs', import.meta.url).href
)
script.copySamples()

export const { samples } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { samples: Sample[] }
export const read = (path: string): Uint8Array => new Uint8Array(readFileSync(join(folder, path)))
export const unzip = (path: string): Record<string, Uint8Array> => unzipSync(read(path))

/** Elements of a .npy of bytes (format 1.0: magic, version, header length, header, elements). */
export function npyBytes(file: Uint8Array): { shape: number[]; data: Uint8Array } {
  const length = file[8] + 256 * file[9]
  const header = new TextDecoder().decode(file.subarray(10, 10 + length))
  if (!header.includes("'descr': '|u1'")) throw new Error(`not an array of bytes: ${header}`)
  const shape = /'shape': \(([^)]*)\)/
    .exec(header)![1]
    .split(',')
    .filter(d => d.trim() !== '')
    .map(Number)
  return { shape, data: file.subarray(10 + length) }
}

ort.env.wasm.numThreads = 1
/** The runtime's own session over a sample's model. */
export const openModel = (sample: Sample): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(read(sample.model), { logSeverityLevel: 3 })
export const Tensor = ort.Tensor
