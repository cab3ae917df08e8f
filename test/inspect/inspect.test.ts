// Cost, peak memory and weight checks. Figures are worked by hand in the comments.
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Model } from '../../src/ir/model.ts'
import { cost } from '../../src/stages/inspect/cost.ts'
import { inspect } from '../../src/stages/inspect/inspect.ts'
import { peakActivations } from '../../src/stages/inspect/liveness.ts'
import { checkWeights, zeroChannels } from '../../src/stages/inspect/weights.ts'
import { build } from '../build.ts'

describe('cost', () => {
  test('a convolution: output elements * input channels per group * kernel, for one sample of an open batch', () => {
    // 16 * 8 * 8 outputs, each 3 * 3 * 3 products; 16 * 27 weights and 16 biases
    const model = build('graph (x: f32[N,3,8,8]) -> (y) { y = Conv(x, f32[16,3,3,3], f32[16]) {pads=[1,1,1,1]} }')
    const { macs, parameters, weightBytes, nodes } = cost(model)
    expect(macs).toBe(16 * 8 * 8 * 27)
    expect(parameters).toBe(16 * 27 + 16)
    expect(weightBytes).toBe(4 * parameters)
    expect(nodes[0]).toMatchObject({ inputBytes: 4 * 3 * 64, outputBytes: 4 * 16 * 64, weightBytes: 4 * 448 })
  })

  test('depthwise, transposed, Gemm, batched MatMul, LSTM', () => {
    const macs = (text: string) => cost(build(text)).macs
    expect(macs('graph (x: f32[1,8,6,6]) -> (y) { y = Conv(x, f32[8,1,3,3]) {group=8} }')).toBe(8 * 4 * 4 * 9)
    // every one of 6 * 4 * 4 inputs meets 2 output channels of its group * 9 weights
    expect(macs('graph (x: f32[1,6,4,4]) -> (y) { y = ConvTranspose(x, f32[6,2,3,3]) {group=2} }')).toBe(96 * 2 * 9)
    expect(macs('graph (x: f32[N,64]) -> (y) { y = Gemm(x, f32[10,64]) {transB=1} }')).toBe(640)
    expect(macs('graph (x: f32[2,5,7], z: f32[2,7,3]) -> (y) { y = MatMul(x, z) }')).toBe(2 * 5 * 7 * 3)
    // 10 steps, 4 gates of 6 from 8 inputs and 6 states
    expect(macs('graph (x: f32[10,1,8]) -> (y) { y = LSTM(x, f32[1,24,8], f32[1,24,6]) {hidden_size=6} }')).toBe(
      10 * 24 * (8 + 6),
    )
    expect(macs('graph (x: f32[2,3,4], z: f32[4,5]) -> (y) { y = Einsum(x, z) {equation="abc,cd->abd"} }')).toBe(120)
  })

  test('a QDQ model has the parameters and MACs of its float model, in a quarter of the bytes', () => {
    const model = build(`graph (x: f32[1,4]) -> (y) {
      q = QuantizeLinear(x, f32[]{0.5}, u8[]{0})
      a = DequantizeLinear(q, f32[]{0.5}, u8[]{0})
      w = DequantizeLinear(k: i8[4,8], f32[8]{0.1}, i8[8]{0}) {axis=1}
      c = DequantizeLinear(d: i32[8], f32[8]{0.05}, i32[8]{0}) {axis=0}
      g = Gemm(a, w, c)
      y = Identity(g)
    }`)
    const { macs, parameters, weightBytes, nodes } = cost(model)
    expect(macs).toBe(32)
    expect(parameters).toBe(32 + 8)
    expect(weightBytes).toBe(32 + 4 * 8)
    expect(nodes.find(n => n.op === 'Gemm')?.parameters).toBe(40)
  })

  test('a node of open size makes the figure a lower bound, and is named', () => {
    const result = cost(build('graph (x: f32[1,3,H,8]) -> (y) { y = Conv(x, f32[4,3,3,3]) as c }'))
    expect(result.unknown).toEqual(['c'])
    expect(inspect(build('graph (x: f32[1,3,H,8]) -> (y) { y = Conv(x, f32[4,3,3,3]) }')).notes[0]).toMatch(
      /lower bound/,
    )
  })
})

describe('peak of activations', () => {
  test('a chain needs what a node reads and writes, a skip connection more', () => {
    // bytes: x 400, a 800, b 800, c 400
    const chain = build(
      'graph (x: f32[100]) -> (c) { a = Concat(x, x) {axis=0} b = Relu(a) c = Slice(b, i64[1]{0}, i64[1]{100}) }',
    )
    expect(peakActivations(chain)).toMatchObject({ bytes: 1600, at: 'b' })
    // x is read again at the end, so that it lives beside a and b
    const skip = build(
      'graph (x: f32[100]) -> (c) { a = Concat(x, x) {axis=0} b = Relu(a) s = Slice(b, i64[1]{0}, i64[1]{100}) c = Add(s, x) }',
    )
    const peak = peakActivations(skip)
    expect(peak).toMatchObject({ bytes: 2000, at: 'b' })
    expect(peak.live.map(l => l.value)).toEqual(['a', 'b', 'x'])
  })

  test('views are the memory of their base, and hold it', () => {
    const model = build('graph (x: f32[10,10]) -> (y) { r = Reshape(x, i64[1]{100}) f = Flatten(r) y = Relu(f) }')
    expect(peakActivations(model).bytes).toBe(800)
  })

  test('outputs live to the end, weights do not count', () => {
    // a stays: a 400, b 400, c 400 at the end
    const model = build('graph (x: f32[100]) -> (a, c) { a = Add(x, f32[100]) b = Relu(a) c = Relu(b) }')
    expect(peakActivations(model).bytes).toBe(1200)
  })

  test('between DequantizeLinear and QuantizeLinear the integers are the memory', () => {
    // x 4 * 256 and its codes 256; then codes of 256 in and 512 out, through Conv and Relu
    const model = build(`graph (x: f32[1,4,8,8]) -> (y) {
      q = QuantizeLinear(x, f32[]{0.5}, u8[]{0})
      a = DequantizeLinear(q, f32[]{0.5}, u8[]{0})
      w = DequantizeLinear(i8[8,4,1,1], f32[]{0.1}, i8[]{0})
      c = Conv(a, w)
      r = Relu(c)
      p = QuantizeLinear(r, f32[]{0.5}, u8[]{0})
      y = DequantizeLinear(p, f32[]{0.5}, u8[]{0})
    }`)
    // the largest moment: codes of 512 and the float output of 2048
    expect(peakActivations(model)).toMatchObject({ bytes: 512 + 2048, at: 'y' })
    const values = new Set(peakActivations(model).live.map(l => l.value))
    expect(values).toEqual(new Set(['p', 'y']))
  })
})

