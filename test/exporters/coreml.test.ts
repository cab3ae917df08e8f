// Core ML packages as coremltools reads and types them, computed by its own definitions of operations and NumPy
// (test/targets/run-coreml.py). Core ML itself is on Apple's systems alone.
import { describe, expect, test } from 'vitest'
import { collect, text } from '../../src/base/bytes.ts'
import type { ImageInput } from '../../src/data/input-spec.ts'
import { coreml as exporter } from '../../src/exporters/coreml.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Model } from '../../src/ir/model.ts'
import { floats } from '../../src/ir/tensor.ts'
import { coreml as target } from '../../src/targets/coreml.ts'
import { build } from '../build.ts'
import { testContext } from '../quantize/played.ts'
import { installed } from '../targets/runtimes.ts'
import { type Arrays, agreement, preview, ranBy, random } from './arrays.ts'
import {
  allFeeds,
  compared,
  hasShared,
  outputsOf,
  sharedData,
  sharedFile,
  sharedModel,
  stacked,
  writtenFor,
} from './written.ts'

const python = installed('coremltools')

async function written(
  model: Model,
  form = 'float',
  preprocess: Record<string, ImageInput> = {},
  io: 'float' | 'integer' = 'float',
): Promise<Record<string, Uint8Array>> {
  const options = { form, io, preprocess, quantized: null, calibration: null, name: 'model', bytes: createBytes() }
  const { files } = await exporter.write(model, target, options)
  return Object.fromEntries(await Promise.all(files.map(async f => [f.path, await collect(f.chunks())] as const)))
}

interface Ran {
  specification: number
  inputs: Record<string, Record<string, unknown>>
  outputs: Record<string, Record<string, unknown>>
  operations: Record<string, number>
}

const computed = (files: Record<string, Uint8Array>, feeds: Arrays) =>
  ranBy<Ran>(python!, 'run-coreml.py', files, feeds)

const network = build(`graph (x: f32[2,8,10,10]) -> (y, z, t, h, p, a, l, v) {
  c = Conv(x, f32[16,8,3,3], f32[16]) {pads=[1,1,1,1], strides=[2,2]}
  r = Relu(c)
  d = Conv(r, f32[16,1,3,3], f32[16]) {group=16, pads=[0,1,1,0], dilations=[1,2]}
  lr = LeakyRelu(d) {alpha=0.1}
  m = MaxPool(lr) {kernel_shape=[2,2], strides=[1,1], ceil_mode=1}
  u = ConvTranspose(m, f32[16,4,3,3], f32[8]) {group=2, strides=[2,2], output_padding=[1,1], pads=[1,1,1,1]}
  y = Clip(u, f32[]{-0.5}, f32[]{0.75})
  s = AveragePool(x) {kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1}
  n = LayerNormalization(s, f32[10], f32[10]) {axis=-1, epsilon=1e-5}
  e = Erf(n)
  z = Resize(e, _, f32[4]{1,1,2,0.5}) {mode="linear", coordinate_transformation_mode="half_pixel"}
  sh = Shape(x)
  b = Gather(sh, i64[]{0}) {axis=0}
  ub = Unsqueeze(b, i64[1]{0})
  to = Concat(ub, i64[1]{-1}) {axis=0}
  f = Reshape(x, to)
  g = Gemm(f, f32[800,5], f32[5]) {alpha=0.5, beta=2.0}
  t = Softmax(g)
  hs = Slice(x, i64[2]{0,8}, i64[2]{2,-9223372036854775807}, i64[2]{1,3}, i64[2]{1,-2})
  h = HardSwish(hs)
  pw = Pow(x, f32[]{2})
  p = Pad(pw, i64[8]{0,0,1,0,0,0,1,2}, f32[]{0.5})
  a = ArgMax(x) {axis=1, keepdims=0}
  l = LogSoftmax(x) {axis=1}
  w, vi = TopK(f, i64[1]{4})
  v = Sqrt(pw)
}`)

