// Gradients of every operator that has one: the forward values are the runtime's, and the gradients those of finite differences.
import { beforeAll, describe, expect, test } from 'vitest'
import type { Context } from '../../../src/ir/context.ts'
import type { Model } from '../../../src/ir/model.ts'
import { grads } from '../../../src/ops/grad/index.ts'
import { infer } from '../../../src/ops/infer.ts'
import { training } from '../../../src/stages/train/index.ts'
import { build } from '../../build.ts'
import { testContext } from '../../quantize/played.ts'
import { arraysOf, runtimeOutputs, slopes, uniform } from './slopes.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const cases: [string, string][] = [
  ['x: f32[2,3,7,6]', 'Conv(x, w: f32[4,3,3,3], b: f32[4]) {pads=[1,1,1,1]}'],
  ['x: f32[2,3,7,6]', 'Conv(x, w: f32[4,3,1,1])'],
  ['x: f32[2,3,11,9]', 'Conv(x, w: f32[4,3,3,2], b: f32[4]) {pads=[2,0,1,3], strides=[2,1], dilations=[1,2]}'],
  ['x: f32[1,3,8,7]', 'Conv(x, w: f32[4,3,4,3]) {auto_pad="SAME_UPPER", strides=[2,2]}'],
  ['x: f32[1,3,8,7]', 'Conv(x, w: f32[4,3,4,2]) {auto_pad="SAME_LOWER", strides=[2,2]}'],
  ['x: f32[2,6,5,5]', 'Conv(x, w: f32[4,3,3,3], b: f32[4]) {pads=[1,1,1,1], group=2}'],
  ['x: f32[2,4,5,5]', 'Conv(x, w: f32[8,1,3,3]) {pads=[1,1,1,1], strides=[2,2], group=4}'],
  ['x: f32[2,3,9]', 'Conv(x, w: f32[5,3,4], b: f32[5]) {pads=[2,1], strides=[2]}'],
  ['x: f32[5,7]', 'Gemm(x, w: f32[7,4], b: f32[4])'],
  ['x: f32[5,7]', 'Gemm(x, w: f32[4,7], b: f32[4]) {transB=1}'],
  ['x: f32[2,5,7]', 'MatMul(x, w: f32[7,4])'],
  ['x: f32[2,3,4]', 'Add(x, w: f32[3,1])'],
  ['x: f32[2,3,4]', 'Sub(w: f32[4], x)'],
  ['x: f32[2,3,4]', 'Mul(x, w: f32[2,3,4])'],
  ['x: f32[3,5]', 'Mul(x, x)'],
  ['x: f32[40]', 'Relu(x)'],
  ['x: f32[40]', 'LeakyRelu(x) {alpha=0.2}'],
  ['x: f32[40]', 'Clip(x, l1: f32[]{-0.5}, h1: f32[]{0.7})'],
  ['x: f32[40]', 'Sigmoid(x)'],
  ['x: f32[40]', 'Tanh(x)'],
  ['x: f32[40]', 'HardSigmoid(x) {alpha=0.3, beta=0.4}'],
  ['x: f32[40]', 'HardSwish(x)'],
  ['x: f32[2,3,7,6]', 'MaxPool(x) {kernel_shape=[3,2], strides=[2,2], pads=[1,0,1,0]}'],
  ['x: f32[2,3,7,6]', 'AveragePool(x) {kernel_shape=[3,2], strides=[2,1], pads=[1,0,1,1]}'],
  ['x: f32[2,3,7,6]', 'AveragePool(x) {kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1}'],
  ['x: f32[2,3,5,6]', 'AveragePool(x) {kernel_shape=[5,6]}'],
  ['x: f32[2,3,9]', 'AveragePool(x) {kernel_shape=[9]}'],
  ['x: f32[2,3,5,6]', 'GlobalAveragePool(x)'],
  ['x: f32[2,3,4]', 'Flatten(x)'],
  ['x: f32[2,3,4]', 'Identity(x)'],
  ['x: f32[2,3,4]', 'Dropout(x)'],
  ['x: f32[2,3,4]', 'Reshape(x, s: i64[3]{0, -1, 2})'],
  ['x: f32[2,1,4,1]', 'Squeeze(x, s: i64[1]{-1})'],
  ['x: f32[2,3,4,5]', 'Transpose(x) {perm=[0,3,1,2]}'],
  ['x: f32[2,3,4,5]', 'Transpose(x)'],
  ['x: f32[2,3,8,9]', 'Slice(x, a: i64[2]{0, 7}, b: i64[2]{100, -100}, c: i64[2]{2, -1}, d: i64[2]{2, -3})'],
  ['x: f32[2,3,4]', 'Pad(x, p: i64[6]{0,1,2,0,3,0}, v1: f32[]{0.5})'],
  ['x: f32[2,3,4]', 'Concat(x, w: f32[2,5,4], x) {axis=1}'],
  ['x: f32[2,4,5,4]', 'ConvTranspose(x, w: f32[4,3,3,2], b: f32[3]) {strides=[2,1], pads=[1,0,0,1]}'],
  [
    'x: f32[2,4,5,4]',
    'ConvTranspose(x, w: f32[4,2,3,3]) {group=2, strides=[2,2], pads=[1,1,1,1], output_padding=[1,1]}',
  ],
  ['x: f32[1,2,5,4]', 'ConvTranspose(x, w: f32[2,3,4,4]) {strides=[2,2], auto_pad="SAME_UPPER"}'],
  ['x: f32[1,2,6]', 'ConvTranspose(x, w: f32[2,3,3], b: f32[3]) {strides=[2], dilations=[2]}'],
  ['x: f32[7,5]', 'Gemm(x, w: f32[4,7], b: f32[5,1]) {transA=1, transB=1, alpha=0.5, beta=2.0}'],
  ['x: f32[7,5]', 'Gemm(x, w: f32[7,4], b: f32[]) {transA=1}'],
  ['x: f32[2,3,5,7]', 'MatMul(x, w: f32[3,7,4])'],
  ['x: f32[5,7]', 'MatMul(x, w: f32[2,7,4])'],
  ['x: f32[2,5,7]', 'MatMul(x, w: f32[7])'],
  ['x: f32[7]', 'MatMul(x, w: f32[2,7,3])'],
  ['x: f32[2,4,4]', 'MatMul(x, x)'],
  [
    'x: f32[2,3,4,5]',
    'BatchNormalization(x, w: f32[3], b: f32[3], m1: f32[3]{0.1, -0.2, 0.3}, v1: f32[3]{0.5, 1.5, 2}) {epsilon=0.01}',
  ],
  ['x: f32[2,3,4]', 'LayerNormalization(x, w: f32[4], b: f32[4])'],
  ['x: f32[2,3,4]', 'LayerNormalization(x, w: f32[3,4]) {axis=1, epsilon=0.1}'],
  ['x: f32[2,3,4]', 'Div(x, w: f32[3,1]{1.5, -2, 0.7})'],
  ['x: f32[4]', 'Div(w: f32[2,4], x)'],
  ['x: f32[2,3,4]', 'Pow(x, e1: f32[]{3})'],
  ['x: f32[2,3,4]', 'Pow(w: f32[3,1]{1.5, 2, 0.7}, x)'],
  ['x: f32[2,3,4]', 'PRelu(x, w: f32[3,1])'],
  ['x: f32[2,3,4]', 'Max(x, w: f32[3,1])'],
  ['x: f32[2,3,4]', 'Min(w: f32[4], x)'],
  ['x: f32[2,3,4]', 'Sum(x, w: f32[3,1], x)'],
  ['x: f32[2,3,4]', 'Mean(x, w: f32[4])'],
  ['x: f32[2,3,4]', 'Where(c: bool[3,1]{1, 0, 1}, x, w: f32[4])'],
  ['x: f32[40]', 'Elu(x) {alpha=0.7}'],
  ['x: f32[40]', 'Gelu(x)'],
  ['x: f32[40]', 'Gelu(x) {approximate="tanh"}'],
  ['x: f32[40]', 'Mish(x)'],
  ['x: f32[40]', 'Softplus(x)'],
  ['x: f32[40]', 'Erf(x)'],
  ['x: f32[40]', 'Exp(x)'],
  ['x: f32[40]', 'Neg(x)'],
  ['x: f32[40]', 'Abs(x)'],
  ['x: f32[2,5,3]', 'Softmax(x) {axis=1}'],
  ['x: f32[2,5,3]', 'LogSoftmax(x)'],
  ['x: f32[2,3,4]', 'ReduceSum(x, a: i64[2]{0, -1})'],
  ['x: f32[2,3,4]', 'ReduceMean(x) {axes=[1], keepdims=0}'],
  ['x: f32[2,1,4]', 'ReduceMean(x) {axes=[1,2], keepdims=0}'],
  ['x: f32[2,3,4]', 'ReduceSumSquare(x)'],
  ['x: f32[2,3,4]', 'ReduceL1(x) {axes=[0]}'],
  ['x: f32[2,3,4]', 'ReduceL2(x) {axes=[2]}'],
  ['x: f32[2,3,4]', 'ReduceMax(x) {axes=[0,2]}'],
  ['x: f32[2,3,4]', 'ReduceMin(x) {axes=[1]}'],
  ['x: f32[2,3,4]', 'ReduceLogSumExp(x) {axes=[1]}'],
  ['x: f32[2,3,7,6]', 'MaxPool(x) {kernel_shape=[3,3], strides=[2,2], ceil_mode=1}'],
  ['x: f32[2,3,7,6]', 'AveragePool(x) {kernel_shape=[2,2], strides=[2,2], ceil_mode=1}'],
  ['x: f32[2,3,9]', 'AveragePool(x) {kernel_shape=[2], strides=[2], pads=[1,0], ceil_mode=1}'],
  ['x: f32[2,3,5,6]', 'GlobalMaxPool(x)'],
  ['x: f32[1,2,3,4]', 'Resize(x, _, s1: f32[4]{1, 1, 2, 2}) {mode="nearest"}'],
  [
    'x: f32[1,2,3,4]',
    'Resize(x, _, s1: f32[4]{1, 1, 2, 2}) {mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"}',
  ],
  ['x: f32[1,2,3,4]', 'Resize(x, _, s1: f32[4]{1, 1, 2, 1.5}) {mode="linear"}'],
  [
    'x: f32[1,2,3,4]',
    'Resize(x, _, _, s: i64[4]{1, 2, 7, 2}) {mode="linear", coordinate_transformation_mode="align_corners"}',
  ],
  [
    'x: f32[1,2,3,4]',
    'Resize(x, _, _, s: i64[4]{1, 2, 5, 7}) {mode="linear", coordinate_transformation_mode="pytorch_half_pixel"}',
  ],
  ['x: f32[1,2,5,4]', 'Resize(x, _, s1: f32[4]{1, 1, 2, 1.5}) {mode="cubic"}'],
  [
    'x: f32[1,2,5,6]',
    'Resize(x, _, _, s: i64[4]{1, 2, 9, 4}) {mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1, coordinate_transformation_mode="align_corners"}',
  ],
  ['x: f32[2,3,4]', 'ReduceProd(x) {axes=[1]}'],
  ['x: f32[2,3]', 'ReduceProd(x) {keepdims=0}'],
  ['x: f32[2,3,4]', 'Unsqueeze(x, a: i64[2]{0, -1})'],
  ['x: f32[2,3,4]', 'Cast(x) {to=1}'],
  ['x: f32[2,3,4]', 'Pad(x, p: i64[6]{0,1,2,0,1,1}) {mode="reflect"}'],
  ['x: f32[2,3,4]', 'Pad(x, p: i64[6]{0,1,2,0,1,1}) {mode="edge"}'],
  ['x: f32[3,1]', 'Expand(x, s: i64[3]{2, 1, 4})'],
  ['x: f32[3,2]', 'Tile(x, s: i64[2]{2, 3})'],
  ['x: f32[5,3]', 'Gather(x, i: i64[2,2]{0, -1, 3, 0})'],
  ['x: f32[2,5,3]', 'Gather(x, i: i64[]{2}) {axis=1}'],
  ['x: f32[1,8,2,3]', 'DepthToSpace(x) {blocksize=2}'],
  ['x: f32[1,8,2,3]', 'DepthToSpace(x) {blocksize=2, mode="CRD"}'],
  ['x: f32[1,2,4,6]', 'SpaceToDepth(x) {blocksize=2}'],
]

