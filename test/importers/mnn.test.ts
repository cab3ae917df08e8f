import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ByteSource, memorySource } from '../../src/base/bytes.ts'
import { StudioError } from '../../src/base/errors.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { type MnnNetPart, writeMnn } from '../../src/formats/mnn.ts'
import { opTypeOf } from '../../src/formats/mnn-schema.ts'
import { packWeights } from '../../src/formats/mnn-weights.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { createTestContext } from '../runner.ts'
import { decibels } from '../targets/decibels.ts'

type Op = NonNullable<MnnNetPart['oplists']>[number]

const open = (bytes: Uint8Array, more: Record<string, Uint8Array> = {}) =>
  importModel(
    new Map<string, ByteSource>(
      Object.entries({ 'm.mnn': bytes, ...more }).map(([path, b]) => [path, memorySource(path, b)]),
    ),
    'm.mnn',
  )

/** A chain: the input, then each operator on the result before. */
function chain(
  dims: readonly number[],
  ops: readonly Omit<Op, 'inputIndexes' | 'outputIndexes'>[],
  more: MnnNetPart = {},
): Uint8Array {
  const input: Op = {
    name: 'x',
    type: opTypeOf('Input'),
    outputIndexes: Int32Array.of(0),
    main: { name: 'Input', value: { dims: Int32Array.from(dims), dformat: 0 } },
  }
  const rest = ops.map((op, i) => ({
    name: `op${i + 1}`,
    ...op,
    inputIndexes: Int32Array.of(i),
    outputIndexes: Int32Array.of(i + 1),
  }))
  return writeMnn({
    sourceType: 3,
    tensorName: ['x', ...ops.map((_, i) => `t${i + 1}`)],
    oplists: [input, ...rest],
    ...more,
  })
}

async function run(bytes: Uint8Array, x: NdArray): Promise<NdArray> {
  const { model, sources } = await open(bytes)
  const { runner } = await createTestContext(sources)
  const session = await runner.open(model)
  const outputs = await session.run({ x })
  await session.close()
  return outputs[model.graph.outputs[0]]
}

const floats = (shape: readonly number[], data: readonly number[]): NdArray => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
})
const pointwise = (more: object): Omit<Op, 'inputIndexes' | 'outputIndexes'> => ({
  type: opTypeOf('Convolution'),
  main: { name: 'Convolution2D', value: { common: { outputCount: 2, inputCount: 2 }, ...more } },
})

test('a quantised tensor comes as a QDQ pair, packed weights as codes behind DequantizeLinear', async () => {
  const { buffer } = packWeights(Int8Array.of(1, -2, 3, 4), 2, 4)
  const quanParameter = { type: 1, buffer, alpha: Float32Array.of(0.5, 0.25), quantScale: 1 }
  const bytes = chain([1, 2, 1, 1], [pointwise({ quanParameter, bias: Float32Array.of(1, 0) })], {
    extraTensorDescribe: [{ index: 1, quantInfo: { scale: 0.5, zero: 1, type: 6 } }],
  })
  const { model } = await open(bytes)
  expect(model.graph.nodes.map(n => n.op)).toEqual(['DequantizeLinear', 'Conv', 'QuantizeLinear', 'DequantizeLinear'])
  expect(model.graph.outputs).toEqual(['t1'])
  // (1×0.5 - 2×0.5×2 + 1, 3×0.25 + 4×0.25×2) = (-0.5, 2.75) on the grid of 0.5.
  expect((await run(bytes, floats([1, 2, 1, 1], [1, 2]))).data).toEqual(Float32Array.of(-0.5, 3))
})

test('weights whose zero is no whole step come as floats, and the note says why', async () => {
  const { buffer } = packWeights(Int8Array.of(-8, 7, 0, 1), 2, 4)
  const alpha = Float32Array.of(-1, 0.3, -1, 0.3)
  const bytes = chain(
    [1, 2, 1, 1],
    [pointwise({ quanParameter: { type: 1, buffer, alpha, quantScale: 1, readType: 2, aMin: -8 } })],
  )
  const { model, notes } = await open(bytes)
  expect(model.graph.nodes.map(n => n.op)).toEqual(['Conv'])
  expect(notes).toEqual([expect.stringMatching(/op1: weights of 4 bits came as floats/)])
  const y = await run(bytes, floats([1, 2, 1, 1], [1, 0]))
  expect(Number(y.data[0])).toBeCloseTo(-1, 6)
  expect(Number(y.data[1])).toBeCloseTo(1.4, 6)
})

test('a conversion from NHWC is a Transpose, one between NCHW and the packed layout is none', async () => {
  const convert = (source: number, dest: number) => ({
    type: opTypeOf('ConvertTensor'),
    main: { name: 'TensorConvertInfo' as const, value: { source, dest } },
  })
  const bytes = chain([1, 1, 2, 3], [convert(1, 2), convert(2, 0)])
  const { model } = await open(bytes)
  expect(model.graph.nodes.map(n => n.op)).toEqual(['Transpose', 'Identity'])
  const y = await run(bytes, floats([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]))
  expect([y.shape, Array.from(y.data as Float32Array)]).toEqual([
    [1, 3, 1, 2],
    [1, 4, 2, 5, 3, 6],
  ])
})