const movements = build(`graph (x: f32[1,8,6,4]) -> (a, b, c, d, e, f, g, h, i, j, k) {
  a = DepthToSpace(x) {blocksize=2}
  b = DepthToSpace(x) {blocksize=2, mode="CRD"}
  c = SpaceToDepth(x) {blocksize=2}
  d1, d2 = Split(x, i64[2]{3,5}) {axis=1}
  d = Concat(d2, d1) {axis=1}
  e = Resize(x, _, f32[4]{1,1,3,2}) {mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"}
  f = Resize(x, _, f32[4]{1,1,0.5,1.75}) {mode="nearest"}
  g = Pad(x, i64[8]{0,0,1,2,0,0,2,1}) {mode="reflect"}
  h = Expand(f32[8,1,1], i64[4]{2,8,3,4})
  i = Tile(x, i64[4]{1,2,1,3})
  n = InstanceNormalization(x, f32[8], f32[8])
  j = LRN(n) {size=3, alpha=0.1, beta=0.75, bias=1.0}
  s = ReduceSum(x, i64[2]{1,-1}) {keepdims=0}
  o = Mul(s, f32[6])
  q = Max(o, s, f32[]{0.25})
  p = PRelu(x, f32[8,1,1])
  m = MatMul(p, f32[4,7])
  w = Gather(m, i64[3]{2,0,-1}) {axis=3}
  k = Tanh(w)
}`)

const feedsOf = (model: Model): Arrays => ({
  x: random(model.graph.values.get('x')!.shape as number[]),
})

const scales = (count: number): string =>
  Array.from({ length: count }, (_, i) => (0.01 + 0.002 * (i % 5)).toFixed(4)).join(',')

const codes = build(
  `graph (x: f32[2,8,8,8]) -> (y, z) {
  q = QuantizeLinear(x, xs: f32[]{0.03}, xz: i8[]{0})
  d = DequantizeLinear(q, xs, xz)
  w = DequantizeLinear(i8[16,8,3,3]{-90..90}, f32[16]{${scales(16)}}) {axis=0}
  c = Conv(d, w, f32[16]{-0.2..0.3}) {pads=[1,1,1,1]}
  p = GlobalAveragePool(c)
  f = Flatten(p)
  m = DequantizeLinear(u8[16,10]{0..255}, f32[10]{${scales(10)}}, u8[10]{100..140}) {axis=1}
  y = MatMul(f, m)
  n = DequantizeLinear(i8[10,16]{-90..90}, f32[]{0.02}, i8[]{5})
  b = DequantizeLinear(i32[10]{-900..900}, f32[10]{${scales(10)}}) {axis=0}
  z = Gemm(f, n, b) {transB=1}
}`,
)

const packed = build(
  `graph (x: f32[2,6,64]) -> (a, b, c) {
  v = DequantizeLinear(i4[64,24]{-8..7}, f32[4,24]{0.01..0.02}) {axis=0, block_size=16}
  a = MatMul(x, v)
  u = DequantizeLinear(u4[64,24]{0..15}, f32[4,24]{0.01..0.02}, u4[4,24]{3..9}) {axis=0, block_size=16}
  b = MatMul(x, u)
  t = DequantizeLinear(i4[24,64]{-8..7}, f32[24]{${scales(24)}}) {axis=0}
  s = Transpose(t) {perm=[1,0]}
  c = MatMul(x, s)
}`,
  { opset: 21 },
)