/** Models of more than one operator, or of more than one output. */
const models: [string, string][] = [
  ['Split', 'graph (x: f32[2,7,3]) -> (a, b) { a, b = Split(x, s: i64[2]{3, 4}) {axis=1} }'],
  ['Split', 'graph (x: f32[2,6,3]) -> (a, c) { a, b, c = Split(x) {axis=1}\n }'],
  ['Sqrt', 'graph (x: f32[8]) -> (y) { e = Exp(x)\n y = Sqrt(e) }'],
  ['Log', 'graph (x: f32[8]) -> (y) { e = Exp(x)\n y = Log(e) }'],
  ['Reciprocal', 'graph (x: f32[8]) -> (y) { e = Exp(x)\n y = Reciprocal(e) }'],
  // Half of the elements are zero: one, several or none to a product.
  ['ReduceProd', 'graph (x: f32[8,2]) -> (y) { r = Relu(x)\n y = ReduceProd(r) {axes=[1]} }'],
  ['ReduceLogSum', 'graph (x: f32[3,8]) -> (y) { e = Exp(x)\n y = ReduceLogSum(e) {axes=[1]} }'],
]

async function check(model: Model): Promise<void> {
  const arrays = arraysOf(model)
  const want = await runtimeOutputs(model, arrays, ctx)
  expect(training.refusal(model.graph.nodes)).toBe(null)
  const net = training.network(model.graph.nodes, new Set(['x']), new Map(), ctx.kernels)
  const run = net.forward(arrays, uniform)
  for (const name of model.graph.outputs) {
    const y = run.value(name)
    expect(y.shape).toEqual(want[name].shape)
    for (const [i, v] of Array.from(want[name].data as Float32Array).entries())
      expect(Math.abs((y.data[i] as number) - v)).toBeLessThan(1e-4 * Math.max(1, Math.abs(v)))
  }
  for (const [gradient, difference] of slopes(model, arrays, ctx))
    expect(Math.abs(gradient - difference)).toBeLessThan(0.02 * Math.max(1, Math.abs(difference)))
}

