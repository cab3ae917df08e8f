// Storage: tables in IndexedDB, bytes in the origin-private file system (OPFS), written from a worker.
//
// Dropped files become one pack: their bytes one after another in a single file, and a table of who lies where. A record in
// IndexedDB is what makes a pack part of a project, so a write that failed half-way leaves the project as it was. Every write's
// return value is checked, and what was written is read back and compared by hash: a private window has been seen to stop
// at 1.36 GiB without an exception, while its estimate still promised 10 GiB.
import { clear, createStore, del, entries, get, set, type UseStore } from 'idb-keyval'
import type { FileSet } from '../../base/bytes.ts'
import { StudioError } from '../../base/errors.ts'
import { program } from '../program.ts'
import { blobSource, type DroppedFile } from './files.ts'

export interface PackedFile {
  path: string
  offset: number
  size: number
}

/** Files in storage. `blocks` are the SHA-256 of each `blockBytes` of the pack. */
export interface Pack {
  file: string
  bytes: number
  files: PackedFile[]
  blocks: string[]
}

/** What every project record has; the rest of a record is its owner's. */
export interface StoredProject {
  id: string
  name: string
  bytes: number
}

const blockBytes = 4 << 20

let opened: UseStore | null = null
const table = (): UseStore => (opened ??= createStore('thimble', 'projects'))

export const saveProject = <P extends StoredProject>(project: P): Promise<void> =>
  full(project.id, project.name, 64 << 10, () => set(project.id, project, table()))

export const loadProject = <P extends StoredProject>(id: string): Promise<P | undefined> => get<P>(id, table())

export const listProjects = async <P extends StoredProject>(): Promise<P[]> =>
  (await entries<string, P>(table())).map(([, project]) => project)

const projectsFolder = async (): Promise<FileSystemDirectoryHandle> =>
  (await navigator.storage.getDirectory()).getDirectoryHandle('projects', { create: true })

const folderOf = async (project: string): Promise<FileSystemDirectoryHandle> =>
  (await projectsFolder()).getDirectoryHandle(project, { create: true })

const subfolder = async (project: string, name: 'stages' | 'bundles'): Promise<FileSystemDirectoryHandle> =>
  (await folderOf(project)).getDirectoryHandle(name, { create: true })

export async function deleteProject(id: string): Promise<void> {
  await del(id, table())
  await removeEntry(await projectsFolder(), id)
}

export async function deleteEverything(): Promise<void> {
  await clear(table())
  await removeEntry(await navigator.storage.getDirectory(), 'projects')
}

/** Copies files into storage, one behind the other. Nothing refers to the pack until the caller saves it in a project. */
export async function writePack(project: string, name: string, files: readonly DroppedFile[]): Promise<Pack> {
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0)
  const folder = await folderOf(project)
  const packed: PackedFile[] = []
  async function* chunks(): AsyncIterable<Uint8Array> {
    let offset = 0
    for (const { path, file } of files) {
      packed.push({ path, offset, size: file.size })
      const source = blobSource(path, file)
      for (let at = 0; at < file.size; at += blockBytes)
        yield await source.read(at, Math.min(blockBytes, file.size - at))
      offset += file.size
    }
  }
  const blocks = await full(project, files[0]?.path ?? name, bytes, () => writeFile(folder, name, chunks()))
  return { file: name, bytes, files: packed, blocks }
}

/** The files of a pack, read where they lie. */
export async function openPack(project: string, pack: Pack): Promise<FileSet> {
  const handle = await (await folderOf(project)).getFileHandle(pack.file).catch(() => null)
  const blob = await handle?.getFile()
  if (blob?.size !== pack.bytes) {
    throw new StudioError('storage', `The stored copy of ${pack.files[0]?.path ?? pack.file} is not whole`, {
      where: { file: pack.files[0]?.path },
      hint: 'The browser has removed or shortened it; drop the files again.',
    })
  }
  return new Map(
    pack.files.map(({ path, offset, size }) => [path, blobSource(path, blob.slice(offset, offset + size))] as const),
  )
}

