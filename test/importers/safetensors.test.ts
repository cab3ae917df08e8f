import { expect, test } from 'vitest'
import { concat, memorySource } from '../../src/base/bytes.ts'
import { bytesOf, type DType, type TypedArray, viewAs } from '../../src/base/dtype.ts'
import { toHalf } from '../../src/base/half.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { safetensorsHeader } from '../../src/formats/safetensors.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import { build } from '../build.ts'

const text = 'graph (x: f32[1,2]) -> (y) { h = MatMul(x, w: f32[2,3]{0}) y = Add(h, b: f32[3]{1}) }'

type Stored = Record<string, { dtype: DType; shape: number[]; data: TypedArray }>

const weights = (tensors: Stored): Uint8Array =>
  concat([
    safetensorsHeader(Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }))),
    ...Object.values(tensors).map(({ data }) => bytesOf(data)),
  ])

async function open(...files: Uint8Array[]) {
  const model = memorySource('m.onnx', await encodeModel(build(text), createBytes()))
  const more = files.map((bytes, i) => [`w${i}.safetensors`, memorySource(`w${i}.safetensors`, bytes)] as const)
  return importModel(new Map([['m.onnx', model], ...more]), 'm.onnx')
}

const w = { dtype: 'float32' as const, shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }

test('tensors take the place of initializers of their name and shape; the others stay', async () => {
  const { model, sources, notes } = await open(
    weights({ w, 'bn.num_batches_tracked': { dtype: 'int64', shape: [], data: BigInt64Array.of(7n) } }),
  )
  const bytes = createBytes(sources)
  const floats = async (name: string) =>
    Array.from(viewAs('float32', await bytes.read(model.graph.values.get(name)!.data!)) as Float32Array)
  expect(await floats('w')).toEqual([1, 2, 3, 4, 5, 6])
  expect(await floats('b')).toEqual([1, 1, 1])
  expect(notes.join('\n')).toMatch(
    /1 weights came from w0\.safetensors; 1 that are not there are the model's own, b the first/,
  )
  expect(notes.join('\n')).toMatch(/1 counters/)
})

test('halves become the floats that the graph has', async () => {
  const { model, sources } = await open(
    weights({ b: { dtype: 'float16', shape: [3], data: Uint16Array.of(toHalf(1.5), toHalf(-2), 0) } }),
  )
  const data = await createBytes(sources).read(model.graph.values.get('b')!.data!)
  expect(viewAs('float32', data)).toEqual(Float32Array.of(1.5, -2, 0))
})

test.each<[string, Stored[], RegExp, RegExp]>([
  [
    'a name that the model lacks',
    [{ w_: w }],
    /w0\.safetensors has weights w_, and the model has none of that name/,
    /The nearest is w/,
  ],
  [
    'a transposed matrix',
    [{ w: { ...w, shape: [3, 2] } }],
    /has w in the shape \[3,2\], and the model has \[2,3\]/,
    /transposed/,
  ],
  ['another shape', [{ b: { ...w } }], /has b in the shape \[2,3\], and the model has \[3\]/, /another model/],
  [
    'another kind of number',
    [{ b: { dtype: 'int32', shape: [3], data: Int32Array.of(1, 2, 3) } }],
    /b as int32, and the model has it as float32/,
    /float32/,
  ],
  ['the same weights twice', [{ w }, { w }], /The weights w are in several/, /one file/],
])('%s is refused, and says what to do', async (_, files, words, hint) => {
  const thrown = await open(...files.map(weights)).catch(error => error)
  expect(thrown.message).toMatch(words)
  expect(thrown.hint).toMatch(hint)
  expect(thrown.where.file).toMatch(/safetensors/)
})

test('weights alone are no model, and the message asks for the graph', async () => {
  const only = new Map([['w.safetensors', memorySource('w.safetensors', weights({ w }))]])
  await expect(importModel(only)).rejects.toThrow(/w\.safetensors holds weights without a graph/)
})
