// Gradients of every operator that has one: the forward values are the runtime's, and the gradients those of finite differences.
import { beforeAll, describe, expect, test } from 'vitest'
import { createKernels } from '../../kernels/lib/backends.ts'
import { viewAs } from '../../src/base/dtype.ts'
import { createRng } from '../../src/base/rng.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Model, ValueName } from '../../src/ir/model.ts'
import type { QuantParams } from '../../src/ir/quant.ts'
import { floats, type NdArray } from '../../src/ir/tensor.ts'
import { grads } from '../../src/ops/grad/index.ts'
import { infer } from '../../src/ops/infer.ts'
import { training } from '../../src/stages/train/index.ts'
import { build } from '../build.ts'
import { testContext } from '../quantize/played.ts'

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
  ['x: f32[40]', 'Clip(x, l: f32[]{-0.5}, h: f32[]{0.7})'],
  ['x: f32[40]', 'Sigmoid(x)'],
  ['x: f32[40]', 'Tanh(x)'],
  ['x: f32[40]', 'HardSigmoid(x) {alpha=0.3, beta=0.4}'],
  ['x: f32[40]', 'HardSwish(x)'],
  ['x: f32[2,3,7,6]', 'MaxPool(x) {kernel_shape=[3,2], strides=[2,2], pads=[1,0,1,0]}'],
  ['x: f32[2,3,7,6]', 'AveragePool(x) {kernel_shape=[3,2], strides=[2,1], pads=[1,0,1,1]}'],
  ['x: f32[2,3,7,6]', 'AveragePool(x) {kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1}'],
  ['x: f32[2,3,5,6]', 'GlobalAveragePool(x)'],
  ['x: f32[2,3,4]', 'Flatten(x)'],
  ['x: f32[2,3,4]', 'Identity(x)'],
  ['x: f32[2,3,4]', 'Dropout(x)'],
  ['x: f32[2,3,4]', 'Reshape(x, s: i64[3]{0, -1, 2})'],
  ['x: f32[2,1,4,1]', 'Squeeze(x, s: i64[1]{-1})'],
  ['x: f32[2,3,4,5]', 'Transpose(x) {perm=[0,3,1,2]}'],
  ['x: f32[2,3,4,5]', 'Transpose(x)'],
  ['x: f32[2,3,8,9]', 'Slice(x, a: i64[2]{0, 7}, b: i64[2]{100, -100}, c: i64[2]{2, -1}, d: i64[2]{2, -3})'],
  ['x: f32[2,3,4]', 'Pad(x, p: i64[6]{0,1,2,0,3,0}, v: f32[]{0.5})'],
  ['x: f32[2,3,4]', 'Concat(x, w: f32[2,5,4], x) {axis=1}'],
]

/** The arrays that a model reads: seeded inputs, and its constants. */
function arraysOf(model: Model): Map<ValueName, NdArray> {
  const { graph } = model
  const arrays = new Map<ValueName, NdArray>()
  const rng = createRng(5)
  for (const name of graph.inputs) {
    const shape = graph.values.get(name)!.shape as number[]
    arrays.set(
      name,
      floats(
        shape,
        Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => rng.normal()),
      ),
    )
  }
  for (const [name, { data }] of graph.values)
    if (data) arrays.set(name, { ...data, data: viewAs(data.dtype, data.data as Uint8Array) } as NdArray)
  return arrays
}

const uniform = (): number => 1
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0)
const seeded = (n: number, seed: number): Float32Array => {
  const rng = createRng(seed)
  return Float32Array.from({ length: n }, () => rng.normal())
}

async function runtimeOutput(model: Model, arrays: ReadonlyMap<ValueName, NdArray>): Promise<NdArray> {
  const session = await ctx.runner.open(model)
  const { y } = await session.run(Object.fromEntries(model.graph.inputs.map(name => [name, arrays.get(name)!])))
  await session.close()
  return y
}

/** Slopes along random directions of each learned value, from the gradients and from differences. */
function slopes(model: Model, arrays: Map<ValueName, NdArray>): [number, number][] {
  const learned = new Set(
    [...arrays].filter(([name, a]) => a.dtype === 'float32' && !['l', 'h', 'v'].includes(name)).map(([n]) => n),
  )
  const net = training.network(model.graph.nodes, model.graph, learned, new Map(), ctx.kernels)
  const run = net.forward(arrays, uniform)
  const length = run.value('y').data.length
  const weights = seeded(length, 9)
  const gradients = run.backward(new Map([['y', weights]]))
  return [...learned].map((name, k) => {
    const array = arrays.get(name)!
    const x = array.data as Float32Array
    const direction = seeded(x.length, 20 + k)
    const step = 1e-3
    const at = (sign: number): Float32Array => {
      const moved = { ...array, data: x.map((v, i) => v + sign * step * direction[i]) }
      return net.forward(new Map([...arrays, [name, moved]]), uniform).value('y').data as Float32Array
    }
    const [plus, minus] = [at(1), at(-1)]
    const difference = weights.reduce((sum, w, i) => sum + w * (plus[i] - minus[i]), 0) / (2 * step)
    return [dot(gradients.get(name)!, direction), difference]
  })
}