/** Removes packs of the project that are not in `keep`: what an interrupted copy or a replaced one left. */
export async function sweepPacks(project: string, keep: ReadonlySet<string>): Promise<void> {
  const folder = await folderOf(project)
  for await (const [name, handle] of folder.entries()) {
    if (handle.kind === 'file' && !keep.has(name)) await removeEntry(folder, name)
  }
}

/** Every folder of a project, those whose making was interrupted included. */
export async function projectFolders(): Promise<string[]> {
  const ids: string[] = []
  for await (const id of (await projectsFolder()).keys()) ids.push(id)
  return ids
}

/** Results of stages, kept by the hash of all that went into them, so that a run goes on where it stopped. */
export interface StageStore {
  readonly program: string
  get(key: string): Promise<Uint8Array | null>
  put(key: string, bytes: Uint8Array): Promise<void>
}

const hashBytes = 32

/** Each entry carries its own SHA-256 in front: a torn write is no entry. */
export function stageStore(project: string): StageStore {
  return {
    program,
    async get(key) {
      const folder = await subfolder(project, 'stages')
      const handle = await folder.getFileHandle(key).catch(() => null)
      if (!handle) return null
      const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer())
      const payload = bytes.subarray(hashBytes)
      return (await sha256(payload)) === hex(bytes.subarray(0, hashBytes)) ? payload : null
    },
    async put(key, bytes) {
      const folder = await subfolder(project, 'stages')
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource))
      async function* chunks(): AsyncIterable<Uint8Array> {
        yield digest
        yield bytes
      }
      await full(project, 'the result of a stage', bytes.byteLength, () => writeFile(folder, key, chunks()))
    },
  }
}

type Folder = 'stages' | 'bundles' | null

const inside = (project: string, folder: Folder): Promise<FileSystemDirectoryHandle> =>
  folder === null ? folderOf(project) : subfolder(project, folder)

/** A file of a project as it lies in storage: a pack, or what is in a folder of it; null where there is none. */
export async function storedFile(project: string, folder: Folder, name: string): Promise<Blob | null> {
  const handle = await (await inside(project, folder)).getFileHandle(name).catch(() => null)
  return handle ? handle.getFile() : null
}

/** Writes such a file as it was in another storage. Returns the hash of each block. */
export async function putFile(
  project: string,
  folder: Folder,
  name: string,
  bytes: number,
  chunks: AsyncIterable<Uint8Array>,
): Promise<string[]> {
  const into = await inside(project, folder)
  return full(project, name, bytes, () => writeFile(into, name, chunks))
}

/** The names in a folder of a project, in order. */
export async function fileNames(project: string, folder: 'stages' | 'bundles'): Promise<string[]> {
  const names: string[] = []
  for await (const name of (await subfolder(project, folder)).keys()) names.push(name)
  return names.sort()
}

/** Removes bundles of the project that are not in `keep`. */
export async function sweepBundles(project: string, keep: ReadonlySet<string>): Promise<void> {
  const folder = await subfolder(project, 'bundles')
  for await (const name of folder.keys()) if (!keep.has(name)) await removeEntry(folder, name)
}

/** Removes those entries of the stage store that are `gone`. */
export async function sweepStages(project: string, gone: (key: string) => boolean): Promise<void> {
  const folder = await subfolder(project, 'stages')
  for await (const name of folder.keys()) if (gone(name)) await removeEntry(folder, name)
}

/** Bytes of all files under a project's folder. */
export async function projectBytes(project: string): Promise<number> {
  const sum = async (folder: FileSystemDirectoryHandle): Promise<number> => {
    let total = 0
    for await (const handle of folder.values()) {
      total +=
        handle.kind === 'file'
          ? (await (handle as FileSystemFileHandle).getFile()).size
          : await sum(handle as FileSystemDirectoryHandle)
    }
    return total
  }
  return sum(await folderOf(project))
}

