import { expect, test } from 'vitest'
import { collect } from '../../src/base/bytes.ts'
import { encodeModel, encodeOnnx } from '../../src/exporters/onnx.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import { floats } from '../../src/ir/tensor.ts'
import { build } from '../build.ts'
import { createTestContext } from '../runner.ts'

const net = () =>
  build('graph (x: f32[1,2]) -> (y) { h = MatMul(x, w: f32[2,2]{1, 2, 3, 4})  y = Add(h, b: f32[2]{0.5, -0.5}) }')

test('the runtime computes what the text says', async () => {
  const { runner } = await createTestContext()
  const session = await runner.open(net())
  const { y } = await session.run({ x: floats([1, 2], [1, 1]) })
  // [1 1] * [[1 2] [3 4]] = [4 6]
  expect([...(y.data as Float32Array)]).toEqual([4.5, 5.5])
  await session.close()
})

test('inner values can be asked for although their type is not known', async () => {
  const { runner } = await createTestContext()
  const session = await runner.open(net(), { outputs: ['h', 'y'], optimize: 'none' })
  const { h } = await session.run({ x: floats([1, 2], [1, 1]) })
  expect([...(h.data as Float32Array)]).toEqual([4, 6])
  await session.close()
})

test('equal models give equal bytes', async () => {
  expect(await encodeModel(net(), createBytes())).toEqual(await encodeModel(net(), createBytes()))
})

test('external data are aligned to 4,096 bytes and named beside the model', async () => {
  const model = build('graph (x: f32[1,64]) -> (y) { h = MatMul(x, v: f32[64,64])  y = MatMul(h, w: f32[64,64]) }')
  const files = encodeOnnx(model, createBytes(), { externalData: 'always', path: 'a/net.onnx' })
  expect(files.map(f => f.path)).toEqual(['a/net.onnx', 'a/net.onnx.data'])
  const data = await collect(files[1].chunks())
  expect(data.length).toBe(2 * 64 * 64 * 4) // each is 16,384 bytes, so that no padding is needed
  const main = new TextDecoder('latin1').decode(await collect(files[0].chunks()))
  expect(main).toContain('net.onnx.data')
  expect(main).not.toContain('a/net.onnx.data')
})

test('a model beyond 2 GiB gets external data without being read', async () => {
  const shape = [268435456] // 1 GiB of float32
  const slice = { source: 'weights', offset: 0, length: 1073741824 }
  const small = net()
  const values = new Map(small.graph.values)
  for (const name of ['p', 'q', 'r'])
    values.set(name, { name, dtype: 'float32', shape, data: { dtype: 'float32', shape, data: slice } })
  const files = encodeOnnx({ ...small, graph: { ...small.graph, values } }, createBytes())
  expect(files.map(f => f.path)).toEqual(['model.onnx', 'model.onnx.data'])
  expect((await collect(files[0].chunks())).length).toBeLessThan(1000)
})

test('a model of IR version 3 with weights that are no inputs is written as version 4', async () => {
  // Field 1, a varint: the first two bytes of the file.
  const bytes = await encodeModel({ ...net(), irVersion: 3 }, createBytes())
  expect([...bytes.subarray(0, 2)]).toEqual([8, 4])
})
