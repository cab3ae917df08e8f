// A model's files run by our own runner, and how near that is to what another runtime gives.
import { expect } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { importModel } from '../../src/importers/index.ts'
import type { Feeds } from '../../src/ir/context.ts'
import { elements, type NdArray } from '../../src/ir/tensor.ts'
import { createTestContext } from '../runner.ts'

export type Files = Record<string, Uint8Array>

export const fileSet = (files: Files) =>
  new Map(Object.entries(files).map(([name, bytes]) => [name, memorySource(name, bytes)]))

export async function ours(files: Files, feeds: Feeds): Promise<Record<string, NdArray>> {
  const { model, sources } = await importModel(fileSet(files))
  const { runner } = await createTestContext(sources)
  const session = await runner.open(model)
  try {
    return await session.run(feeds)
  } finally {
    await session.close()
  }
}

/** Signal to difference in dB of each output, the worst of them. Shapes must be equal. */
export function agreement(reference: Record<string, NdArray> | null, got: Record<string, NdArray>): number {
  if (reference === null) throw new Error('the runtime does not run the model')
  expect(Object.keys(got).sort()).toEqual(Object.keys(reference).sort())
  return Math.min(
    ...Object.keys(reference).map(name => {
      const [a, b] = [reference[name], got[name]]
      expect(b.shape, name).toEqual(a.shape)
      let signal = 0
      let noise = 0
      for (let i = 0; i < elements(a); i++) {
        signal += Number(a.data[i]) ** 2
        noise += (Number(a.data[i]) - Number(b.data[i])) ** 2
      }
      return noise === 0 ? 200 : 10 * Math.log10(signal / noise)
    }),
  )
}