describe.skipIf(python === null)('as coremltools reads it', () => {
  test.each([
    ['a network', network],
    ['what moves values', movements],
  ])('%s computes what the preview does', async (_, model) => {
    const feeds = feedsOf(model)
    const { outputs, ran } = await computed(await written(model), feeds)
    const expected = await preview(model, feeds)
    expect(agreement(expected, outputs)).toBeGreaterThan(100)
    expect(ran.specification).toBe(7)
  })

  test('in float16 it is as near as halves are', async () => {
    const feeds = feedsOf(network)
    const { outputs } = await computed(await written(network, 'weights8'), feeds)
    expect(agreement(await preview(network, feeds), outputs)).toBeGreaterThan(45)
  })

  test('weights of 8 bits are unpacked, and activations quantised, by operations of its own', async () => {
    const feeds = feedsOf(codes)
    const { outputs, ran } = await computed(await written(codes, 'float'), feeds)
    expect(agreement(await preview(codes, feeds), outputs)).toBeGreaterThan(100)
    expect(ran).toMatchObject({
      specification: 8,
      operations: { constexpr_affine_dequantize: 3, quantize: 1, dequantize: 1, conv: 1, linear: 2 },
    })
  })

  test('weights of 4 bits keep their blocks', async () => {
    const feeds = feedsOf(packed)
    const files = await written(packed, 'float')
    const { outputs, ran } = await computed(files, feeds)
    expect(agreement(await preview(packed, feeds), outputs)).toBeGreaterThan(100)
    expect(ran).toMatchObject({ specification: 9, operations: { constexpr_blockwise_shift_scale: 3 } })
    // 1536 codes each, scales of 96, 96 and 24 float32, 96 zero points of half a byte; heads and gaps of less than 128 bytes each.
    const bytes = files['model.mlpackage/Data/com.apple.CoreML/weights/weight.bin'].length
    expect(bytes).toBeLessThan(3 * 768 + 4 * (96 + 96 + 24) + 48 + 8 * 128)
  })

  test('floats of few values are kept as a palette, which loses nothing', async () => {
    const values = Array.from({ length: 11 }, (_, i) => (i * i * 0.013 - 0.4).toFixed(4))
    const weights = Array.from({ length: 16 * 8 * 9 }, (_, i) => values[(i * 7) % 11]).join(',')
    const model = build(`graph (x: f32[1,8,5,5]) -> (y) {
      y = Conv(x, f32[16,8,3,3]{${weights}})
    }`)
    const files = await written(model)
    const feeds = feedsOf(model)
    const { outputs, ran } = await computed(files, feeds)
    expect(agreement(await preview(model, feeds), outputs)).toBeGreaterThan(120)
    expect(ran.operations).toMatchObject({ constexpr_lut_to_dense: 1 })
    // 4 bits an index.
    expect(files['model.mlpackage/Data/com.apple.CoreML/weights/weight.bin'].length).toBe(128 + (16 * 8 * 9) / 2)
  })

  test.each([
    ['NCHW', 'x: f32[1,3,4,6]', 'x'],
    ['NHWC', 'x: f32[1,4,6,3]', 'p'],
  ] as const)('pixels of an image are normalised by the program, %s', async (layout, input, read) => {
    const model = build(`graph (${input}) -> (y) {
      ${layout === 'NHWC' ? 'p = Transpose(x) {perm=[0,3,1,2]}' : ''}
      y = Conv(${read}, f32[5,3,3,3])
    }`)
    const [mean, std] = [
      [0.4, 0.5, 0.6],
      [0.2, 0.25, 0.3],
    ]
    const spec = { layout, color: 'BGR' as const, scale: 1 / 255, mean, std, pad: 0 }
    const pixels = Float32Array.from({ length: 72 }, (_, i) => (i * 37) % 256)
    const { outputs, ran } = await computed(await written(model, 'float', { x: spec }, 'integer'), {
      x: floats([1, 3, 4, 6], pixels),
    })
    expect(ran.inputs.x).toMatchObject({ size: [4, 6], image: 30 })
    const at = (c: number, k: number): number => (pixels[c * 24 + k] / 255 - mean[c]) / std[c]
    const fed = Float32Array.from({ length: 72 }, (_, i) =>
      layout === 'NCHW' ? at(Math.floor(i / 24), i % 24) : at(i % 3, Math.floor(i / 3)),
    )
    const expected = await preview(model, { x: floats(layout === 'NCHW' ? [1, 3, 4, 6] : [1, 4, 6, 3], fed) })
    expect(agreement(expected, outputs)).toBeGreaterThan(90)
  })

  test('names that programs cannot have are replaced', async () => {
    const model = build(`graph (input: f32[1,4]) -> (string) {
      string = Relu(input)
    }`)
    const { graph } = model
    const renamed = new Map([['input', '1.x:0']])
    const to = (name: string): string => renamed.get(name) ?? name
    const values = new Map([...graph.values].map(([name, value]) => [to(name), { ...value, name: to(name) }]))
    const nodes = graph.nodes.map(node => ({ ...node, inputs: node.inputs.map(name => name && to(name)) }))
    const odd = { ...model, graph: { ...graph, inputs: graph.inputs.map(to), nodes, values } }
    const { outputs } = await computed(await written(odd), { _1_x_0: floats([1, 4], [1, -2, 3, -4]) })
    expect(outputs.string_.data).toEqual(Float32Array.of(1, 0, 3, 0))
  })
})