/** Writes, reads back and compares; the file is gone again if anything is wrong. Returns the hash of each block. */
async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<string[]> {
  const access = await openAccess(await folder.getFileHandle(name, { create: true }))
  let whole = false
  try {
    access.truncate(0)
    const blocks: string[] = []
    let bytes = 0
    for await (const block of blocksOf(chunks)) {
      const written = access.write(block as BufferSource, { at: bytes })
      if (written !== block.byteLength) throw new TruncatedWrite(name, bytes + Math.max(written, 0))
      blocks.push(await sha256(block))
      bytes += block.byteLength
    }
    access.flush()
    if (access.getSize() !== bytes) throw new TruncatedWrite(name, access.getSize())
    await compare(access, name, bytes, blocks)
    whole = true
    return blocks
  } finally {
    access.close()
    if (!whole) await removeEntry(folder, name)
  }
}

/** A thread that was ended in the middle of a write lets go of its file only a moment later. */
async function openAccess(handle: FileSystemFileHandle): Promise<FileSystemSyncAccessHandle> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await handle.createSyncAccessHandle()
    } catch (error) {
      const held = error instanceof DOMException && error.name === 'NoModificationAllowedError'
      if (!held || attempt === 20) throw error
      await new Promise(done => setTimeout(done, 100))
    }
  }
}

async function compare(
  access: FileSystemSyncAccessHandle,
  name: string,
  bytes: number,
  blocks: readonly string[],
): Promise<void> {
  const block = new Uint8Array(Math.min(blockBytes, bytes))
  for (const [index, hash] of blocks.entries()) {
    const at = index * blockBytes
    const part = block.subarray(0, Math.min(blockBytes, bytes - at))
    if (access.read(part as BufferSource, { at }) === part.byteLength && (await sha256(part)) === hash) continue
    throw new StudioError('storage', `What was written of ${name} does not read back as it was`, {
      where: { file: name },
      hint: 'The disk or the browser’s storage is damaged; nothing was changed. Try another browser profile or disk.',
    })
  }
}

/** The same bytes in blocks of `blockBytes`, the last one shorter. */
async function* blocksOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const block = new Uint8Array(blockBytes)
  let filled = 0
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; ) {
      const take = Math.min(chunk.byteLength - at, blockBytes - filled)
      block.set(chunk.subarray(at, at + take), filled)
      at += take
      filled += take
      if (filled === blockBytes) {
        yield block
        filled = 0
      }
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}

class TruncatedWrite extends Error {
  constructor(name: string, bytes: number) {
    super(`${name}: the browser stopped writing after ${bytes} bytes`)
  }
}

/** Runs a write of `needed` bytes for a project; says before or after that the disk is full, what is needed and what else can go. */
async function full<T>(project: string, what: string, needed: number, write: () => Promise<T>): Promise<T> {
  const before = await navigator.storage.estimate()
  const free = (before.quota ?? 0) - (before.usage ?? 0)
  if (needed > free) throw await storageFull(project, what, needed, free)
  try {
    return await write()
  } catch (cause) {
    const isFull =
      cause instanceof TruncatedWrite || (cause instanceof DOMException && cause.name === 'QuotaExceededError')
    throw isFull ? await storageFull(project, what, needed, free, cause) : cause
  }
}

async function storageFull(
  id: string,
  what: string,
  needed: number,
  free: number,
  cause?: unknown,
): Promise<StudioError> {
  const others = (await listProjects())
    .filter(project => project.id !== id)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 3)
  const names = others.map(project => `${project.name} (${megabytes(project.bytes)})`).join(', ')
  const short =
    needed > free
      ? `it needs ${megabytes(needed)} and ${megabytes(Math.max(free, 0))} are free`
      : needed > 0
        ? `it needs ${megabytes(needed)} and the browser stopped writing before`
        : 'the browser stopped writing'
  return new StudioError('storage-full', `The browser’s storage is too full for ${what}: ${short}`, {
    where: { file: what },
    hint: names
      ? `Nothing was changed. Delete a project you no longer need (${names}), or free space on the disk.`
      : 'Nothing was changed. Free space on the disk, or leave the private window.',
    cause,
  })
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`

const hex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

// The platform's SHA-256: several times faster than one in JavaScript, and these hashes never leave this file.
const sha256 = async (bytes: Uint8Array): Promise<string> =>
  hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource)))

const removeEntry = (folder: FileSystemDirectoryHandle, name: string): Promise<void> =>
  folder.removeEntry(name, { recursive: true }).catch(error => {
    if (error instanceof DOMException && error.name === 'NotFoundError') return
    throw error
  })
