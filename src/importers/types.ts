// What an importer is: it recognises files of its format, and reads them into the one graph.
import type { ByteSource, FileSet } from '../base/bytes.ts'
import type { Model } from '../ir/model.ts'

export interface Imported {
  model: Model
  name: string // of the main file, without path
  format: string
  bytes: number // of all files that the model consists of
  /** Files that tensors are slices of, by the id that `Slice.source` holds. */
  sources: ReadonlyMap<string, ByteSource>
  notes: readonly string[]
}

export interface Importer {
  id: string
  label: string
  extensions: readonly string[]
  /** 0 (not mine) to 1 (certain), from names and first bytes alone. */
  probe(files: FileSet): Promise<number>
  /** Reads the model; `main` names the file to start from where several could be. */
  read(files: FileSet, main?: string): Promise<Imported>
}
