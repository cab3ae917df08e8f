// MNN's own converter and runtime, where this machine has them; tests take them as the last word, and say so where they are missing.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { memorySource } from '../../src/base/bytes.ts'
import { byteLength, elementCount, viewAs } from '../../src/base/dtype.ts'
import { readNpz, writeNpz } from '../../src/formats/npz.ts'
import type { Feeds } from '../../src/ir/context.ts'
import type { NdArray } from '../../src/ir/tensor.ts'

const script: { targetPython(runtime: string): { program: string | null; why: string | null } } = await import(
  new URL('../../scripts/target-python.mjs', import.meta.url).href
)
const found = script.targetPython('mnn')
/** The interpreter that has MNN, or null. */
export const mnnPython = found.program
if (mnnPython === null) console.log(`MNN is not asked: ${found.why}`)

function python(program: string, folder: string, jobs: unknown): string {
  const list = join(folder, 'jobs.json')
  writeFileSync(list, JSON.stringify(jobs))
  const run = spawnSync(mnnPython!, [join(import.meta.dirname, program), list], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (run.status !== 0) throw new Error(`${program}: ${run.stdout.slice(-2000)}${run.stderr.slice(-2000)}`)
  return run.stdout
}

/** Runs MNN's converter once for each list of its arguments. */
export const convertToMnn = (folder: string, jobs: readonly (readonly string[])[]): string =>
  python('mnn-convert.py', folder, jobs)

export interface Ran {
  outputs: Map<string, NdArray>
  /** Executed operators by type. */
  types: Record<string, number>
}

/** Runs .mnn files in MNN, each on its own feeds. */
export async function runMnn(folder: string, jobs: readonly { model: string; feeds: Feeds }[]): Promise<Ran[]> {
  const files = jobs.map(({ model, feeds }, i) => {
    const inputs = join(folder, `in-${i}.npz`)
    writeFileSync(inputs, writeNpz(feeds as Record<string, NdArray>))
    return { model, inputs, outputs: join(folder, `out-${i}.npz`) }
  })
  const report: Record<string, number>[] = JSON.parse(python('mnn.py', folder, files).trim().split('\n').at(-1)!)
  return Promise.all(
    files.map(async ({ outputs }, i) => {
      const arrays = await readNpz(memorySource('out.npz', new Uint8Array(readFileSync(outputs))))
      const read = [...arrays].map(async ([name, { dtype, shape, source, offset }]) => {
        const bytes = new Uint8Array(await source.read(offset, byteLength(dtype, elementCount(shape))))
        return [name, { dtype, shape, data: viewAs(dtype, bytes) }] as const
      })
      return { outputs: new Map(await Promise.all(read)), types: report[i] }
    }),
  )
}
