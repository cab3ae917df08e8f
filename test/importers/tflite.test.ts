// TFLite models as they come in: what our runner makes of them beside what LiteRT's reference kernels make of the file itself.
import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { elementCount, type TypedArray } from '../../src/base/dtype.ts'
import { StudioError } from '../../src/base/errors.ts'
import { createRng, type Rng } from '../../src/base/rng.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
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
import { cases } from './tflite-cases.ts'
import { type DescribedModel, tfliteModel } from './tflite-model.ts'

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
const asked = async (bytes: Uint8Array, feeds: Record<string, NdArray>, ...flags: string[]) =>
  (await runTflite(python!, [{ model: bytes, feeds: oneSample(feeds) }], ...flags))[0]
const oneSample = (feeds: Record<string, NdArray>): Record<string, NdArray> =>
  Object.fromEntries(Object.entries(feeds).map(([k, v]) => [k, { ...v, shape: [1, ...v.shape] }]))

const numbers = (data: TypedArray): number[] => Array.from(data as Float32Array, Number)

function decibels(reference: ArrayLike<number>, other: ArrayLike<number>): number {
  let [signal, noise] = [0, 0]
  for (let i = 0; i < reference.length; i++) {
    signal += reference[i] ** 2
    noise += (reference[i] - other[i]) ** 2
  }
  return 10 * Math.log10(signal / Math.max(noise, 1e-30))
}

// The reference kernels lack these, or, of the last, leave the window's end out.
const onlyOptimised = /^(ELU|CEIL|ROUND|LOCAL_RESPONSE_NORMALIZATION)$/
// LiteRT rounds the activations too, as it goes.
const isHybrid = /int4/

describe.skipIf(!python)('operators one by one, beside LiteRT', () => {
  test.each([
    ['reference', false],
    ['optimised', true],
  ] as const)('in its %s kernels', async (_, optimised) => {
    const chosen = Object.entries(cases).filter(([name]) => onlyOptimised.test(name) === optimised)
    const made = chosen.map(([name, described]) => ({ name, described, model: tfliteModel(described) }))
    const runs = []
    for (const { model } of made) {
      const imported = await read(model)
      infer(imported.model)
      const feeds = feedsOf(imported, createRng(2))
      const session = await ctx.runner.open(imported.model)
      runs.push({ model, ours: await session.run(feeds), feeds: oneSample(feeds) })
      await session.close()
    }
    const answers = await runTflite(python!, runs, ...(optimised ? ['--optimized'] : []))
    for (const [k, { name, described }] of made.entries()) {
      expect(Object.keys(runs[k].ours).sort(), name).toEqual([...described.outputs].sort())
      for (const output of described.outputs) {
        const { shape, data } = runs[k].ours[output]
        expect([1, ...shape], name).toEqual(answers[k][output].shape)
        const db = decibels(numbers(answers[k][output].data), numbers(data))
        expect(db, `${name} ${output}`).toBeGreaterThan(isHybrid.test(name) ? 30 : 90)
      }
    }
  })
})

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
      expect(session.float).toEqual([])
      const feeds = feedsOf(imported, createRng(1))
      const ours = await session.run(feeds)
      const theirs = await asked(bytes, feeds)
      for (const [name, { data }] of Object.entries(ours)) {
        expect(Array.from(data as Int8Array)).toEqual(Array.from(theirs[name].data as Int8Array))
      }
    },
  )

  test.skipIf(!python)('weights of int8 beside float activations, which LiteRT rounds as it goes', async () => {
    const bytes = bytesOf('ref_int8/kws_dynamic_range.tflite')
    const imported = await read(bytes)
    const session = await (await createTestContext(imported.sources)).runner.open(imported.model)
    const feeds = feedsOf(imported, createRng(1))
    const ours = await session.run(feeds)
    await session.close()
    const theirs = await asked(bytes, feeds)
    expect(decibels(numbers(theirs.Identity.data), numbers(ours.Identity.data))).toBeGreaterThan(30)
  })

  test('a network of convolutions has no transposes but that of its input', async () => {
    const { model } = await read(bytesOf('formats/resnet8_float.tflite'))
    expect(model.graph.nodes.filter(n => n.op === 'Transpose').map(n => n.inputs)).toEqual([['input_1']])
    expect(model.graph.values.get('input_1')?.shape).toEqual(['N', 32, 32, 3])
    expect(model.graph.outputs).toEqual(['Identity'])
  })
})

describe('what cannot be read', () => {
  const refused = async (model: Partial<DescribedModel>): Promise<string> => {
    const bytes = tfliteModel({ ...cases.RELU, ...model })
    return read(bytes).then(
      () => '',
      error => (error as Error).message,
    )
  }
  const custom = { op: 'CUSTOM', inputs: ['x'], outputs: ['y'] }
  test('custom and unknown operators, all by name', async () =>
    expect(await refused({ operators: [custom, { ...custom, op: 'LSTM' }] })).toBe(
      'The model has operators that are not known here: custom operator (unnamed), LSTM',
    ))
  test('a padding that is computed at run time', async () =>
    expect(
      await refused({
        tensors: { x: { shape: [1, 2] }, p: { shape: [2, 2], type: 'INT32' }, y: { shape: [1, 2] } },
        inputs: ['x', 'p'],
        operators: [{ op: 'PAD', inputs: ['x', 'p'], outputs: ['y'] }],
      }),
    ).toBe('The operator PAD that makes y computes its padding at run time'))

  const survives = async (bytes: Uint8Array): Promise<void> => {
    try {
      const { model, sources } = await read(bytes)
      await encodeModel(model, createBytes(sources))
    } catch (error) {
      if (!(error instanceof StudioError)) throw error
      expect(error.hint).not.toBe('')
    }
  }
  const whole = tfliteModel(cases['PAD and what comes of it'])
  test('a cut file', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), length => survives(whole.subarray(0, length))),
      { numRuns: 300, seed: 1 },
    ))
  test('a file with bytes changed', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        changes => {
          const broken = whole.slice()
          for (const [at, value] of changes) broken[at] = value
          return survives(broken)
        },
      ),
      { numRuns: 3000, seed: 2 },
    ))
})
