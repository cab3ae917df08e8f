// Results of stages in a folder beside what a command writes, so that a command that was interrupted goes on where it was.
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { program } from '../program.ts'

export interface FolderStore {
  readonly program: string
  get(key: string): Promise<Uint8Array | null>
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Removes the folder: what was made from it is whole. */
  clear(): Promise<void>
}

const hashBytes = 32
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

/** The folder appears with the first entry. Each entry carries its own SHA-256 in front: a damaged one is none. */
export function folderStore(dir: string): FolderStore {
  return {
    program,
    async get(key) {
      const bytes = await readFile(join(dir, key)).catch(cause => {
        if (cause.code === 'ENOENT') return null
        throw cause
      })
      if (!bytes) return null
      // No Buffer: its slices would be views.
      const payload = new Uint8Array(bytes.subarray(hashBytes))
      return sha256(payload).equals(bytes.subarray(0, hashBytes)) ? payload : null
    },
    async put(key, bytes) {
      await mkdir(dir, { recursive: true })
      const making = join(dir, `.${randomUUID()}`)
      await writeFile(making, sha256(bytes))
      await writeFile(making, bytes, { flag: 'a' })
      await rename(making, join(dir, key))
    },
    clear: () => rm(dir, { recursive: true, force: true }),
  }
}
