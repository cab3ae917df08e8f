// Paddle programs as written: Paddle's own inference gives what our preview gives.
import { describe, expect, test } from 'vitest'
import { collect } from '../../src/base/bytes.ts'
import { paddle as exporter } from '../../src/exporters/paddle.ts'
import { inOrder } from '../../src/formats/paddle.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Model } from '../../src/ir/model.ts'
import { paddle as target } from '../../src/targets/paddle.ts'
import { build } from '../build.ts'
import { installed } from '../targets/runtimes.ts'
import { agreement, preview, ranBy, random } from './arrays.ts'

const python = installed('paddle')

async function written(model: Model): Promise<Record<string, Uint8Array>> {
  const rest = { io: 'float' as const, preprocess: {}, quantized: null, calibration: null, name: 'model' }
  const { files } = await exporter.write(model, target, { form: 'float', bytes: createBytes(), ...rest })
  return Object.fromEntries(await Promise.all(files.map(async f => [f.path, await collect(f.chunks())] as const)))
}

const network = build(`graph (x: f32[2,6,12,10]) -> (y, z) {
  c = Conv(x, f32[12,6,3,3], f32[12]) {pads=[1,1,1,1], strides=[2,2]}
  r = Relu(c)
  d = Conv(r, f32[12,1,3,3], f32[12]) {group=12, pads=[0,1,1,0]}
  e = HardSwish(d)
  a = Add(e, f32[1,12,1,1])
  m = MaxPool(a) {kernel_shape=[2,2], strides=[1,1]}
  v = AveragePool(a) {kernel_shape=[3,3], pads=[1,1,1,1], strides=[2,2]}
  p = GlobalAveragePool(m)
  f = Flatten(p)
  l = LeakyRelu(f) {alpha=0.1}
  g = Gemm(l, f32[5,12], f32[5]) {transB=1}
  y = Softmax(g)
  s = Slice(v, i64[2]{1,0}, i64[2]{9,3}, i64[2]{1,2}, i64[2]{1,2})
  t = Transpose(s) {perm=[0,2,3,1]}
  q = Pad(t, i64[8]{0,1,0,0,0,0,2,0}, f32[]{0.5})
  u = Sigmoid(q)
  h = HardSigmoid(u) {alpha=0.3, beta=0.1}
  k = Clip(h, f32[]{0.1}, f32[]{0.35})
  j = Concat(k, k) {axis=-1}
  n = ReduceMean(j) {axes=[1], keepdims=0}
  z = Mul(n, f32[16])
}`)

describe.skipIf(python === null)('in Paddle', () => {
  test('a network gives what the preview gives', async () => {
    const feeds = { x: random([2, 6, 12, 10]) }
    const { outputs, ran } = await ranBy<Record<string, number>>(
      python!,
      'run-paddle.py',
      await written(network),
      feeds,
    )
    const { y, z } = await preview(network, feeds)
    expect(agreement({ a0: y, a1: z }, outputs)).toBeGreaterThan(100)
    expect(ran).toMatchObject({
      conv2d: 1,
      depthwise_conv2d: 1,
      pool2d: 3,
      matmul_v2: 1,
      strided_slice: 1,
      feed: 1,
      fetch: 2,
    })
  })
})

test('parameters lie in the order of their names', () => {
  const named = (name: string) => ({ name })
  expect(inOrder(['b.10', 'a', 'B', 'b.9'].map(named)).map(p => p.name)).toEqual(['B', 'a', 'b.10', 'b.9'])
})

test('the same bytes every time, and all that cannot be written is found before', async () => {
  expect(await written(network)).toEqual(await written(network))
  const model = build(`graph (x: f32[2,3]) -> (y, z) {
    y = Erf(x)
    u = CumSum(x, i64[]{1})
    z = Relu(u)
  }`)
  const found = exporter.check!(model, target, 'float')
  expect(found.map(p => [p.node, p.level])).toEqual([
    ['y', 'refused'],
    ['u', 'refused'],
  ])
  await expect(written(model)).rejects.toMatchObject({ code: 'unsupported', where: { node: 'y' } })
})
