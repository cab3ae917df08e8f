// Runs a model in the runtime that it was made for, in a Python of its own; says so where that cannot be had.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { targetPython } from '../../scripts/target-python.mjs'
import { memorySource } from '../../src/base/bytes.ts'
import { byteLength, viewAs } from '../../src/base/dtype.ts'
import { readNpz, writeNpz } from '../../src/formats/npz.ts'
import type { Feeds } from '../../src/ir/context.ts'
import { elements, type NdArray } from '../../src/ir/tensor.ts'

export interface Sample {
  files: Record<string, Uint8Array>
  feeds: Feeds // with a batch in front, of one or more
}

export interface Native {
  /** The outputs of each model on its sample, by name; null for what the runtime does not load or survive. */
  run(samples: readonly Sample[]): Promise<(Record<string, NdArray> | null)[]>
}

/** The runtime, or null with a word on the console. `script` lies in this folder and takes folders with the files of a model and inputs.npz each. */
export function native(runtime: string, script: string): Native | null {
  const { program, why } = targetPython(runtime)
  if (program === null) {
    console.log(`${runtime} is not asked: its Python cannot be made (${why}).`)
    return null
  }
  const at = fileURLToPath(new URL(script, import.meta.url))
  return {
    run: async samples => {
      const dir = mkdtempSync(join(tmpdir(), 'thimble-native-'))
      try {
        const folders = samples.map((_, i) => join(dir, String(i)))
        for (const [i, { files, feeds }] of samples.entries()) {
          mkdirSync(folders[i])
          for (const [name, bytes] of Object.entries(files)) {
            mkdirSync(dirname(join(folders[i], name)), { recursive: true })
            writeFileSync(join(folders[i], name), bytes)
          }
          writeFileSync(join(folders[i], 'inputs.npz'), writeNpz(feeds))
        }
        execFileSync(program, [at, ...folders], { stdio: ['ignore', 'ignore', 'inherit'] })
        return await Promise.all(folders.map(folder => arrays(join(folder, 'outputs.npz'))))
      } finally {
        rmSync(dir, { recursive: true, force: true })
      }
    },
  }
}

async function arrays(path: string): Promise<Record<string, NdArray> | null> {
  return existsSync(path) ? arraysOf(readFileSync(path)) : null
}

/** What an .npz holds, by name. */
export async function arraysOf(npz: Uint8Array): Promise<Record<string, NdArray>> {
  const source = memorySource('arrays.npz', npz)
  const found: Record<string, NdArray> = {}
  for (const [name, { dtype, shape, source: file, offset }] of await readNpz(source))
    found[name] = { dtype, shape, data: viewAs(dtype, await file.read(offset, byteLength(dtype, elements({ shape })))) }
  return found
}
