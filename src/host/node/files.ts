// Files and folders of the command line as byte sources, and the one way a result appears on disk: whole or not at all.
import { createHash, randomUUID } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import type { ByteSource, FileSet, OutFile } from '../../base/bytes.ts'
import { StudioError } from '../../base/errors.ts'

export async function fileSource(path: string, name = basename(path)): Promise<ByteSource> {
  const { size } = await entry(path, 'file')
  return {
    name,
    size,
    read: async (offset, length) => {
      const handle = await open(path)
      try {
        const wanted = Math.min(length, size - offset)
        const bytes = new Uint8Array(Math.max(0, wanted))
        let done = 0
        while (done < wanted) {
          const { bytesRead } = await handle.read(bytes, done, wanted - done, offset + done)
          if (bytesRead === 0)
            throw new StudioError('truncated', `${name} became shorter while it was read`, {
              where: { file: name },
              hint: 'Run the command again when nothing writes to the file.',
            })
          done += bytesRead
        }
        return bytes
      } finally {
        await handle.close()
      }
    },
  }
}

async function entry(path: string, what: string) {
  try {
    return await stat(path)
  } catch (cause) {
    throw new StudioError('missing-file', `There is no ${what} at ${path}`, {
      where: { file: path },
      hint: 'Check the path; relative paths start at the current folder.',
      cause,
    })
  }
}

/** A folder's files by their relative path in sorted order; or the one file, and what lies beside it where `siblings` says so. */
export async function openFiles(
  path: string,
  what: string,
  siblings: (name: string) => boolean = () => false,
): Promise<{ files: FileSet; main: string | null }> {
  const found = await entry(path, what)
  const files = new Map<string, ByteSource>()
  if (found.isDirectory()) {
    const names = await readdir(path, { recursive: true, withFileTypes: true })
    const paths: string[] = []
    for (const e of names) {
      const at = join(e.parentPath, e.name)
      if (e.isFile() || (e.isSymbolicLink() && (await entry(at, 'file')).isFile())) paths.push(at)
    }
    const ordered = paths.map(p => relative(path, p).split(sep).join('/')).sort()
    for (const name of ordered) files.set(name, await fileSource(join(path, name), name))
    return { files, main: null }
  }
  const main = basename(path)
  files.set(main, await fileSource(path))
  const folder = dirname(resolve(path))
  for (const name of (await readdir(folder)).sort()) {
    if (name === main || !siblings(name)) continue
    if ((await stat(join(folder, name))).isFile()) files.set(name, await fileSource(join(folder, name)))
  }
  return { files, main }
}

/**
 * Writes files below `dir`, which appear only when all of them are there: they are made in a folder beside it and then renamed.
 * In a `dir` that exists, earlier results are replaced, with `force` only; what else lies in it stays.
 */
export async function writeFolder(
  dir: string,
  files: readonly { path: string; file: OutFile }[],
  force: boolean,
): Promise<void> {
  const target = resolve(dir)
  refuseExisting(target, force)
  const making = `${target}.part-${randomUUID().slice(0, 8)}`
  // Also where the process is ended in the middle: what is half-written goes with it.
  const sweep = (): void => rmSync(making, { recursive: true, force: true })
  process.once('exit', sweep)
  try {
    for (const { path, file } of files) {
      const to = join(making, path)
      await mkdir(dirname(to), { recursive: true })
      const handle = await open(to, 'w')
      try {
        for await (const chunk of file.chunks()) await handle.writeFile(chunk)
      } finally {
        await handle.close()
      }
    }
    putInPlace(making, target)
  } catch (thrown) {
    throw storageError(thrown, dir)
  } finally {
    sweep()
    process.off('exit', sweep)
  }
}

/** Synchronous, so that no signal can fall into the middle of it. */
function putInPlace(made: string, target: string): void {
  if (!existsSync(target)) {
    renameSync(made, target)
    return
  }
  const fresh = readdirSync(made)
  const earlier = (name: string): boolean => name === 'report.json' || existsSync(join(target, name, 'manifest.json'))
  const old = readdirSync(target).filter(name => fresh.includes(name) || earlier(name))
  const aside = join(made, '.replaced')
  mkdirSync(aside)
  for (const name of old) renameSync(join(target, name), join(aside, name))
  for (const name of fresh) renameSync(join(made, name), join(target, name))
}

/** Refuses a folder that is there already, or cannot be written, before any work is done for it. */
export function refuseExisting(dir: string, force: boolean): void {
  const there = statSync(dir, { throwIfNoEntry: false })
  if (there && !there.isDirectory())
    throw new StudioError('usage', `${dir} is a file, where a folder is to be written`, {
      where: { file: dir },
      hint: 'Choose another name.',
    })
  if (there && !force)
    throw new StudioError('usage', `${dir} exists already`, {
      where: { file: dir },
      hint: 'Choose another folder, or give --force to replace what an earlier run left there.',
    })
  let above = resolve(dir)
  while (!existsSync(above) && dirname(above) !== above) above = dirname(above)
  try {
    accessSync(above, constants.W_OK)
  } catch (thrown) {
    throw storageError(thrown, dir)
  }
}

/** What the system says of a file that cannot be written, in words. */
function storageError(thrown: unknown, dir: string): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null
  const refusal = (word: 'storage' | 'storage-full', what: string, hint: string): StudioError =>
    new StudioError(word, `${dir} cannot be written: ${what}`, { where: { file: dir }, hint, cause: thrown })
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return refusal('storage-full', 'the disk is full', 'Free some space, or choose a folder on another disk.')
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return refusal('storage', 'it is not yours to write', 'Choose another folder, or change its permissions.')
  if (code === 'ENOTDIR')
    return refusal('storage', 'a part of its path is a file', 'Choose a path whose parts are all folders.')
  return thrown
}

/** SHA-256 over names and contents. */
export async function hashFiles(files: FileSet): Promise<string> {
  const hash = createHash('sha256')
  for (const [path, source] of files) {
    hash.update(`${path}\0${source.size}\0`)
    for (let at = 0; at < source.size; at += 4194304)
      hash.update(await source.read(at, Math.min(4194304, source.size - at)))
  }
  return hash.digest('hex')
}
