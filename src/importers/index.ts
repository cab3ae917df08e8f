// Every format that can be read; the one that is surest of the files reads them.
import type { FileSet } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { caffe } from './caffe.ts'
import { looksLike } from './looks-like.ts'
import { mnn } from './mnn.ts'
import { ncnn } from './ncnn.ts'
import { onnx } from './onnx.ts'
import { openvino } from './openvino.ts'
import { isSafetensors, withWeights } from './safetensors.ts'
import { tflite } from './tflite.ts'
import type { Imported, Importer } from './types.ts'

export const importers = [onnx, tflite, ncnn, openvino, mnn, caffe] as const satisfies readonly Importer[]
export type ImporterId = (typeof importers)[number]['id']

/** Reads the model among the files; `main` names the file to start from where several could be. Weights of safetensors files replace its own. */
export async function importModel(files: FileSet, main?: string): Promise<Imported> {
  // Of files of several formats in one folder, the one that was named decides.
  const importer = (main === undefined ? null : await importerOf(files, main)) ?? (await surestOf(files))
  if (importer) return withWeights(await importer.read(files, main), files)
  throw await notAModel(files)
}

/** By the file itself, or where it says nothing (weights of a model in two files), with those of its name but for the ending. */
async function importerOf(files: FileSet, main: string): Promise<Importer | null> {
  const stem = (path: string): string => path.replace(/\.[^./]*$/, '')
  const only = (wanted: (path: string) => boolean): FileSet => new Map([...files].filter(([path]) => wanted(path)))
  return (await surestOf(only(path => path === main))) ?? (await surestOf(only(path => stem(path) === stem(main))))
}

async function surestOf(files: FileSet): Promise<Importer | null> {
  let surest: { importer: Importer | null; sure: number } = { importer: null, sure: 0 }
  for (const importer of importers) {
    const sure = await importer.probe(files)
    if (sure > surest.sure) surest = { importer, sure }
  }
  return surest.importer
}

async function notAModel(files: FileSet): Promise<StudioError> {
  const formats = importers.map(i => `${i.label} (${i.extensions.join(', ')})`).join(', ')
  const hint = `Open a model of one of these formats: ${formats}.`
  const [first] = files
  if (!first) return new StudioError('not-a-model', 'No file was given', { hint })
  const [path, source] = first
  if (isSafetensors(path))
    return new StudioError('not-a-model', `${path} holds weights without a graph`, {
      where: { file: path },
      hint: 'Open it together with the model whose weights they are, as an ONNX file.',
    })
  const kind = looksLike(await source.read(0, Math.min(512, source.size)))
  const words = kind === null ? 'is of no known model format' : kind === 'empty' ? 'is empty' : `looks like ${kind}`
  const others = files.size > 1 ? `, and none of the ${files.size - 1} other files is a model` : ''
  return new StudioError('not-a-model', `${path} ${words}${others}`, { where: { file: path }, hint })
}
