// OpenVINO IR as written: the runtime gives what our preview gives, layers of few bits run in few bits, and our own importer reads back
// what was meant.
import { describe, expect, test } from 'vitest'
import { collect, memorySource } from '../../src/base/bytes.ts'
import { openvino as exporter } from '../../src/exporters/openvino.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Model } from '../../src/ir/model.ts'
import { openvino as target } from '../../src/targets/openvino.ts'
import { build } from '../build.ts'
import { installed } from '../targets/runtimes.ts'
import { type Arrays, agreement, preview, ranBy, random } from './arrays.ts'

const python = installed('openvino')

async function written(model: Model): Promise<Record<string, Uint8Array>> {
  const options = {
    form: 'int8',
    io: 'float' as const,
    preprocess: {},
    quantized: null,
    calibration: null,
    name: 'model',
  }
  const { files } = await exporter.write(model, target, { ...options, bytes: createBytes() })
  return Object.fromEntries(await Promise.all(files.map(async f => [f.path, await collect(f.chunks())] as const)))
}

const float = build(
  `graph (x: f32[N,8,10,10]) -> (y, z, t, h, p, a) {
  c = Conv(x, f32[16,8,3,3], f32[16]) {pads=[1,1,1,1], strides=[2,2]}
  r = Relu(c)
  d = Conv(r, f32[16,1,3,3], f32[16]) {group=16, pads=[0,1,1,0]}
  l = LeakyRelu(d) {alpha=0.1}
  m = MaxPool(l) {kernel_shape=[2,2], strides=[1,1], ceil_mode=1}
  u = ConvTranspose(m, f32[16,4,3,3], f32[8]) {group=2, strides=[2,2], output_padding=[1,1], pads=[1,1,1,1]}
  y = Clip(u, f32[]{-0.5}, f32[]{0.75})
  s = AveragePool(x) {kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1}
  n = LayerNormalization(s, f32[10], f32[10]) {axis=-1, epsilon=1e-5}
  e = Gelu0(n)
  z = Resize(e, _, f32[4]{1,1,2,0.5}) {mode="linear", coordinate_transformation_mode="half_pixel"}
  sh = Shape(x)
  b = Gather(sh, i64[]{0}) {axis=0}
  ub = Unsqueeze(b, i64[1]{0})
  to = Concat(ub, i64[1]{-1}) {axis=0}
  f = Reshape(x, to)
  g = Gemm(f, f32[800,5], f32[5]) {alpha=0.5, beta=2.0}
  t = Softmax(g)
  k = TopK(f, i64[1]{4})
  hs = Slice(x, i64[2]{0,8}, i64[2]{2,-9223372036854775807}, i64[2]{1,3}, i64[2]{1,-2})
  h = HardSwish(hs)
  pw = Pow(x, f32[]{2})
  p = Pad(pw, i64[8]{0,0,1,0,0,0,-1,2}, f32[]{0.5})
  a = ArgMax(x) {axis=1, keepdims=0}
}`
    .replace('e = Gelu0(n)\n', 'e = Erf(n)\n')
    .replace(/ {2}k = TopK.*\n/, ''),
)

const scales = (count: number): string =>
  Array.from({ length: count }, (_, i) => (0.01 + 0.002 * (i % 5)).toFixed(4)).join(',')

const int8 = build(`graph (x: f32[2,8,8,8]) -> (y) {
  q = QuantizeLinear(x, xs: f32[]{0.03}, xz: u8[]{128})
  d = DequantizeLinear(q, xs, xz)
  w = DequantizeLinear(i8[16,8,3,3]{-90..90}, f32[16]{${scales(16)}}) {axis=0}
  c = Conv(d, w, f32[16]{-0.2..0.3}) {pads=[1,1,1,1]}
  r = Relu(c)
  rq = QuantizeLinear(r, rs: f32[]{0.15}, rz: u8[]{0})
  rd = DequantizeLinear(rq, rs, rz)
  v = DequantizeLinear(i8[16,1,3,3]{-90..90}, f32[16]{${scales(16)}}) {axis=0}
  g = Conv(rd, v, f32[16]{-0.2..0.3}) {pads=[1,1,1,1], group=16}
  gq = QuantizeLinear(g, gs: f32[]{0.25}, gz: u8[]{120})
  gd = DequantizeLinear(gq, gs, gz)
  p = GlobalAveragePool(gd)
  f = Flatten(p)
  fq = QuantizeLinear(f, fs: f32[]{0.1}, fz: u8[]{110})
  fd = DequantizeLinear(fq, fs, fz)
  m = DequantizeLinear(i8[16,10]{-90..90}, f32[10]{${scales(10)}}) {axis=1}
  y = MatMul(fd, m)
}`)