describe('operators in training', () => {
  test.each(cases)('%s: %s', async (input, op) => {
    const model = infer(build(`graph (${input}) -> (y) { y = ${op} }`))
    const arrays = arraysOf(model)
    const want = await runtimeOutput(model, arrays)
    expect(training.refusal(model.graph.nodes, model.graph)).toBe(null)
    const net = training.network(model.graph.nodes, model.graph, new Set(['x']), new Map(), ctx.kernels)
    const y = net.forward(arrays, uniform).value('y')
    expect(y.shape).toEqual(want.shape)
    for (const [i, v] of Array.from(want.data as Float32Array).entries()) expect(y.data[i]).toBeCloseTo(v, 4)
    for (const [gradient, difference] of slopes(model, arrays))
      expect(Math.abs(gradient - difference)).toBeLessThan(0.02 * Math.max(1, Math.abs(difference)))
  })

  test('every operator with a gradient is among the cases', () => {
    const types = grads.flatMap(def => [def.type].flat())
    expect(types.filter(type => !cases.some(([, op]) => op.startsWith(`${type}(`)))).toEqual([])
  })

  test.each([
    ['Softmax(x)', 'Softmax'],
    ['MaxPool(x) {kernel_shape=[2,2], ceil_mode=1}', 'MaxPool'],
    ['MatMul(x, x)', 'MatMul'],
  ])('%s is refused', (op, name) => {
    const { graph } = build(`graph (x: f32[1,2,4,4]) -> (y) { y = ${op} }`)
    expect(training.refusal(graph.nodes, graph)?.node.op).toBe(name)
  })
})

const residual = build(`graph (x: f32[2,3,8,8]) -> (y) {
  a = Conv(x, wa: f32[8,3,3,3], ba: f32[8]) {pads=[1,1,1,1]}
  r = Relu(a)
  d = Conv(r, wd: f32[8,1,3,3], bd: f32[8]) {pads=[1,1,1,1], group=8}
  s = Sigmoid(d)
  e = Conv(s, we: f32[8,8,1,1])
  t = Add(e, r)
  p = GlobalAveragePool(t)
  f = Flatten(p)
  y = Gemm(f, wf: f32[8,5], bf: f32[5])
}`)

test('gradients go through a network with a branch, to its input and every weight', async () => {
  const arrays = arraysOf(residual)
  const want = await runtimeOutput(residual, arrays)
  const net = training.network(residual.graph.nodes, residual.graph, new Set(['x']), new Map(), ctx.kernels)
  const y = net.forward(arrays, uniform).value('y')
  for (const [i, v] of Array.from(want.data as Float32Array).entries()) expect(y.data[i]).toBeCloseTo(v, 3)
  const found = slopes(residual, arrays)
  expect(found).toHaveLength(8)
  for (const [gradient, difference] of found)
    expect(Math.abs(gradient - difference)).toBeLessThan(0.03 * Math.max(1, Math.abs(difference)))
})

test('both kernel sets convolve and differentiate to the same bits', async () => {
  const reference = await createKernels('reference')
  const shape = {
    samples: 2,
    groups: 2,
    channels: 3,
    outputs: 5,
    size: [9, 8],
    out: [5, 4],
    kernel: [3, 3],
    strides: [2, 2],
    dilations: [1, 1],
    pads: [1, 1],
  } as const
  const [x, w, dy] = [seeded(2 * 6 * 72, 1), seeded(10 * 27, 2), seeded(2 * 10 * 20, 3)]
  expect(ctx.kernels.conv(x, w, shape)).toEqual(reference.conv(x, w, shape))
  const wanted = { x: true, w: true }
  expect(ctx.kernels.convGradient(x, w, dy, shape, wanted)).toEqual(reference.convGradient(x, w, dy, shape, wanted))
})

describe('values that are read rounded', () => {
  const params: QuantParams = {
    spec: {
      format: { kind: 'int', bits: 4, signed: false },
      symmetric: false,
      granularity: { kind: 'tensor' },
      restricted: false,
    },
    scale: Float32Array.of(0.5),
    zeroPoint: Int32Array.of(4),
  }
  const { graph } = build('graph (x: f32[6]) -> (y) {\n a = Identity(x)\n b = Identity(x)\n y = Add(a, b)\n}')
  const x = floats([6], Float32Array.of(-9, -0.3, 0.2, 1.3, 5.4, 9))
  const net = (keep: number) => {
    const readers = new Set([graph.nodes[0].id])
    return training.network(
      graph.nodes,
      graph,
      new Set(['x']),
      new Map([['x', { params, readers, keep }]]),
      ctx.kernels,
    )
  }

  test('only by the nodes that are named; what was clipped has no gradient through them', () => {
    const run = net(0).forward(new Map([['x', x]]), uniform)
    expect(Array.from(run.value('a').data as Float32Array)).toEqual([-2, -0.5, 0, 1.5, 5.5, 5.5])
    expect(run.value('b').data).toEqual(x.data)
    const dx = run.backward(new Map([['y', new Float32Array(6).fill(1)]])).get('x')!
    expect(Array.from(dx)).toEqual([1, 2, 2, 2, 2, 1])
  })

  test('with a probability of being kept some elements stay, and pass their gradient', () => {
    let draw = 0
    const run = net(0.5).forward(new Map([['x', x]]), () => (draw++ % 2 === 0 ? 0.4 : 0.6))
    expect(Array.from(run.value('a').data as Float32Array)).toEqual([
      -9,
      -0.5,
      Math.fround(0.2),
      1.5,
      Math.fround(5.4),
      5.5,
    ])
    const dx = run.backward(new Map([['y', new Float32Array(6).fill(1)]])).get('x')!
    expect(Array.from(dx)).toEqual([2, 2, 2, 2, 2, 1])
  })
})

test('Adam goes downhill whatever the scale of the gradients', () => {
  for (const scale of [1e-4, 1, 1e4]) {
    const values = Float32Array.of(3, -2)
    const optimizer = training.adam(2)
    for (let i = 0; i < 400; i++)
      optimizer.step(
        values,
        values.map(v => scale * 2 * v),
        0.05,
      )
    for (const v of values) expect(Math.abs(v)).toBeLessThan(0.05)
  }
})