// GELU has an operator of its own since 20; reductions take their axes as an input since 18.
const opsetOf = (op: string): number => (/^Gelu/.test(op) ? 20 : 17)
const mish = 18

describe('operators in training', () => {
  test.each(cases)('%s: %s', async (input, op) => {
    await check(infer(build(`graph (${input}) -> (y) { y = ${op} }`, { opset: /^Mish/.test(op) ? mish : opsetOf(op) })))
  })

  test.each(models)('%s: %s', async (_, text) => {
    await check(infer(build(text)))
  })

  test('every operator with a gradient is among the cases', () => {
    const types = grads.flatMap(def => [def.type].flat())
    const seen = [...cases.map(([, op]) => op.slice(0, op.indexOf('('))), ...models.map(([op]) => op)]
    expect(types.filter(type => !seen.includes(type) && type !== 'Upsample')).toEqual([])
  })

  test.each([
    ['TopK(x, k: i64[1]{2})', 'TopK'],
    [
      'Resize(x, _, s: f32[4]{1, 1, 2, 2}) {mode="linear", coordinate_transformation_mode="tf_crop_and_resize"}',
      'Resize',
    ],
    ['Cast(x) {to=7}', 'Cast'],
  ])('%s is refused', (op, name) => {
    const { graph } = build(`graph (x: f32[1,2,4,4]) -> (y) { y = ${op} }`)
    expect(training.refusal(graph.nodes)?.node.op).toBe(name)
  })
})
