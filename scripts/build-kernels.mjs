// Compiles every kernels/*/simd.ts into one WebAssembly module and writes it as text into kernels/lib/module.gen.ts, so that the page,
// its workers and Node load it alike, with nothing to fetch. The hash of the sources goes with it: a test refuses a stale module.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The AssemblyScript sources, relative to the repository, in order. */
export const kernelSources = () =>
  readdirSync(join(root, 'kernels'), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => `kernels/${entry.name}/simd.ts`)
    .filter(path => readdirSync(join(root, path, '..')).includes('simd.ts'))
    .sort()

export function hashKernelSources() {
  const hash = createHash('sha256')
  for (const path of kernelSources()) hash.update(`${path}\n${readFileSync(join(root, path), 'utf8')}`)
  return hash.digest('hex')
}

export async function buildKernels() {
  const { default: asc } = await import('assemblyscript/asc')
  const out = join(tmpdir(), `thimble-kernels-${process.pid}.wasm`)
  const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--use', 'abort=']
  const { error, stderr } = await asc.main([...kernelSources(), ...options, '--baseDir', root, '--outFile', out])
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`)
  const bytes = readFileSync(out)
  rmSync(out)
  const text = [
    '// Written by scripts/build-kernels.mjs from kernels/*/simd.ts; do not edit.',
    `export const sourceHash = '${hashKernelSources()}'`,
    `export const moduleBase64 =\n  '${bytes.toString('base64')}'`,
  ]
  writeFileSync(join(root, 'kernels/lib/module.gen.ts'), `${text.join('\n')}\n`)
  return bytes.length
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(`kernels: ${await buildKernels()} bytes of WebAssembly`)
