// A network run forwards and backwards: branches, values read rounded, statistics of a batch.
import { beforeAll, describe, expect, test } from 'vitest'
import { createKernels } from '../../kernels/lib/backends.ts'
import type { Context } from '../../src/ir/context.ts'
import type { QuantParams } from '../../src/ir/quant.ts'
import { floats } from '../../src/ir/tensor.ts'
import { training } from '../../src/stages/train/index.ts'
import { build } from '../build.ts'
import { arraysOf, runtimeOutputs, seeded, slopes, uniform } from '../ops/grad/slopes.ts'
import { testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
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
  const { y: want } = await runtimeOutputs(residual, arrays, ctx)
  const net = training.network(residual.graph.nodes, new Set(['x']), new Map(), ctx.kernels)
  const y = net.forward(arrays, uniform).value('y')
  for (const [i, v] of Array.from(want.data as Float32Array).entries()) expect(y.data[i]).toBeCloseTo(v, 3)
  const found = slopes(residual, arrays, ctx)
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
    return training.network(graph.nodes, new Set(['x']), new Map([['x', { params, readers, keep }]]), ctx.kernels)
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

describe('BatchNormalization by the statistics of the batch', () => {
  const model = build(
    `graph (x: f32[4,3,2,2]) -> (y) {
      y, rm, rv = BatchNormalization(x, w: f32[3], b: f32[3], m1: f32[3]{0.5, 0, -1}, v1: f32[3]{1, 2, 3}) {training_mode=1, momentum=0.8}
    }`,
  )

  test('gradients go through mean and deviation', () => {
    for (const [gradient, difference] of slopes(model, arraysOf(model), ctx))
      expect(Math.abs(gradient - difference)).toBeLessThan(0.02 * Math.max(1, Math.abs(difference)))
  })

  test('running statistics move towards those of the batch', () => {
    const arrays = arraysOf(model)
    const net = training.network(model.graph.nodes, new Set(['w']), new Map(), ctx.kernels)
    const run = net.forward(arrays, uniform)
    const x = Array.from(arrays.get('x')!.data as Float32Array)
    const own = x.filter((_, i) => Math.floor(i / 4) % 3 === 0)
    const mean = own.reduce((sum, v) => sum + v, 0) / own.length
    const variance = own.reduce((sum, v) => sum + (v - mean) ** 2, 0) / own.length
    expect(run.value('rm').data[0]).toBeCloseTo(0.8 * 0.5 + 0.2 * mean, 5)
    expect(run.value('rv').data[0]).toBeCloseTo(0.8 * 1 + 0.2 * variance, 5)
  })
})
