// Files as they come: dropped, picked, or a whole folder, each with its path inside what was given.

export interface GivenFile {
  path: string
  file: File
}

const entryFile = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject))

/** A directory reader gives at most a hundred entries at a time; it is asked until it has no more. */
async function children(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader()
  const all: FileSystemEntry[] = []
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (part.length === 0) return all
    all.push(...part)
  }
}

async function walk(entry: FileSystemEntry, into: GivenFile[]): Promise<void> {
  if (entry.isFile) {
    into.push({ path: entry.fullPath.replace(/^\//, ''), file: await entryFile(entry as FileSystemFileEntry) })
    return
  }
  for (const child of await children(entry as FileSystemDirectoryEntry)) await walk(child, into)
}

/** Everything in a drop. The entries must be taken before the first await: the list is emptied after the event. */
export async function droppedFiles(transfer: DataTransfer): Promise<GivenFile[]> {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry()).filter(entry => entry !== null)
  const loose = entries.length === 0 ? [...transfer.files] : []
  const files: GivenFile[] = loose.map(file => ({ path: file.name, file }))
  for (const entry of entries) await walk(entry, files)
  return byPath(files)
}

export const pickedFiles = (list: FileList): GivenFile[] =>
  byPath([...list].map(file => ({ path: file.webkitRelativePath || file.name, file })))

/** Hidden files (.DS_Store and the like) are no samples; the order is the path's, whatever the platform gave. */
function byPath(files: GivenFile[]): GivenFile[] {
  return files
    .filter(({ path }) => !path.split('/').some(part => part.startsWith('.') || part === '__MACOSX'))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

/** A file that a model may be opened by. */
export const isModel = ({ path }: GivenFile): boolean =>
  /\.(onnx|tflite|param|xml|mnn|prototxt|caffemodel)$/i.test(path)

const dataEndings = /\.(png|jpe?g|webp|bmp|npz|npy|zip|csv)$/i

/** Splits a drop that has a model and samples in it. External data has any name, so all but known data goes with the model. */
export function splitModelAndData(files: readonly GivenFile[]): { model: GivenFile[]; data: GivenFile[] } {
  if (!files.some(isModel)) return { model: [], data: [...files] }
  const isData = ({ path }: GivenFile) => dataEndings.test(path)
  return { model: files.filter(file => !isData(file)), data: files.filter(isData) }
}

/** A project that was saved as one file; browsers put a number into the name of a second copy. */
export const isProject = (files: readonly GivenFile[]): boolean =>
  files.length === 1 && /\.thimble( ?\(\d+\))?\.zip$/i.test(files[0].path)

/** What a board printed, by its name; an .npz may be samples as well, and is a dump only where it is dropped on one's place. */
export const isDump = (files: readonly GivenFile[]): boolean =>
  files.length === 1 && /\.(txt|log|dump)$/i.test(files[0].path)
