// Image codecs in Node: modules read from beside the program where it was packed, else from the installed packages.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Codecs, codecModules, createCodecs } from '../../data/codecs.ts'

/** Codecs for the command line. */
export const createNodeCodecs = (): Codecs =>
  createCodecs(name => {
    const path = codecModules[name]
    const packed = fileURLToPath(new URL(basename(path), import.meta.url))
    return readFile(existsSync(packed) ? packed : createRequire(import.meta.url).resolve(path))
  })
