// TFLite models as they come in: what our runner makes of them beside what LiteRT's reference kernels make of the file itself.
import { existsSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { elementCount, type TypedArray } from '../../src/base/dtype.ts'
import { createRng, type Rng } from '../../src/base/rng.ts'
import { importModel } from '../../src/importers/index.ts'
import type { Imported } from '../../src/importers/types.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Context } from '../../src/ir/context.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { infer } from '../../src/ops/infer.ts'
import { simulate } from '../../src/stages/simulate/simulate.ts'
import { testContext } from '../quantize/played.ts'
import { createTestContext } from '../runner.ts'
import { installed, runTflite } from '../targets/runtimes.ts'

const data = new URL('../../../shared/data/', import.meta.url)
const here = existsSync(data)
if (!here) console.log('The models of ../shared/data are not here; those of TFLite are not read.')
const python = installed('tflite')

const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, data)))
const read = (bytes: Uint8Array): Promise<Imported> =>
  importModel(new Map([['m.tflite', memorySource('m.tflite', bytes)]]))

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

/** One sample an input, as the file declares it. */
function feedsOf({ model }: Imported, rng: Rng): Record<string, NdArray> {
  const feeds: Record<string, NdArray> = {}
  for (const name of model.graph.inputs) {
    const { dtype, shape } = model.graph.values.get(name)!
    const dims = shape!.map(d => (typeof d === 'number' ? d : 1))
    const count = elementCount(dims)
    const data: TypedArray =
      dtype === 'int8'
        ? Int8Array.from({ length: count }, () => rng.below(256) - 128)
        : Float32Array.from({ length: count }, () => 2 * rng.normal())
    feeds[name] = { dtype: dtype!, shape: dims, data }
  }
  return feeds
}

/** The runtime's answers, for feeds whose batch of one is its axis of samples. */
const asked = (bytes: Uint8Array, feeds: Record<string, NdArray>, ...flags: string[]) =>
  runTflite(
    python!,
    bytes,
    Object.fromEntries(Object.entries(feeds).map(([k, v]) => [k, { ...v, shape: [1, ...v.shape] }])),
    ...flags,
  )

function decibels(reference: ArrayLike<number>, other: ArrayLike<number>): number {
  let [signal, noise] = [0, 0]
  for (let i = 0; i < reference.length; i++) {
    signal += reference[i] ** 2
    noise += (reference[i] - other[i]) ** 2
  }
  return 10 * Math.log10(signal / Math.max(noise, 1e-30))
}

describe.skipIf(!here)('the models of ../shared/data', () => {
  test.skipIf(!python).each(['formats/resnet8_float.tflite', 'formats/ultraface_rfb320_nopost.tflite'])(
    '%s computes what LiteRT computes',
    async path => {
      const bytes = bytesOf(path)
      const imported = await read(bytes)
      infer(imported.model)
      const { runner } = await createTestContext(imported.sources)
      const session = await runner.open(imported.model)
      const feeds = feedsOf(imported, createRng(1))
      const ours = await session.run(feeds)
      await session.close()
      const theirs = await asked(bytes, feeds)
      expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort())
      for (const [name, { data, shape }] of Object.entries(ours)) {
        expect([1, ...shape], name).toEqual(theirs[name].shape)
        const db = decibels(theirs[name].data as Float32Array, data as Float32Array)
        console.log(path, name, db)
        expect(db, name).toBeGreaterThan(90)
      }
    },
  )

  test.skipIf(!python).each(['ref_int8/resnet8_int8.tflite', 'ref_int8/kws_int8.tflite', 'ref_int8/vww96_int8.tflite'])(
    '%s gives the codes of LiteRT in the integer executor',
    async path => {
      const bytes = bytesOf(path)
      const imported = await read(bytes)
      const lent = { ...ctx, bytes: createBytes(imported.sources) }
      const session = await simulate(imported.model, 'tflite', lent)
      console.log(session.float)
      const feeds = feedsOf(imported, createRng(1))
      const ours = await session.run(feeds)
      const theirs = await asked(bytes, feeds)
      for (const [name, { data }] of Object.entries(ours)) {
        expect(Array.from(data as Int8Array)).toEqual(Array.from(theirs[name].data as Int8Array))
      }
    },
  )
})
