import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type ByteSource, concat, memorySource } from '../../src/base/bytes.ts'
import { byteLength, dtypeOfOnnx, elementCount } from '../../src/base/dtype.ts'
import type { ModelRecord, NodeRecord, TensorRecord } from '../../src/formats/onnx.ts'
import { readOnnx, readTensorProto } from '../../src/formats/onnx-read.ts'
import { writeOnnx } from '../../src/formats/onnx-write.ts'

interface Fixture {
  type: string
  note: string
  wire: string
  dims: number[]
  raw: string
}
// Tensors as the Python package onnx 1.23 serialises them, and the bytes that its numpy_helper gives for them.
const fixtures = JSON.parse(readFileSync(new URL('onnx-tensors.json', import.meta.url), 'utf8')) as Fixture[]

test.each(fixtures)('$type $note becomes the bytes that NumPy has', ({ wire, dims, raw }) => {
  const tensor = readTensorProto(Buffer.from(wire, 'base64'))
  const dtype = dtypeOfOnnx(tensor.dataType)!
  expect(tensor.dims).toEqual(dims)
  expect(Buffer.from(tensor.data as Uint8Array).toString('hex')).toBe(raw)
  expect((tensor.data as Uint8Array).length).toBe(byteLength(dtype, elementCount(dims)))
})

const node = (i: number): NodeRecord => ({
  name: `n${i}`,
  op: 'MatMul',
  domain: '',
  overload: '',
  inputs: [`v${i}`, `w${i}`],
  outputs: [`v${i + 1}`],
  attributes: [],
})

function largeModel(tensors: number, bytesEach: number): { file: ByteSource; read: () => number } {
  const initializers: TensorRecord[] = Array.from({ length: tensors }, (_, i) => ({
    name: `w${i}`,
    dims: [bytesEach / 4],
    dataType: 1,
    data: { source: 'zeros', offset: 0, length: bytesEach },
    external: null,
  }))
  const model: ModelRecord = {
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0,
    graph: {
      name: 'large',
      nodes: Array.from({ length: tensors }, (_, i) => node(i)),
      initializers,
      sparse: [],
      inputs: [],
      outputs: [],
      valueInfos: [],
    },
    opsets: [['', 17]],
    meta: [],
    functions: [],
  }
  const { parts, size } = writeOnnx(model)
  let count = 0
  const file: ByteSource = {
    name: 'large.onnx',
    size,
    read: async (offset, length) => {
      count += length
      const out: Uint8Array[] = []
      let start = 0
      for (const part of parts) {
        const from = Math.max(offset, start) - start
        const to = Math.min(offset + length, start + part.length) - start
        if (from < to) out.push(part instanceof Uint8Array ? part.subarray(from, to) : new Uint8Array(to - from))
        start += part.length
      }
      return concat(out)
    },
  }
  return { file, read: () => count }
}

test('a model of 768 MiB is read by less than 500 kB', async () => {
  const { file, read } = largeModel(96, 8 * 1048576)
  expect(file.size).toBeGreaterThan(768 * 1048576)
  const model = await readOnnx(file, 'large.onnx')
  expect(model.graph?.initializers.length).toBe(96)
  expect(model.graph?.nodes.length).toBe(96)
  const last = model.graph?.initializers[95].data
  expect(last).toMatchObject({ source: 'large.onnx', length: 8 * 1048576 })
  console.log(`read ${read()} of ${file.size} bytes`)
  expect(read()).toBeLessThan(500_000)
})

test('numbers of ten bytes keep every digit', async () => {
  const { file } = largeModel(1, 65536)
  const record = await readOnnx(file, 'x')
  const { parts } = writeOnnx({ ...record, graph: null, modelVersion: -(2n ** 62n) - 1n })
  const again = await readOnnx(memorySource('y', concat(parts as Uint8Array[])), 'y')
  expect(again.modelVersion).toBe(-(2n ** 62n) - 1n)
})
