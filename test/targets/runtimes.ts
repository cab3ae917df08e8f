// Runtimes of targets in Python, where this machine has them (scripts/target-python.mjs makes the environments): a test that finds none
// says so and is skipped.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { environments } from '../../scripts/target-python.mjs'
import { memorySource, text } from '../../src/base/bytes.ts'
import { byteLength, elementCount, viewAs } from '../../src/base/dtype.ts'
import type { NpyArray } from '../../src/formats/npy.ts'
import { readNpz, writeNpz } from '../../src/formats/npz.ts'
import type { NdArray } from '../../src/ir/tensor.ts'

/** The interpreter that has a runtime's packages, or null. */
export function installed(runtime: string): string | null {
  const program = join(environments, runtime, 'bin/python')
  if (existsSync(program)) return program
  console.log(`${runtime} is not asked: its Python is not there; node scripts/target-python.mjs ${runtime} makes it.`)
  return null
}

export interface Job {
  model: Uint8Array
  /** Samples are the first axis of every array. */
  feeds: Readonly<Record<string, NdArray>>
}

/** What .tflite models give, in one run of Python; `flags` as run-tflite.py has them. */
export async function runTflite(
  python: string,
  jobs: readonly Job[],
  ...flags: string[]
): Promise<Record<string, NdArray>[]> {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-tflite-'))
  try {
    for (const [k, { model, feeds }] of jobs.entries()) {
      writeFileSync(join(folder, `${k}.tflite`), model)
      writeFileSync(join(folder, `${k}.in.npz`), writeNpz(feeds))
    }
    const script = fileURLToPath(new URL('run-tflite.py', import.meta.url))
    execFileSync(python, [script, folder, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
    return await Promise.all(jobs.map((_, k) => answer(join(folder, `${k}`))))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function answer(base: string): Promise<Record<string, NdArray>> {
  if (existsSync(`${base}.err`)) throw new Error(`The runtime refused: ${readFileSync(`${base}.err`, 'utf8')}`)
  return named(readFileSync(`${base}.out.npz`))
}

async function named(bytes: Uint8Array): Promise<Record<string, NdArray>> {
  const arrays = await readNpz(memorySource('outputs.npz', bytes))
  const bytesOf = async ({ dtype, shape, source, offset }: NpyArray): Promise<Uint8Array> =>
    (await source.read(offset, byteLength(dtype, elementCount(shape)))).slice()
  const names: string[] = JSON.parse(text(await bytesOf(arrays.get('names')!)))
  const results = names.map(async (name, k) => {
    const array = arrays.get(`a${k}`)!
    const { dtype, shape } = array
    return [name, { dtype, shape, data: viewAs(dtype, await bytesOf(array)) }] as const
  })
  return Object.fromEntries(await Promise.all(results))
}
