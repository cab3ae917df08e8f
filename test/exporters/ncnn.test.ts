// Bundles for ncnn, run by ncnn itself.
import { beforeAll, describe, expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { StudioError } from '../../src/base/errors.ts'
import { createRng } from '../../src/base/rng.ts'
import { readNcnnParam } from '../../src/formats/ncnn-param.ts'
import { importModel } from '../../src/importers/index.ts'
import type { Context, Feeds } from '../../src/ir/context.ts'
import { floats } from '../../src/ir/tensor.ts'
import { previewing } from '../../src/recipe/steps/preview.ts'
import { findTarget } from '../../src/targets/index.ts'
import { build } from '../build.ts'
import { agreement } from '../importers/compared.ts'
import { native } from '../importers/native.ts'
import { testContext } from '../quantize/played.ts'
import { allFeeds, compared, hasShared, outputsOf, sharedData, sharedModel, stacked, writtenFor } from './written.ts'

const ncnn = native('ncnn', '../importers/run-ncnn.py')
let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const rng = createRng(5)
const random = (shape: readonly number[]): Feeds => {
  const count = shape.reduce((n, d) => n * d, 1)
  return {
    x: floats(
      shape,
      Float32Array.from({ length: count }, () => rng.normal()),
    ),
  }
}

const map = [1, 6, 9, 8]
const networks: Record<string, [shape: number[], text: string]> = {
  'convolutions with uneven padding, steps, holes and groups': [
    map,
    `a = Conv(x, w1: f32[4,6,3,2], b1: f32[4]) {pads=[1,0,2,1], strides=[2,1]}
    b = Relu(a)
    c = Conv(b, w2: f32[8,2,3,3]) {group=2, dilations=[2,2], pads=[2,2,2,2]}
    d = Conv(c, w3: f32[8,1,3,3], b3: f32[8]) {group=8, auto_pad="SAME_UPPER", strides=[2,2]}
    y = Clip(d, f32[]{-0.5}, f32[]{0.7})`,
  ],
  'transposed convolutions': [
    map,
    `a = ConvTranspose(x, w1: f32[6,4,3,3], b1: f32[4]) {strides=[2,2], pads=[1,1,1,1], output_padding=[1,1]}
    y = ConvTranspose(a, w2: f32[4,2,2,2]) {strides=[2,2], group=2}`,
  ],
  'one spatial axis': [
    [1, 6, 9],
    `a = Conv(x, w: f32[4,6,3], b: f32[4]) {pads=[1,1], strides=[2]}
    p = MaxPool(a) {kernel_shape=[2], strides=[2]}
    y = Relu(p)`,
  ],
  'products of matrices': [
    [1, 5, 6],
    `a = MatMul(x, w1: f32[6,8])
    t = Transpose(a) {perm=[0,2,1]}
    m = MatMul(a, t)
    f = Flatten(m)
    g = Gemm(f, w2: f32[25,4], b2: f32[4])
    y = Gemm(g, w3: f32[3,4], b3: f32[3]) {transB=1}`,
  ],
  'constants of fewer dimensions': [
    [1, 5, 6],
    `a = Mul(x, k: f32[6])
    b = Add(c: f32[5,1], a)
    y = Sub(b, d: f32[1,5,6])`,
  ],
  'squares of negative numbers': [
    [1, 5, 6],
    `a = Pow(x, f32[]{2})
    y = Pow(a, f32[1]{0.5})`,
  ],
  'pooling of every kind': [
    map,
    `a = MaxPool(x) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1], ceil_mode=1}
    b = AveragePool(a) {kernel_shape=[2,2], strides=[2,2], ceil_mode=1}
    c = AveragePool(x) {kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1}
    d = AveragePool(x) {kernel_shape=[3,3], pads=[1,1,1,1]}
    e = Add(c, d)
    f = GlobalAveragePool(e)
    g = GlobalMaxPool(b)
    y = Add(f, g)`,
  ],
  activations: [
    map,
    `a = LeakyRelu(x) {alpha=0.2}
    b = Sigmoid(a)
    c = Elu(x)
    d = HardSwish(c)
    e = HardSigmoid(d) {alpha=0.3, beta=0.4}
    f = PRelu(x, s: f32[6,1,1])
    g = Tanh(f)
    h = Selu(g)
    i = Softplus(h)
    j = Mul(i, e)
    k = Add(j, b)
    y = Softmax(k) {axis=1}`,
  ],
  'arithmetic with numbers and constants on both sides': [
    map,
    `a = Sub(f32[]{1.5}, x)
    b = Div(f32[]{2}, a)
    c = Mul(b, m: f32[1,6,1,1])
    d = Add(k: f32[1,1,9,8], c)
    e = Abs(d)
    f = Sqrt(e)
    g = Pow(f, f32[]{2})
    h = Max(g, x)
    y = Min(h, f32[]{3})`,
  ],
  'a factor for each channel that is computed': [
    map,
    `p = GlobalAveragePool(x)
    q = Conv(p, w1: f32[6,6,1,1])
    s = Sigmoid(q)
    y = Mul(x, s)`,
  ],
  'values cut, padded, joined and moved': [
    map,
    `a, b = Split(x, i64[2]{2, 4}) {axis=1}
    c = Concat(b, a) {axis=1}
    d = Slice(c, i64[2]{0, 1}, i64[2]{9, 8}, i64[2]{2, 3}, i64[2]{2, 2})
    e = Slice(d, i64[1]{-3}, i64[1]{9223372036854775807}, i64[1]{2})
    f = Pad(e, i64[8]{0, 1, 0, 1, 0, 2, 1, 0}, f32[]{0.5})
    g = Transpose(f) {perm=[0,2,3,1]}
    y = Reshape(g, i64[3]{1, -1, 9})`,
  ],
  'sizes changed': [
    [1, 4, 6, 6],
    `a = Resize(x, _, f32[4]{1, 1, 2, 2}) {mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"}
    b = Resize(a, _, _, i64[4]{1, 4, 7, 9}) {mode="linear"}
    c = Resize(x, _, f32[4]{1, 1, 2, 2}) {mode="linear", coordinate_transformation_mode="align_corners"}
    d = DepthToSpace(x) {blocksize=2, mode="CRD"}
    e = SpaceToDepth(c) {blocksize=2}
    f = Flatten(b)
    g = Flatten(d)
    h = Flatten(e)
    y = Concat(f, g, h) {axis=1}`,
  ],
  'norms and reductions': [
    map,
    `a = InstanceNormalization(x, s1: f32[6], b1: f32[6])
    b = LRN(a) {size=3, alpha=0.5}
    c = ReduceMean(b) {axes=[2,3], keepdims=1}
    d = ReduceMax(b) {axes=[1], keepdims=1}
    y = Mul(c, d)`,
  ],
  'an output that others read too': [
    map,
    `a = Relu(x)
    y = Sigmoid(a)
    z = Add(y, a)`,
  ],
}

describe.skipIf(ncnn === null)('ncnn gives what the model gives', () => {
  test('for every operator that is written', async () => {
    const cases = []
    for (const [name, [shape, body]] of Object.entries(networks)) {
      const outputs = /^\s*z =/m.test(body) ? 'y, z' : 'y'
      const model = build(`graph (x: f32[${['N', ...shape.slice(1)]}]) -> (${outputs}) {\n${body}\n}`)
      const feeds = random(shape)
      const { files, original } = await writtenFor(model, ctx, 'ncnn', 'float', { samples: 2 })
      cases.push({ name, files, feeds, expected: await outputsOf(original, [feeds], ctx) })
    }
    const got = await ncnn!.run(cases)
    const ratios = Object.fromEntries(
      cases.map(({ name, expected }, i) => [name, got[i] && agreement(expected, got[i])]),
    )
    for (const [name, db] of Object.entries(ratios)) expect.soft(db, name).toBeGreaterThan(95)
  })
})

test.skipIf(ncnn === null)('a network of an old opset is written in newer operators', async () => {
  const model = build(
    `graph (x: f32[1,4,6,6]) -> (y) {
      a = Slice(x) {axes=[2], starts=[1], ends=[5]}
      b = Squeeze(a) {axes=[0]}
      c = Unsqueeze(b) {axes=[0]}
      y = Clip(c) {min=-0.5, max=0.5}
    }`,
    { opset: 9 },
  )
  const feeds = random([1, 4, 6, 6])
  const { files, original } = await writtenFor(model, ctx, 'ncnn', 'float', { samples: 1 })
  const [got] = await ncnn!.run([{ files, feeds }])
  expect(agreement(await outputsOf(original, [feeds], ctx), got!)).toBeGreaterThan(95)
})

test('a number that meets an input is a blob of its own, lest ncnn writes into what the caller gave', async () => {
  const { files } = await writtenFor(
    build('graph (x: f32[1,4]) -> (y) { a = Mul(x, f32[]{2})\n y = Add(a, f32[]{3}) }'),
    ctx,
    'ncnn',
    'float',
    { samples: 1 },
  )
  const layers = readNcnnParam(files['model.param'], 'model.param').filter(({ type }) => type === 'BinaryOp')
  expect(layers.map(({ inputs }) => inputs.length)).toEqual([2, 1])
})

const residual = `graph (x: f32[N,3,12,12]) -> (y) {
  a = Conv(x, w0: f32[8,3,3,3], b0: f32[8]) {pads=[1,1,1,1]}
  ar = Relu(a)
  b = Conv(ar, w1: f32[8,1,3,3], b1: f32[8]) {pads=[1,1,1,1], group=8}
  c = Conv(b, w2: f32[8,8,1,1])
  d = Add(c, ar)
  dr = Relu(d)
  p = MaxPool(dr) {kernel_shape=[2,2], strides=[2,2]}
  f = Conv(p, w3: f32[4,8,3,3], b3: f32[4]) {strides=[2,2]}
  g = Conv(p, w4: f32[4,8,3,3], b4: f32[4]) {strides=[2,2]}
  h = Concat(f, g) {axis=1}
  i = GlobalAveragePool(h)
  j = Flatten(i)
  y = Gemm(j, w5: f32[10,8], b5: f32[10]) {transB=1}
}`

// To the bit but for the order of sums of floats, as those of averages.
const exact = 120

describe('int8', () => {
  test('layers say that they are int8, and pass it on where nobody else reads it', async () => {
    const { files } = await writtenFor(build(residual), ctx, 'ncnn', 'int8')
    const layers = readNcnnParam(files['model.param'], 'model.param')
    const terms = layers.flatMap(({ type, name, params }) =>
      params.has(8) && type !== 'Pooling' ? [[name, params.get(8)]] : [],
    )
    const term = (name: string): unknown =>
      (Object.fromEntries(terms)[name] as { values: number[] } | undefined)?.values[0]
    // The first is read by a sum as well, the second only by the third.
    expect([term('a'), term('b'), term('c'), term('f'), term('y')]).toEqual([2, 101, 2, 2, 2])
    expect(new TextDecoder().decode(files['model.table'])).toMatch(/^a_param_0 /)
  })

  test.skipIf(ncnn === null)('ncnn gives what the preview gives', async () => {
    const { files, preview } = await writtenFor(build(residual), ctx, 'ncnn', 'int8')
    const feeds = Array.from({ length: 32 }, () => random([1, 3, 12, 12]))
    const [got] = await ncnn!.run([{ files, feeds: { x: stacked(feeds.map(f => f.x)) } }])
    const expected = await outputsOf(preview, feeds, previewing(findTarget('ncnn'), ctx))
    expect(compared(expected.y, got!.y).db).toBeGreaterThan(exact)
  })

  const shifted: Record<string, string> = {
    'from layer to layer, with borders of the code of 0': `a = Conv(x, w0: f32[8,3,3,3], b0: f32[8]) {pads=[1,1,1,1]}
      b = Relu(a)
      c = Conv(b, w1: f32[8,8,3,3]) {pads=[0,1,2,1], strides=[2,1]}
      y = Conv(c, w2: f32[16,8,3,3], b2: f32[16]) {pads=[1,1,1,1]}`,
    'where others read the value too': `a = Conv(x, w0: f32[8,3,3,3], b0: f32[8]) {pads=[1,1,1,1]}
      b = Relu(a)
      c = Conv(b, w1: f32[8,8,3,3], b1: f32[8]) {pads=[1,1,1,1]}
      d = Conv(b, w2: f32[8,8,1,1])
      e = Add(c, b)
      y = Concat(e, d) {axis=1}`,
    'behind bounds on both sides': `a = Conv(x, w0: f32[8,3,3,3], b0: f32[8])
      b = Clip(a, f32[]{-0.5}, f32[]{4})
      c = Conv(b, w1: f32[8,8,3,3]) {pads=[1,1,1,1]}
      d = Clip(c, f32[]{-4}, f32[]{0.5})
      y = Conv(d, w2: f32[8,8,3,3]) {pads=[1,1,1,1]}`,
    'in products of matrices': `f = Flatten(x)
      g = Gemm(f, w0: f32[432,16], b0: f32[16])
      r = Relu(g)
      h = Gemm(r, w1: f32[10,16]) {transB=1}
      s = Sigmoid(h)
      y = MatMul(s, w2: f32[10,4])`,
  }
  test.skipIf(ncnn === null)(
    'zero points are shifts, borders and biases, which ncnn computes and the importer reads',
    async () => {
      const jobs = []
      for (const [name, body] of Object.entries(shifted)) {
        const { files, preview } = await writtenFor(
          build(`graph (x: f32[N,3,12,12]) -> (y) {\n${body}\n}`),
          ctx,
          'ncnn',
          'int8',
        )
        const feeds = Array.from({ length: 4 }, () => random([1, 3, 12, 12]))
        const y = (await outputsOf(preview, feeds, previewing(findTarget('ncnn'), ctx))).y
        jobs.push({ name, files, feeds: { x: stacked(feeds.map(f => f.x)) }, samples: feeds, y })
      }
      const got = await ncnn!.run(jobs)
      for (const [i, { name, files, samples, y }] of jobs.entries()) {
        expect.soft(compared(y, got[i]!.y).db, name).toBeGreaterThan(exact)
        const sources = new Map(['model.param', 'model.bin'].map(path => [path, memorySource(path, files[path])]))
        const { model } = await importModel(sources)
        const here = await testContext(sources)
        const again = await outputsOf(model, samples, previewing(findTarget('ncnn'), here))
        expect.soft(compared(y, again.y).db, `${name}, read again`).toBeGreaterThan(100)
      }
    },
  )

  test('whole powers but the square, which would be no numbers, are refused', async () => {
    const write = (exponent: number) =>
      writtenFor(build(`graph (x: f32[1,4]) -> (y) { y = Pow(x, f32[]{${exponent}}) }`), ctx, 'ncnn', 'float')
    await expect(write(3)).rejects.toMatchObject({ code: 'unsupported', where: { node: 'y' } })
    await expect(write(1.5)).resolves.toBeDefined()
  })

  test('what has no layer is refused by the name of its node', async () => {
    const model = build('graph (x: f32[N,4]) -> (y) { a = Relu(x)\n y = CumSum(a, i64[]{1}) }')
    const error = await writtenFor(model, ctx, 'ncnn', 'float').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StudioError)
    expect(error).toMatchObject({ code: 'unsupported', where: { node: 'y' } })
  })
})

