// ONNX: the file's own graph. Weights above 16 KiB stay in the file; what is not modelled is carried along as wire bytes.
import type { ByteSource, FileSet } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { baseName } from '../base/paths.ts'
import type { ModelRecord } from '../formats/onnx.ts'
import { readOnnx } from '../formats/onnx-read.ts'
import { readHead } from '../formats/protobuf.ts'
import type { FunctionDef, Model } from '../ir/model.ts'
import { verify } from '../ir/verify.ts'
import { inFile } from './in-file.ts'
import { looksLike } from './looks-like.ts'
import { findExternal } from './onnx-external.ts'
import { type Files, functionFrom, graphFrom, opsetsOf } from './onnx-graph.ts'
import type { Imported, Importer } from './types.ts'

const headLength = 4096

export const onnx: Importer = {
  id: 'onnx',
  label: 'ONNX',
  extensions: ['.onnx'],
  probe: async files => {
    let best = 0
    for (const [path, source] of files) best = Math.max(best, await probeFile(path, source))
    return best
  },
  read: async (files, main) => {
    const path = await mainFile(files, main)
    const source = files.get(path)!
    return inFile(path, () => readFile(files, path, source))
  },
}

const isNamedOnnx = (path: string): boolean => path.toLowerCase().endsWith('.onnx')

async function probeFile(path: string, source: ByteSource): Promise<number> {
  const head = await source.read(0, Math.min(headLength, source.size))
  if (beginsAsModel(head, source.size)) return isNamedOnnx(path) ? 1 : 0.8
  return isNamedOnnx(path) ? 0.5 : 0
}

// The wire types of ModelProto's fields; protobuf has no magic number, so that the first fields have to do.
const modelFields: Readonly<Record<number, number>> = {
  1: 0,
  2: 2,
  3: 2,
  4: 2,
  5: 0,
  6: 2,
  7: 2,
  8: 2,
  14: 2,
  20: 2,
  25: 2,
  26: 2,
}

function beginsAsModel(head: Uint8Array, size: number): boolean {
  let at = 0
  let known = 0
  try {
    while (at < head.length) {
      const field = readHead(head, at)
      if (!field) break
      if (modelFields[field.no] !== field.wire || field.next + field.length > size) return false
      if (field.no === 1 && field.bits > 1000n) return false
      known++
      at = field.next + field.length
    }
  } catch (error) {
    if (error instanceof StudioError) return false
    throw error
  }
  return known > 0
}

async function mainFile(files: FileSet, main: string | undefined): Promise<string> {
  if (main !== undefined) {
    if (files.has(main)) return main
    throw new StudioError('usage', `There is no file ${main} among those given`, {
      where: { file: main },
      hint: `Choose one of: ${[...files.keys()].join(', ')}.`,
    })
  }
  const named = [...files.keys()].filter(isNamedOnnx)
  if (named.length === 1) return named[0]
  if (named.length > 1)
    throw new StudioError('usage', `There are ${named.length} ONNX models: ${named.join(', ')}`, {
      where: { file: named[0] },
      hint: 'Open one of them, with the files that hold its weights.',
    })
  for (const [path, source] of files) if ((await probeFile(path, source)) > 0) return path
  throw new StudioError('not-a-model', `No ONNX model is among ${[...files.keys()].join(', ')}`, {
    hint: 'Open a file that ends in .onnx.',
  })
}

async function readFile(files: FileSet, path: string, source: ByteSource): Promise<Imported> {
  const record = await readRecord(source, path)
  const { graph } = record
  if (!graph)
    throw new StudioError('not-a-model', `${baseName(path)} holds no graph`, {
      hint: 'Export the model again; this file has a header but no network.',
    })
  const external = findExternal(record, files, path)
  const sources = new Map([[path, source], ...external.used])
  const notes: string[] = []
  const reader: Files = {
    locate: (tensor, length) => external.locate(tensor, length),
    read: ({ source, offset, length }) => sources.get(source)!.read(offset, length),
    note: text => notes.push(text),
  }
  const functions: FunctionDef[] = []
  for (const def of record.functions) functions.push(await functionFrom(def, reader))
  const model: Model = {
    graph: await graphFrom(graph, reader),
    functions,
    opsets: record.opsets.length > 0 ? opsetsOf(record.opsets) : { '': 1 },
    irVersion: record.irVersion,
    meta: Object.fromEntries(record.meta),
    producer: {
      name: record.producerName,
      version: record.producerVersion,
      domain: record.domain,
      modelVersion: record.modelVersion,
    },
    doc: record.doc,
    extra: record.extra,
  }
  verify(model.graph)
  for (const def of functions) verify(def.graph)
  let bytes = 0
  for (const file of sources.values()) bytes += file.size
  return { model, name: baseName(path), format: 'onnx', bytes, sources, notes }
}

/** The records; where the bytes are no ONNX at all, the error says what they look like instead. */
async function readRecord(source: ByteSource, path: string): Promise<ModelRecord> {
  const head = await source.read(0, Math.min(headLength, source.size))
  const kind = beginsAsModel(head, Number.MAX_SAFE_INTEGER) ? null : (looksLike(head) ?? 'data of another kind')
  if (kind)
    throw new StudioError(
      'not-a-model',
      `${baseName(path)} is no ONNX model: it ${kind === 'empty' ? 'is' : 'looks like'} ${kind}`,
      {
        hint: 'Open a model file that ends in .onnx; if this is one, download or export it again.',
      },
    )
  return readOnnx(source, path)
}
