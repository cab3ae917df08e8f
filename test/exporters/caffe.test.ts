// Caffe pairs, run by OpenCV, which reads Caffe; and what NNIE's mapper is given beside them.
import { beforeAll, describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import type { Context, Feeds } from '../../src/ir/context.ts'
import { type Model, requiredInputs } from '../../src/ir/model.ts'
import { floats } from '../../src/ir/tensor.ts'
import { build } from '../build.ts'
import { agreement, ours } from '../importers/compared.ts'
import { native } from '../importers/native.ts'
import { testContext } from '../quantize/played.ts'
import { hasShared, outputsOf, sharedModel, writtenFor } from './written.ts'

const opencv = native('caffe', '../importers/run-caffe.py')
let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const rng = createRng(9)
const random = (shape: readonly number[]): Feeds['x'] => {
  const count = shape.reduce((n, d) => n * d, 1)
  return floats(
    shape,
    Float32Array.from({ length: count }, () => rng.normal()),
  )
}

const map = [1, 6, 9, 8]
const networks: Record<string, [shape: number[], text: string]> = {
  'convolutions with uneven padding, steps, holes and groups': [
    map,
    `a = Conv(x, w1: f32[4,6,3,2], b1: f32[4]) {pads=[1,0,2,1], strides=[2,1]}
    b = Relu(a)
    c = Conv(b, w2: f32[8,2,3,3]) {group=2, dilations=[2,2], pads=[2,2,2,2]}
    d = Conv(c, w3: f32[8,1,3,3], b3: f32[8]) {group=8, auto_pad="SAME_UPPER", strides=[2,2]}
    e = Conv(d, w4: f32[4,8,4,4], b4: f32[4]) {auto_pad="SAME_LOWER"}
    y = Clip(e, f32[]{-0.5}, f32[]{0.7})`,
  ],
  'a transposed convolution, and pixels repeated': [
    map,
    `a = ConvTranspose(x, w1: f32[6,4,4,4], b1: f32[4]) {strides=[2,2], pads=[1,1,1,1]}
    y = Resize(a, _, f32[4]{1, 1, 2, 2}) {mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"}`,
  ],
  'products of matrices': [
    map,
    `f = Flatten(x)
    g = Gemm(f, w1: f32[432,8], b1: f32[8])
    r = Relu(g)
    h = Gemm(r, w2: f32[4,8], b2: f32[4]) {transB=1}
    y = Softmax(h)`,
  ],
  'pooling that comes out even, and that which rounds up': [
    map,
    `a = MaxPool(x) {kernel_shape=[3,3], strides=[2,2], ceil_mode=1}
    b = AveragePool(x) {kernel_shape=[2,2], strides=[2,2]}
    c = MaxPool(x) {kernel_shape=[3,3], pads=[1,1,1,1]}
    d = GlobalAveragePool(a)
    e = GlobalAveragePool(b)
    f = GlobalMaxPool(c)
    g = Add(d, e)
    y = Mul(g, f)`,
  ],
  activations: [
    map,
    `a = LeakyRelu(x) {alpha=0.2}
    b = Sigmoid(a)
    c = Elu(x)
    d = HardSwish(c)
    f = PRelu(d, s: f32[6,1,1])
    g = Tanh(f)
    h = Abs(g)
    i = Sqrt(h)
    j = Clip(x, f32[]{0}, f32[]{6})
    k = Mul(i, j)
    y = Add(k, b)`,
  ],
  'arithmetic with numbers and constants': [
    map,
    `a = Sub(f32[]{1.5}, x)
    c = Mul(a, m: f32[1,6,1,1])
    d = Add(k: f32[6,1,1], c)
    e = Div(d, f32[]{4})
    f = Sub(e, x)
    g = Mul(f, o: f32[6,9,8])
    h = Add(g, q: f32[1,1,9,8])
    y = Max(h, x)`,
  ],
  'a factor for each channel that is computed': [
    map,
    `p = GlobalAveragePool(x)
    q = Conv(p, w1: f32[6,6,1,1])
    s = Sigmoid(q)
    y = Mul(x, s)`,
  ],
  'values cut, joined and moved, and a shortcut without weights': [
    map,
    `a, b = Split(x, i64[2]{2, 4}) {axis=1}
    c = Concat(b, a) {axis=1}
    d = Slice(c, i64[2]{0, 0}, i64[2]{9, 8}, i64[2]{2, 3}, i64[2]{2, 2})
    e = Pad(d, i64[8]{0, 3, 0, 0, 0, 3, 0, 0})
    f = Slice(e, i64[1]{2}, i64[1]{10}, i64[1]{1})
    g = Transpose(f) {perm=[0,2,3,1]}
    y = Reshape(g, i64[3]{1, -1, 8})`,
  ],
}

describe.skipIf(opencv === null)('OpenCV gives what the model gives', () => {
  test('for every operator that is written', async () => {
    const cases = []
    for (const [name, [shape, body]] of Object.entries(networks)) {
      const model = build(`graph (x: f32[${shape}]) -> (y) {\n${body}\n}`)
      const feeds = { x: random(shape) }
      const { files, original } = await writtenFor(model, ctx, 'caffe', 'float', { samples: 2 })
      cases.push({ name, files, feeds, expected: await outputsOf(original, [feeds], ctx) })
    }
    const got = await opencv!.run(cases)
    for (const [i, { name, expected, files, feeds }] of cases.entries()) {
      // OpenCV counts what Silence ends among the outputs.
      expect.soft(got[i]?.y && agreement(expected, { y: got[i].y }), name).toBeGreaterThan(95)
      // And so does what our own importer makes of it.
      const pair = { 'model.prototxt': files['model.prototxt'], 'model.caffemodel': files['model.caffemodel'] }
      expect.soft(agreement(expected, await ours(pair, feeds)), name).toBeGreaterThan(95)
    }
  })

  test.skipIf(!hasShared)('for the networks that chips with a Caffe compiler run', async () => {
    const cases = []
    for (const [file, spread] of [
      ['onnx/cifar10_resnet20.onnx', 1],
      ['onnx/mlperf_resnet8.onnx', 255],
      ['onnx/mlperf_kws.onnx', 20],
      ['onnx/ultraface_rfb320_simplified.onnx', 1],
    ] as const) {
      const { model, sources } = await sharedModel(file)
      const here = await testContext(sources)
      const { files, original } = await writtenFor(model, here, 'caffe', 'float', { samples: 1 })
      const feeds = feedsOf(original, spread)
      cases.push({ name: file, files, feeds, expected: await outputsOf(original, [feeds], here) })
    }
    const got = await opencv!.run(cases)
    for (const [i, { name, expected }] of cases.entries())
      expect.soft(got[i] && agreement(expected, got[i]), name).toBeGreaterThan(90)
  })
})

function feedsOf({ graph }: Model, spread: number): Feeds {
  return Object.fromEntries(
    requiredInputs(graph).map(name => {
      const shape = graph.values.get(name)!.shape!.map(d => (typeof d === 'number' ? d : 1))
      const { data } = random(shape)
      return [
        name,
        floats(
          shape,
          (data as Float32Array).map(v => v * spread),
        ),
      ]
    }),
  )
}

describe('what is refused', () => {
  test.each([
    ['an operator without a layer', 'y = Erf(x)', 'Erf y cannot be written: Caffe has no layer for it'],
    ['a maximum that rounds down', 'y = MaxPool(x) {kernel_shape=[2,2], strides=[2,2]}', 'rounds up'],
    ['shapes that only ONNX broadcasts', 's = ReduceMean(x) {axes=[1]}\ny = Mul(x, s)', 'ReduceMean s'],
  ])('%s', async (_, body, words) => {
    const model = build(`graph (x: f32[1,6,9,8]) -> (y) {\n${body}\n}`)
    await expect(writtenFor(model, ctx, 'caffe', 'float', { samples: 1 })).rejects.toThrow(words)
  })
})

describe('NNIE', () => {
  const model = build(`graph (x: f32[N,3,8,8]) -> (y) {
    a = Conv(x, w: f32[4,3,3,3], b: f32[4]) {pads=[1,1,1,1]}
    r = Relu(a)
    p = GlobalAveragePool(r)
    f = Flatten(p)
    y = Gemm(f, v: f32[4,5])
  }`)
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

  test.each([
    ['log8', 'logarithmic, 8 bits', 0],
    ['log16', 'logarithmic, 16 bits', 1],
    ['int8', 'linear, 8 bits', 0],
  ])('%s: the mapper gets floats, and is told the scheme', async (form, scheme, mode) => {
    const { files } = await writtenFor(model, ctx, 'nnie:hi3519av100', form, { samples: 4 })
    const cfg = text(files['nnie.cfg'])
    expect(cfg).toContain(`# quantisation: ${scheme}`)
    expect(cfg).toContain(`[compile_mode] ${mode}`)
    expect(cfg).toContain('[image_list] images.txt')
    const pair = { 'model.prototxt': files['model.prototxt'], 'model.caffemodel': files['model.caffemodel'] }
    const feeds = { x: random([1, 3, 8, 8]) }
    const expected = await outputsOf(model, [feeds], ctx)
    expect(agreement(expected, await ours(pair, feeds))).toBeGreaterThan(100)
  })

  test('pixels get their mean and scale where one scale serves all channels', async () => {
    const spec = {
      layout: 'NCHW',
      color: 'BGR',
      scale: 1,
      mean: [127, 127, 127],
      std: [128, 128, 128],
      pad: 0,
    } as const
    const { files } = await writtenFor(model, ctx, 'nnie', 'float', { samples: 1, preprocess: { x: spec } })
    const cfg = text(files['nnie.cfg'])
    for (const line of [
      '[RGB_order] BGR',
      '[data_scale] 0.0078125',
      '[norm_type] 5',
      '[mean_file] mean.txt',
      '[image_type] 1',
    ])
      expect(cfg).toContain(line)
    expect(text(files['mean.txt'])).toBe('127\n127\n127\n')
  })
})
