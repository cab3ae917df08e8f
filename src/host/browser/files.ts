// Files of the browser as the core sees them: any Blob, read in parts and never whole.
import type { ByteSource } from '../../base/bytes.ts'
import { StudioError } from '../../base/errors.ts'

/** A file as the page hands it over: its path within what was dropped or picked. */
export interface DroppedFile {
  path: string
  file: Blob
}

/** A Blob as bytes that are read where they lie. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    read: async (offset, length) => {
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
      } catch (cause) {
        throw new StudioError('missing-file', `${name} can no longer be read`, {
          where: { file: name },
          hint: 'The file was moved or changed after it was chosen; choose it again.',
          cause,
        })
      }
    },
  }
}

/** Everything under the dropped items, folders walked in the order of their names. */
export async function droppedFiles(transfer: DataTransfer): Promise<{ path: string; file: File }[]> {
  // Entries must be taken before the first await: the list of items is emptied after the event.
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry()).filter(entry => entry !== null)
  const files: { path: string; file: File }[] = []
  for (const entry of entries) await walk(entry, files)
  return files
}

async function walk(entry: FileSystemEntry, files: { path: string; file: File }[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed))
    files.push({ path: entry.fullPath.replace(/^\//, ''), file })
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const children: FileSystemEntry[] = []
  for (;;) {
    // A reader gives at most a hundred entries a call.
    const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed))
    if (some.length === 0) break
    children.push(...some)
  }
  children.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const child of children) await walk(child, files)
}

/** The files of an `<input type=file>`, with folders where `webkitdirectory` gave them. */
export const pickedFiles = (list: Iterable<File>): { path: string; file: File }[] =>
  [...list].map(file => ({ path: file.webkitRelativePath || file.name, file }))