const real = python !== null && hasShared

/** A network of 20 convolutions through the recipe's steps, 16 pictures in its package, in dB against preview and float model. */
async function resnet20(form: string) {
  const { model, sources } = await sharedModel('onnx/cifar10_resnet20.onnx')
  const ctx = await testContext(sources)
  const spec = JSON.parse(text(sharedFile('cifar10/input.json')))
  const file = (name: string) =>
    ['json', '_images.bin', '_labels.bin'].map(end => `cifar10/${name}${end === 'json' ? '.json' : end}`)
  const calibration = await sharedData(model, spec, ...file('calib512'))
  const done = await writtenFor(model, ctx, 'coreml', form, { calibration, samples: 64 })
  const feeds = (await allFeeds(await sharedData(model, spec, ...file('test846')))).feeds.slice(0, 16)
  const [name] = model.graph.inputs
  const { outputs, ran } = await computed(done.files, { [name]: stacked(feeds.map(f => f[name])) })
  const [got] = Object.values(outputs)
  const [float] = Object.values(await outputsOf(done.original, feeds, ctx))
  const [previewed] = Object.values(await outputsOf(done.preview, feeds, ctx))
  return { float: compared(float, got), preview: compared(previewed, got), ran }
}

describe.skipIf(!real)('ResNet20', () => {
  test.each([
    // Halves have 11 bits, which 20 layers one after the other round.
    ['float16', 55, 55, 7],
    // What 8 bits cost themselves, and nothing more.
    ['weights8', 35, 50, 7],
    ['weights4', 9, 45, 9],
    // Now and then a code is another where halves are rounded.
    ['int8', 22, 28, 8],
  ])('%s gives what the preview gives', async (form, ofFloat, ofPreview, specification) => {
    const { float, preview, ran } = await resnet20(form)
    expect(preview.db).toBeGreaterThan(ofPreview)
    expect(float.db).toBeGreaterThan(ofFloat)
    expect(ran.specification).toBe(specification)
  })
})

test('the same bytes every time', async () => {
  expect(await written(network)).toEqual(await written(network))
})

test('what has no operation is found before anything is written, and what no output needs is no matter', async () => {
  const model = build(`graph (x: f32[2,3]) -> (y, z) {
    y = Relu(x)
    u = Unique(x)
    z = Neg(u)
    w = NonZero(x)
  }`)
  expect(exporter.check!(model, target, 'float')).toMatchObject([{ node: 'u', op: 'Unique', level: 'refused' }])
  expect(exporter.check!(network, target, 'float')).toEqual([])
  await expect(written(model)).rejects.toMatchObject({ code: 'unsupported', where: { node: 'u' } })
})