const packed = build(
  `graph (x: f32[2,6,64]) -> (a, b, c, d) {
  w = DequantizeLinear(i8[64,24], f32[24]{${scales(24)}}) {axis=1}
  a = MatMul(x, w)
  v = DequantizeLinear(i4[64,24]{-8..7}, f32[4,24]{0.01..0.02}) {axis=0, block_size=16}
  b = MatMul(x, v)
  u = DequantizeLinear(u4[64,24]{0..15}, f32[4,24]{0.01..0.02}, u4[4,24]{3..9}) {axis=0, block_size=16}
  c = MatMul(x, u)
  t = DequantizeLinear(u8[24,64]{0..255}, f32[24]{${scales(24)}}, u8[24]{100..140}) {axis=0}
  s = Transpose(t) {perm=[1,0]}
  d = MatMul(x, s)
}`,
  { opset: 21 },
)

const cases = [
  ['floats', float, { x: random([2, 8, 10, 10]) }],
  ['packed weights', packed, { x: random([2, 6, 64]) }],
  ['pairs', int8, { x: random([2, 8, 8, 8]) }],
] as const

const runtime = (files: Record<string, Uint8Array>, feeds: Arrays) =>
  ranBy<Record<string, number>>(python!, 'run-openvino.py', files, feeds)

describe.skipIf(python === null)('in the runtime', () => {
  test.each(cases.slice(0, 2))('%s give what the preview gives', async (_, model, feeds) => {
    const { outputs } = await runtime(await written(model), feeds)
    expect(agreement(await preview(model, feeds), outputs)).toBeGreaterThan(90)
  })

  test('layers between pairs run in integers', async () => {
    const feeds = { x: random([2, 8, 8, 8]) }
    const { outputs, ran } = await runtime(await written(int8), feeds)
    expect(ran).toMatchObject({ 'Convolution u8': 2, 'FullyConnected u8': 1 })
    // Requantised by another rounding than ours: now and then a code is another.
    expect(agreement(await preview(int8, feeds), outputs)).toBeGreaterThan(35)
  })
})

test.each(cases)('%s are read back as the same function', async (_, model, feeds) => {
  const files = await written(model)
  const sources = new Map(Object.entries(files).map(([name, bytes]) => [name, memorySource(name, bytes)]))
  const again = await importModel(sources)
  expect(agreement(await preview(model, feeds), await preview(again.model, feeds, again.sources))).toBeGreaterThan(
    model === int8 ? 50 : 90,
  )
})

test('weights of few bits take few bits', async () => {
  const files = await written(packed)
  // 8, 4, 4 and 8 bits, scales of 24, 96, 96 and 24 float32, zero points of 96 halves of a byte and 24 bytes.
  const weights = 1536 + 768 + 768 + 1536
  expect(files['model.bin'].length).toBeLessThan(weights + 4 * (24 + 96 + 96 + 24) + 48 + 24 + 200)
})

test('what has no layer is found before anything is written', async () => {
  const model = build(`graph (x: f32[2,3]) -> (y, z) {
    y = Relu(x)
    u = Unique(x)
    z = Neg(u)
  }`)
  expect(exporter.check!(model, target, 'float')).toMatchObject([{ node: 'u', op: 'Unique', level: 'refused' }])
  expect(exporter.check!(float, target, 'float')).toEqual([])
  await expect(written(model)).rejects.toMatchObject({ code: 'unsupported', where: { node: 'u' } })
})
