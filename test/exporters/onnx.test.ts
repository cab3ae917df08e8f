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