test('int8 operators of MNN 1 compute on codes', async () => {
  const type = (name: string) => opTypeOf(name)
  const bytes = chain(
    [1, 2, 1, 1],
    [
      {
        type: type('FloatToInt8'),
        main: { name: 'QuantizedFloatParam', value: { tensorScale: Float32Array.of(10, 10) } },
      },
      {
        type: type('ConvInt8'),
        main: {
          name: 'Convolution2D',
          value: {
            common: { outputCount: 1, inputCount: 2 },
            symmetricQuan: { weight: Int8Array.of(2, -1), bias: Int32Array.of(5), scale: Float32Array.of(0.5) },
          },
        },
      },
      {
        type: type('Int8ToFloat'),
        main: { name: 'QuantizedFloatParam', value: { tensorScale: Float32Array.of(0.1) } },
      },
    ],
  )
  // Codes 12 and 3; (24 - 3 + 5) / 2 = 13; 1.3.
  const y = await run(bytes, floats([1, 2, 1, 1], [1.2, 0.3]))
  expect(Number(y.data[0])).toBeCloseTo(1.3, 6)
})

test.each<[string, Uint8Array, RegExp]>([
  [
    'a custom operator',
    chain([1], [{ type: opTypeOf('Extra'), main: { name: 'Extra', value: { type: 'MyOp' } } }]),
    /op1 \(Extra\) is the custom operator MyOp/,
  ],
  ['an operator of no known kind', chain([1], [{ type: 9999 }]), /op1 \(of type 9999\)/],
  [
    'control flow',
    chain([1], [{ type: opTypeOf('Sigmoid') }], { subgraphs: [{ name: 'body' }] }),
    /m\.mnn has 1 subgraphs/,
  ],
  ['no operators', writeMnn({ tensorName: ['x'] }), /m\.mnn holds no network/],
  [
    'an operator without its parameters',
    chain([1], [{ type: opTypeOf('Pooling') }]),
    /op1 \(Pooling\) lacks its parameters/,
  ],
  [
    'too few weights',
    chain([1, 2, 1, 1], [pointwise({ weight: Float32Array.of(1) })]),
    /op1 \(Convolution\) has 1 weights/,
  ],
])('%s is refused by name', async (_, bytes, words) => {
  const thrown = await open(bytes).catch(error => error)
  expect(thrown).toBeInstanceOf(StudioError)
  expect(thrown.message).toMatch(words)
  expect(thrown.hint).not.toBe('')
  expect(thrown.where.file ?? thrown.where.node).toBeTruthy()
})

test('weights in a file that is not there, or too short, are asked for by its name', async () => {
  const bytes = chain([1, 2, 1, 1], [pointwise({ external: BigInt64Array.of(0n, 16n, 8n) })])
  await expect(open(bytes)).rejects.toThrow(/m\.mnn\.weight, which is not there/)
  await expect(open(bytes, { 'm.mnn.weight': new Uint8Array(20) })).rejects.toThrow(/m\.mnn\.weight ends at byte 20/)
  const { model } = await open(bytes, { 'm.mnn.weight': new Uint8Array(24) })
  expect(model.graph.nodes.map(n => n.op)).toEqual(['Conv'])
})

const { buffer } = packWeights(
  Int8Array.from({ length: 4 }, (_, i) => i - 2),
  2,
  3,
)
const sound = chain(
  [1, 2, 1, 1],
  [
    pointwise({
      quanParameter: { type: 1, buffer, alpha: Float32Array.of(1, 2), quantScale: 1 },
      bias: Float32Array.of(1, 2),
    }),
    { type: opTypeOf('ReLU6') },
    { type: opTypeOf('Reshape'), main: { name: 'Reshape', value: { dims: Int32Array.of(1, -1) } } },
    { type: opTypeOf('Softmax'), main: { name: 'Axis', value: { axis: 1 } } },
  ],
  { extraTensorDescribe: [{ index: 2, quantInfo: { scale: 0.5, type: 6 } }], outputName: ['t4'] },
)

async function survives(bytes: Uint8Array): Promise<void> {
  try {
    const { model, sources } = await open(bytes)
    await encodeModel(model, createBytes(sources))
  } catch (error) {
    if (!(error instanceof StudioError)) throw error
    expect(error.hint).not.toBe('')
  }
}

test('a cut file ends in an error of ours', () =>
  fc.assert(
    fc.asyncProperty(fc.nat(sound.length - 1), length => survives(sound.slice(0, length))),
    { numRuns: 300, seed: 1 },
  ))

test('a file with bytes changed ends in an error of ours, or is read', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), changes => {
      const broken = sound.slice()
      for (const [at, value] of changes) broken[at % broken.length] = value
      return survives(broken)
    }),
    { numRuns: 2000, seed: 2 },
  ))

const published = new URL('../../../shared/data/', import.meta.url)
const haveFiles = existsSync(new URL('ref_int8/ultraface_rfb320_kl_int8.mnn', published))
if (!haveFiles) console.log('The int8 detector of ../shared/data is not here; it is not imported.')

test.skipIf(!haveFiles)('an int8 detector of MNN 1, which MNN 3 no longer runs, is near the float one', async () => {
  const results = []
  for (const path of ['formats/ultraface_rfb320.mnn', 'ref_int8/ultraface_rfb320_kl_int8.mnn']) {
    const { model, sources } = await open(new Uint8Array(readFileSync(new URL(path, published))))
    const { runner } = await createTestContext(sources)
    const session = await runner.open(model)
    const data = Float32Array.from({ length: 3 * 240 * 320 }, (_, i) => Math.sin(i / 50) * 0.8)
    results.push(await session.run({ input: { dtype: 'float32', shape: [1, 3, 240, 320], data } }))
    await session.close()
  }
  const [float, int8] = results
  for (const output of ['boxes', 'scores'])
    expect(decibels(float[output].data as Float32Array, int8[output].data as Float32Array)).toBeGreaterThan(10)
})
