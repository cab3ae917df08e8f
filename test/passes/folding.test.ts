// The algebra of folding, on numbers that a person can check.
import { beforeAll, expect, test } from 'vitest'
import { viewAs } from '../../src/base/dtype.ts'
import type { Model } from '../../src/ir/model.ts'
import { optimize } from '../../src/stages/passes/index.ts'
import { build } from '../build.ts'
import { createTestContext } from '../runner.ts'

let ctx: Awaited<ReturnType<typeof createTestContext>>
beforeAll(async () => {
  ctx = await createTestContext()
})

const constant = (model: Model, name: string): number[] => {
  const { dtype, data } = model.graph.values.get(name)!.data!
  return Array.from(viewAs(dtype, data as Uint8Array), Number)
}

test('batch normalisation: k = 3 / sqrt(4) = 1.5, so w = 2 becomes 3 and b = 1 becomes (1 - 5) 1.5 + 7 = 1', async () => {
  const model = build(`graph (x: f32[1,1,2,2]) -> (y) {
    c = Conv(x, w: f32[1,1,1,1]{2}, b: f32[1]{1})
    y = BatchNormalization(c, f32[1]{3}, f32[1]{7}, f32[1]{5}, f32[1]{4}) {epsilon=0.0}
  }`)
  const { model: after, nodesBefore, nodesAfter } = await optimize(model, ctx)
  expect([nodesBefore, nodesAfter]).toEqual([2, 1])
  expect(constant(after, 'w')).toEqual([3])
  expect(constant(after, 'b')).toEqual([1])
  expect(after.graph.nodes[0].origin).toEqual(['c', 'y'])
})

test('grouped transposed convolution: each output channel gets its own factor', async () => {
  // [in 4, out/groups 1]: inputs 0, 1 make output 0, inputs 2, 3 make output 1.
  const model = build(`graph (x: f32[1,4,1,1]) -> (y) {
    c = ConvTranspose(x, w: f32[4,1,1,1]{1}) {group=2}
    y = Mul(c, f32[2,1,1]{10,20})
  }`)
  const { model: after } = await optimize(model, ctx)
  expect(constant(after, 'w')).toEqual([10, 10, 20, 20])
})

test('Gemm: beta goes into the bias, 2 * 0.5 + 3 = 4', async () => {
  const model = build(`graph (x: f32[1,2]) -> (y) {
    c = Gemm(x, w: f32[2,2]{1}, b: f32[]{0.5}) {beta=2.0}
    y = Add(c, f32[1,2]{3})
  }`)
  const { model: after } = await optimize(model, ctx)
  expect(constant(after, 'b')).toEqual([4, 4])
  expect(after.graph.nodes[0].attrs.has('beta')).toBe(false)
})

test('a weight that another layer shares keeps its numbers for that layer', async () => {
  const model = build(`graph (x: f32[1,1,2,2]) -> (y, z) {
    w: f32[1,1,1,1]{2}
    c = Conv(x, w)
    y = Mul(c, f32[]{3})
    z = Conv(x, w)
  }`)
  const { model: after } = await optimize(model, ctx, { only: ['fold-mul'] })
  expect(constant(after, 'w')).toEqual([2])
  const [first, second] = after.graph.nodes
  expect(constant(after, first.inputs[1]!)).toEqual([6])
  expect(second.inputs[1]).toBe('w')
})

test('small equal biases stay apart, equal index tensors are shared', async () => {
  const model = build(`graph (x: f32[1,2,2,2]) -> (y, z) {
    c = Conv(x, f32[2,2,1,1], b1: f32[2]{1})
    y = Gather(c, i1: i64[1]{0}) {axis=2}
    d = Conv(c, f32[2,2,1,1], b2: f32[2]{1})
    z = Gather(d, i2: i64[1]{0}) {axis=2}
  }`)
  const { model: after } = await optimize(model, ctx)
  const inputs = after.graph.nodes.flatMap(n => n.inputs)
  expect(inputs).toContain('b1')
  expect(inputs).toContain('b2')
  expect(inputs.filter(name => name === 'i1')).toHaveLength(2)
})

test('a graph with nothing to do comes back as the same object, and passes on request do not run unasked', async () => {
  const model = build('graph (x: f32[2,8]) -> (y) { y = HardSwish(x) }')
  const result = await optimize(model, ctx)
  expect(result.model).toBe(model)
  expect(result.passes.map(p => p.id)).not.toContain('decompose-hard-swish')
  const asked = await optimize(model, ctx, { only: ['decompose-hard-swish'] })
  expect(asked.model.graph.nodes.map(n => n.op)).toEqual(['HardSigmoid', 'Mul'])
})

test('what a file declares of its outputs, its metadata and doc strings stay', async () => {
  const model = build('graph (x: f32[N,3]) -> (y: f32[batch,3]) { a = Identity(x) y = Relu(a) }', {
    meta: { author: 'someone' },
  })
  const documented = { ...model, doc: 'a model', graph: { ...model.graph, doc: 'a graph' } }
  const { model: after } = await optimize(documented, ctx)
  expect(after.graph.values.get('y')!.shape).toEqual(['batch', 3])
  expect(after.meta).toEqual({ author: 'someone' })
  expect([after.doc, after.graph.doc]).toEqual(['a model', 'a graph'])
})

test('a stale declaration of an inner value is not believed', async () => {
  // The file says that the batch is 1; the input says that it is anything.
  const model = build(`graph (x: f32[?,3]) -> (y) {
    r: f32[1,3] = Relu(x)
    s = Shape(r)
    y = ConstantOfShape(s)
  }`)
  const { model: after } = await optimize(model, ctx)
  expect(after.graph.nodes.map(n => n.op)).toContain('Shape')
})

test('cancelled work stops between passes', async () => {
  const stop = new AbortController()
  stop.abort(new Error('stopped by the user'))
  const model = build('graph (x: f32[2]) -> (y) { a = Identity(x) y = Relu(a) }')
  await expect(optimize(model, { ...ctx, signal: stop.signal })).rejects.toThrow('stopped by the user')
})
