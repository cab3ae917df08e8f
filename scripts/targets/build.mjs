// Bundles the studio's side of the target tests: dist/targets/prepare.mjs beside the command line's WASM files.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildProgram } from '../build.mjs'
import { keepFresh } from '../fresh.mjs'
import { root } from '../install.mjs'

const sources = ['src', 'kernels', 'scripts/targets', 'package-lock.json']
const folder = join(root, 'dist/targets')
export const program = join(folder, 'prepare.mjs')

export async function buildPrepare() {
  return keepFresh('targets', 'dist/targets/prepare.mjs', sources, async () => {
    rmSync(folder, { recursive: true, force: true })
    await buildProgram('scripts/targets/prepare.ts', folder, 'prepare.mjs')
  })
}
