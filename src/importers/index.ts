// Every format that can be read; the one that is surest of the files reads them.
import type { FileSet } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { looksLike } from './looks-like.ts'
import { mnn } from './mnn.ts'
import { onnx } from './onnx.ts'
import type { Imported, Importer } from './types.ts'

export const importers = [onnx, mnn] as const satisfies readonly Importer[]
export type ImporterId = (typeof importers)[number]['id']

/** Reads the model among the files; `main` names the file to start from where several could be. */
export async function importModel(files: FileSet, main?: string): Promise<Imported> {
  // Files that merely lie beside the one that was named have no say in what it is.
  const named = main === undefined ? undefined : files.get(main)
  const asked: FileSet = named ? new Map([[main!, named]]) : files
  let surest: { importer: Importer; sure: number } | null = null
  for (const importer of importers) {
    const sure = await importer.probe(asked)
    if (sure > (surest?.sure ?? 0)) surest = { importer, sure }
  }
  if (surest) return surest.importer.read(files, main)
  throw await notAModel(files)
}

async function notAModel(files: FileSet): Promise<StudioError> {
  const formats = importers.map(i => `${i.label} (${i.extensions.join(', ')})`).join(', ')
  const hint = `Open a model of one of these formats: ${formats}.`
  const [first] = files
  if (!first) return new StudioError('not-a-model', 'No file was given', { hint })
  const [path, source] = first
  const kind = looksLike(await source.read(0, Math.min(512, source.size)))
  const words = kind === null ? 'is of no known model format' : kind === 'empty' ? 'is empty' : `looks like ${kind}`
  const others = files.size > 1 ? `, and none of the ${files.size - 1} other files is a model` : ''
  return new StudioError('not-a-model', `${path} ${words}${others}`, { where: { file: path }, hint })
}