describe('weights', () => {
  const bytes = createBytes()
  test('NaN and infinities are counted and named, infinite bounds and masks are not', async () => {
    const model = build(`graph (x: f32[1,3]) -> (y) {
      c = Clip(x, f32[]{-inf}, f32[]{inf})
      m = Add(c, f32[3]{0, -inf, 0})
      y = Gemm(m, w: f32[3,2]{nan, 1, inf, 2, -inf, 3}, f32[2]{0, 0}) as fc
    }`)
    expect(await checkWeights(model, bytes)).toEqual([{ value: 'w', node: 'fc', nan: 1, inf: 2 }])
  })

  test('half precision and Constant nodes are looked into too', async () => {
    const model = build(`graph (x: f16[1,3]) -> (y) {
      w = Constant() {value = f16[3,1]{1, nan, inf}}
      y = MatMul(x, w) as m
    }`)
    expect(await checkWeights(model, bytes)).toEqual([{ value: 'w', node: 'm', nan: 1, inf: 1 }])
  })

  test('channels of zeros are named by index', async () => {
    const model = build(`graph (x: f32[1,2]) -> (y) {
      h = Gemm(x, a: f32[3,2]{1, 2, 0, -0, 3, 0}) {transB=1}
      y = Gemm(h, b: f32[3,2]{0, 1, 0, 2, 0, 3})
    }`)
    expect(await zeroChannels(model, bytes)).toEqual([
      { value: 'a', node: 'h', channels: [1] },
      { value: 'b', node: 'y', channels: [0] },
    ])
  })
})

test('a summary counts operators, open dimensions, and what stays float', () => {
  const model = build(
    `graph (x: f32[T,1,8]) -> (y) {
      a, h = LSTM(x, f32[1,24,8], f32[1,24,6]) {hidden_size=6} as memory
      b = Relu(h)
      c = Relu(b)
      y = acme.Magic(c)
    }`,
    { domains: { acme: 2 } },
  )
  const summary = inspect(model)
  expect(summary.operators[0]).toEqual({ op: 'Relu', domain: '', count: 2, known: true })
  expect(summary.dynamic).toEqual([{ input: 'x', axis: 0, symbol: 'T' }])
  expect(summary.staysFloat.map(s => s.node)).toEqual(['memory'])
  expect(summary.outputs).toEqual([{ name: 'y', dtype: null, shape: null }])
  expect(summary.notes[0]).toMatch(/acme\.Magic/)
})

const shared = new URL('../../../shared/data/onnx/', import.meta.url)
const here = existsSync(shared)
if (!here) console.log('The models of ../shared/data/onnx are not here; their costs are not checked.')

async function open(file: string): Promise<Model> {
  const source = memorySource(file, new Uint8Array(readFileSync(new URL(file, shared))))
  return (await importModel(new Map([[file, source]]))).model
}

describe.skipIf(!here)('published networks', () => {
  test('ResNet20 on CIFAR-10', async () => {
    const summary = inspect(await open('cifar10_resnet20.onnx'))
    // 3x3 convolutions: 432 weights at 32x32; 6 of 16*16*9 at 32x32; 16*32*9 then 5 of 32*32*9 at 16x16; 32*64*9 then 5 of
    // 64*64*9 at 8x8; 64*10 at the end
    const stages = [1024 * (432 + 6 * 2304), 256 * (4608 + 5 * 9216), 64 * (18432 + 5 * 36864), 640]
    expect(summary.macs).toBe(stages.reduce((a, b) => a + b))
    // biases of 7 * 16 + 6 * 32 + 6 * 64 channels and 10 classes
    expect(summary.parameters).toBe(432 + 6 * 2304 + 4608 + 5 * 9216 + 18432 + 5 * 36864 + 640 + 688 + 10)
    // in the first stage: skip connection, convolution and ReLU, 16 * 32 * 32 floats each
    expect(summary.peakActivations.bytes).toBe(3 * 16 * 32 * 32 * 4)
    expect(summary.notes).toEqual([])
  })

  test('MobileNetV2 has the 300 million MACs and 3.5 million parameters of its paper', async () => {
    const summary = inspect(await open('imagenet_mobilenet_v2_1.0_224_deq.onnx'))
    expect(Math.round(summary.macs / 1e6)).toBe(301)
    expect(Math.round(summary.parameters / 1e5)).toBe(35)
    // the expansion of the second block: 96 * 112 * 112 floats before and after its ReLU6
    expect(summary.peakActivations.bytes).toBe(2 * 96 * 112 * 112 * 4)
  })
})
