// Each operator that changed between opset 7 and 13: the rewritten one gives the bits that the runtime gives for the original at its own opset.
import { beforeAll, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { verify } from '../../src/ir/verify.ts'
import { infer } from '../../src/ops/infer.ts'
import { upgradeOpset } from '../../src/stages/passes/upgrade-opset.ts'
import { build } from '../build.ts'
import { createTestContext } from '../runner.ts'
import { sameBits } from './compare.ts'
import { feedsFor } from './feeds.ts'

let ctx: Awaited<ReturnType<typeof createTestContext>>
beforeAll(async () => {
  ctx = await createTestContext()
})

const of = (shape: string, node: string, outputs = 'y'): string =>
  `graph (x: f32[${shape}]) -> (${outputs}) { ${node} }`

const cases: [opset: readonly number[], text: string][] = [
  [[7, 9, 11], of('1,2,1,3', 'y = Squeeze(x) {axes=[0,2]}')],
  [[7, 11], of('1,2,1,3', 'y = Squeeze(x)')],
  [[7, 11], of('2,3', 'y = Unsqueeze(x) {axes=[0,3]}')],
  [[7, 11], of('2,3,4', 'y = ReduceSum(x) {axes=[1,2], keepdims=0}')],
  [[7, 11], of('2,3,4', 'y = ReduceSum(x)')],
  [[7, 9], of('2,6', 'y, z = Split(x) {axis=1, split=[2,4]}', 'y, z')],
  [[7, 11], of('2,6', 'y, z = Split(x) {axis=1}', 'y, z')],
  [[7, 9], of('2,6', 'y = Clip(x) {min=-0.5, max=0.5}')],
  [[7], of('2,6', 'y = Clip(x) {max=0.5}')],
  [[7], of('2,6', 'y = Clip(x) {min=0.5}')],
  [[7], of('2,6', 'y = Clip(x)')],
  [[7, 10], of('2,3,4', 'y = Pad(x) {pads=[0,1,0,0,2,1], value=1.5}')],
  [[7], of('2,3,4', 'y = Pad(x) {pads=[0,1,1,0,1,1], mode="reflect"}')],
  [[7], of('2,3,4', 'y = Pad(x) {pads=[0,-1,1,0,0,1], mode="edge"}')],
  [[7, 9], of('4,6', 'y = Slice(x) {starts=[1,-4], ends=[3,9223372036854775807], axes=[0,1]}')],
  [[7], of('4,6', 'y = Slice(x) {starts=[1], ends=[3]}')],
  [[7, 9], of('4,6', 'y, i = TopK(x) {k=2, axis=1}', 'y, i')],
  [[7, 10], of('4,6', 'y = Dropout(x) {ratio=0.3}')],
  [
    [7],
    of('2,3,4,4', 'y = BatchNormalization(x, f32[3], f32[3], f32[3], f32[3]{0.5..2}) {epsilon=0.001, momentum=0.8}'),
  ],
  [[7, 11, 12], of('2,3,4', 'y = Softmax(x) {axis=1}')],
  [[7, 11], of('2,3,4', 'y = Softmax(x)')],
  [[11], of('2,3,4', 'y = Softmax(x) {axis=-2}')],
  [[7], of('2,3,4', 'y = Softmax(x) {axis=2}')],
  [[7], of('2,3,4', 'y = Softmax(x) {axis=0}')],
  [[7, 11], of('2,3,4', 'y = LogSoftmax(x) {axis=1}')],
  [[7, 11], of('2,3,4', 'y = Hardmax(x) {axis=1}')],
  [[9], of('3,3', 'y = Scatter(x, i64[2,3]{1,0,2,0,2,1}, f32[2,3]) {axis=0}')],
  [[7], of('1,2,3,3', 'y = Upsample(x) {mode="nearest", scales=[1.0,1.0,2.0,2.0]}')],
  [[9], of('1,2,3,3', 'y = Upsample(x, f32[4]{1,1,2,3}) {mode="nearest"}')],
  [[9], of('1,2,3,3', 'y = Upsample(x, f32[4]{1,1,2,2}) {mode="linear"}')],
  [[10], of('1,2,3,3', 'y = Resize(x, f32[4]{1,1,2,1.5}) {mode="nearest"}')],
  [[10], of('1,2,4,4', 'y = Resize(x, f32[4]{1,1,0.5,0.5}) {mode="linear"}')],
  [[11], of('1,2,3,3', 'y = Resize(x, f32[0]{}, f32[4]{1,1,2,2}) {mode="nearest"}')],
  [[7], of('1,2,6', 'y = MaxPool(x) {kernel_shape=[2]}')],
  [[7, 10], of('2,3,4', 'y = Flatten(x) {axis=2}')],
  [[9], of('2,3', 'c = Cast(x) {to=9} y = Where(c, x, f32[2,3]) ')],
  [[11], of('2,3', 'y = Gemm(x, f32[3,4])')],
]

test.each(cases.flatMap(([opsets, text]) => opsets.map(opset => [opset, text] as const)))(
  'opset %i: %s',
  async (opset, text) => {
    const model = infer(build(text, { opset }))
    const newer = infer(upgradeOpset(model, 13))
    verify(newer.graph)
    expect(newer.opsets['']).toBe(13)
    const feeds = feedsFor(model, createRng(1))
    const outputs = []
    for (const m of [model, newer]) {
      const session = await ctx.runner.open(m, { optimize: 'none' })
      outputs.push(await session.run(feeds))
      await session.close()
    }
    const [before, after] = outputs
    for (const name of model.graph.outputs) expect(sameBits(before[name], after[name]), name).toBe(true)
  },
)

test('bodies of If are rewritten too, and their constants do not hide those around them', async () => {
  const text = `graph (x: f32[2,3], c: bool[]) -> (y, z) {
    y = Unsqueeze(x) {axes=[0]}
    z = If(c) {
      then_branch = graph () -> (t) { t = Unsqueeze(x) {axes=[2]} },
      else_branch = graph () -> (e) { y_axes = Neg(x) e = Unsqueeze(y_axes) {axes=[1]} }
    }
  }`
  const model = infer(build(text, { opset: 9 }))
  const newer = infer(upgradeOpset(model, 13))
  verify(newer.graph)
  const feeds = { ...feedsFor(model, createRng(1)), c: { dtype: 'bool' as const, shape: [], data: Uint8Array.of(1) } }
  const session = await ctx.runner.open(newer, { optimize: 'none' })
  const { y, z } = await session.run(feeds)
  await session.close()
  expect(y.shape).toEqual([1, 2, 3])
  expect(z.shape).toEqual([2, 3, 1])
})

test('a float16 Clip gets bounds of its own type', () => {
  const model = infer(build('graph (x: f16[4]) -> (y) { y = Clip(x) {min=-1.0, max=6.0} }', { opset: 7 }))
  const { graph } = upgradeOpset(model, 13)
  const bounds = graph.nodes[0].inputs.slice(1).map(name => graph.values.get(name!)!.data!)
  expect(bounds.map(b => b.dtype)).toEqual(['float16', 'float16'])
  // IEEE 754 binary16: -1 is 0xbc00, 6 is 0x4600.
  expect(bounds.map(b => [...(b.data as Uint8Array)])).toEqual([
    [0x00, 0xbc],
    [0x00, 0x46],
  ])
})

test('weights that an old file had to list as inputs are constants from then on', () => {
  const model = build('graph (x: f32[1,2], w: f32[2,2]) -> (y) { y = MatMul(x, w) }', { opset: 8 })
  const values = new Map(model.graph.values)
  values.set('w', { ...values.get('w')!, data: { dtype: 'float32', shape: [2, 2], data: new Uint8Array(16) } })
  const old = { ...model, irVersion: 3, graph: { ...model.graph, values } }
  expect(upgradeOpset(old, 13).graph.inputs).toEqual(['x'])
  expect(upgradeOpset({ ...old, irVersion: 4 }, 13).graph.inputs).toEqual(['x', 'w'])
})

test.each([
  [
    'shrinking by nearest',
    10,
    'graph (x: f32[1,1,4,4]) -> (y) { y = Resize(x, f32[4]{1,1,0.5,0.5}) {mode="nearest"} }',
  ],
  [
    'statistics per element',
    7,
    'graph (x: f32[2,3]) -> (y) { y = BatchNormalization(x, f32[3], f32[3], f32[3], f32[3]) {spatial=0} }',
  ],
  [
    'a Scan over batches',
    8,
    'graph (x: f32[1,3,2]) -> (y) { y = Scan(_, x) {num_scan_inputs=1, body = graph (a: f32[2]) -> (b) { b = Neg(a) }} }',
  ],
])('%s has no form in newer opsets, which is said', (_, opset, text) => {
  expect(() => upgradeOpset(build(text, { opset }), 13)).toThrow('cannot be brought to opset 13')
})