describe.skipIf(ncnn === null || !hasShared)(
  'ResNet20 on 846 images',
  () => {
    test.each([
      ['float', 100, 1],
      ['float16', 60, 0.995],
      ['int8', 28, 0.985],
    ])('%s', async (form, db, top1) => {
      const { model, sources } = await sharedModel('onnx/cifar10_resnet20.onnx')
      const here = await testContext(sources)
      const mean = [0.485, 0.456, 0.406]
      const spec = { inputs: { '*': { scale: 1 / 255, mean, std: [0.229, 0.224, 0.225] } } }
      const of = (name: string): string[] => ['.json', '_images.bin', '_labels.bin'].map(end => `cifar10/${name}${end}`)
      const calibration = await sharedData(model, spec, ...of('calib512'))
      const { feeds } = await allFeeds(await sharedData(model, spec, ...of('test846')))
      const { files, preview } = await writtenFor(model, here, 'ncnn', form, { calibration, samples: 128, input: spec })
      const [input] = Object.keys(feeds[0])
      const [got] = await ncnn!.run([{ files, feeds: { [input]: stacked(feeds.map(f => f[input])) } }])
      const reference = compared((await outputsOf(model, feeds, here)).logits, got!.logits)
      const ofPreview = compared(
        (await outputsOf(preview, feeds, previewing(findTarget('ncnn'), here))).logits,
        got!.logits,
      )
      expect(reference.db).toBeGreaterThan(db)
      expect(reference.top1).toBeGreaterThanOrEqual(top1)
      expect(ofPreview.top1).toBeGreaterThanOrEqual(0.995)
      if (form === 'int8') expect(ofPreview.db).toBeGreaterThan(100)
    })
  },
  300_000,
)
