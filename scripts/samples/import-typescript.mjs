// Plain Node cannot import TypeScript: Vite transforms it on the way.
import { join } from 'node:path'
import { runnerImport } from 'vite'
import { root } from '../install.mjs'

/** The module at a path below the repository's root. */
export const importTypeScript = async path =>
  (await runnerImport(join(root, path), { configFile: false, logLevel: 'error' })).module
