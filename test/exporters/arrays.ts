// Arrays that go into a model and come out of it, by name: what our runtime gives, what a target's own does, how near they are.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { type ByteSource, memorySource } from '../../src/base/bytes.ts'
import { byteLength, elementCount, viewAs } from '../../src/base/dtype.ts'
import { createRng } from '../../src/base/rng.ts'
import { readNpz, writeNpz } from '../../src/formats/npz.ts'
import type { Model } from '../../src/ir/model.ts'
import { floats, type NdArray } from '../../src/ir/tensor.ts'
import { createTestContext } from '../runner.ts'

export type Arrays = Record<string, NdArray>

export async function preview(
  model: Model,
  feeds: Arrays,
  sources: ReadonlyMap<string, ByteSource> = new Map(),
): Promise<Arrays> {
  const { runner } = await createTestContext(sources)
  const session = await runner.open(model)
  try {
    return await session.run(feeds)
  } finally {
    await session.close()
  }
}

/** What a script of test/targets makes of the files of a bundle, and what it says of how it did (ran.json). */
export async function ranBy<T>(
  python: string,
  script: string,
  files: Record<string, Uint8Array>,
  feeds: Arrays,
): Promise<{ outputs: Arrays; ran: T }> {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-target-'))
  try {
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), bytes)
    }
    writeFileSync(join(folder, 'inputs.npz'), writeNpz(feeds))
    const path = fileURLToPath(new URL(`../targets/${script}`, import.meta.url))
    execFileSync(python, [path, folder], { stdio: ['ignore', 'ignore', 'inherit'] })
    const outputs: Arrays = {}
    const npz = await readNpz(memorySource('outputs.npz', readFileSync(join(folder, 'outputs.npz'))))
    for (const [name, { dtype, shape, source, offset }] of npz)
      outputs[name] = {
        dtype,
        shape,
        data: viewAs(dtype, await source.read(offset, byteLength(dtype, elementCount(shape)))),
      }
    return { outputs, ran: JSON.parse(readFileSync(join(folder, 'ran.json'), 'utf8')) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Of the outputs the least, in dB. */
export function agreement(reference: Arrays, got: Arrays): number {
  expect(Object.keys(got).sort()).toEqual(Object.keys(reference).sort())
  return Math.min(
    ...Object.entries(reference).map(([name, a]) => {
      expect(got[name].shape, name).toEqual(a.shape)
      let [signal, noise] = [0, 0]
      for (let i = 0; i < a.data.length; i++) {
        signal += Number(a.data[i]) ** 2
        noise += (Number(a.data[i]) - Number(got[name].data[i])) ** 2
      }
      return noise === 0 ? 200 : 10 * Math.log10(signal / noise)
    }),
  )
}

export function random(shape: readonly number[]): NdArray {
  const rng = createRng(7)
  return floats(
    shape,
    Float32Array.from({ length: elementCount(shape) }, () => rng.normal()),
  )
}
