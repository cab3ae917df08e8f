// What is written for MNN, read back by our importer and, where it is here, run by MNN: both must compute what the graph does.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collect, memorySource } from '../../src/base/bytes.ts'
import { createRng } from '../../src/base/rng.ts'
import { mnn } from '../../src/exporters/mnn.ts'
import { readMnn } from '../../src/formats/mnn.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Feeds } from '../../src/ir/context.ts'
import { type Model, requiredInputs } from '../../src/ir/model.ts'
import { floats, type NdArray } from '../../src/ir/tensor.ts'
import { infer } from '../../src/ops/infer.ts'
import { previewing } from '../../src/recipe/steps/preview.ts'
import { findTarget } from '../../src/targets/index.ts'
import { mnn as target } from '../../src/targets/mnn.ts'
import { build } from '../build.ts'
import { testContext } from '../quantize/played.ts'
import { createTestContext } from '../runner.ts'
import { decibels } from '../targets/decibels.ts'
import { mnnPython, runMnn } from '../targets/mnn.ts'
import { texts } from '../targets/small-models.ts'
import { outputsOf, writtenFor } from './written.ts'

const options = {
  io: 'float' as const,
  bytes: createBytes(),
  preprocess: {},
  quantized: null,
  calibration: null,
  name: 'm',
}

async function written(model: Model, form = 'float'): Promise<Uint8Array> {
  const { files } = await mnn.write(infer(model), target, { ...options, form })
  return collect(files[0].chunks())
}

function feedsOf({ graph }: Model): Feeds {
  const rng = createRng(3)
  const feeds: Feeds = {}
  for (const name of requiredInputs(graph)) {
    const shape = graph.values.get(name)!.shape as number[]
    const count = shape.reduce((n, d) => n * d, 1)
    feeds[name] = { dtype: 'float32', shape, data: Float32Array.from({ length: count }, () => 2 * rng.uniform() - 1) }
  }
  return feeds
}

async function run(model: Model, feeds: Feeds, sources = new Map()): Promise<Record<string, NdArray>> {
  const { runner } = await createTestContext(sources)
  const session = await runner.open(model)
  const outputs = await session.run(feeds)
  await session.close()
  return outputs
}

// MNN's files have no operator for it; a pass replaces it.
const left = ['Softplus', 'InstanceNormalization']
const more: Record<string, string> = {
  'weights of 8 bits, symmetric':
    'graph (x: f32[1,3,5,5]) -> (y) { w = DequantizeLinear(q: i8[4,3,3,3]{-100, 3, 77, 5, -6, 127, 1, 2, 3, -100, 3, 77, 5, -6, 127, 1, 2, 3, -100, 3, 77, 5, -6, 127, 1, 2, 3, -100, 3, 77, 5, -6, 127, 1, 2, 3, -100, 3, 77, 5, -6, 127, 1, 2, 3, -100, 3, 77, 5, -6, 127, 1, 2, 3, -100, 3, 77, 5, -6, 127, 1, 2, 3, -100, 3, 77, 5, -6, 127, 1, 2, 3, -100, 3, 77, 5, -6, 127, 1, 2, 3, -100, 3, 77, 5, -6, 127, 1, 2, 3, -100, 3, 77, 5, -6, 127, 1, 2, 3, -100, 3, 77, 5, -6, 127, 1, 2, 3}, s: f32[4]{0.01, 0.02, 0.03, 0.04}, z: i8[4]{0, 0, 0, 0}) {axis=0} y = Conv(x, w, b: f32[4]) }',
  'weights of 8 bits with a zero point, a column each':
    'graph (x: f32[2,4]) -> (y) { w = DequantizeLinear(q: u8[4,3]{0, 255, 3, 9, 100, 77, 4, 5, 6, 200, 201, 202}, s: f32[3]{0.01, 0.02, 0.03}, z: u8[3]{128, 100, 0}) {axis=1} y = MatMul(x, w) }',
  'a convolution of one axis':
    'graph (x: f32[1,3,9]) -> (y) { y = Conv(x, w: f32[4,3,3], b: f32[4]) {pads=[1,0], strides=[2]} }',
  'a part that is joined and used twice':
    'graph (x: f32[1,4,6,6]) -> (y, r) { c = Conv(x, w: f32[4,4,1,1]) r = Relu(c) m = Transpose(c) {perm=[0,2,3,1]} t = Transpose(m) {perm=[0,3,1,2]} y = Add(t, r) }',
  'a sum of reals that is bounded':
    'graph (x: f32[1,4,6,6]) -> (y) { m = Mul(x, k: f32[]{20}) a = Add(m, three: f32[]{3}) c = Clip(a, low: f32[]{0}, high: f32[]{6}) y = Mul(m, c) }',
  'an output that is an input of the next':
    'graph (x: f32[1,4,6,6]) -> (c, y) { c = Conv(x, w: f32[4,4,1,1]) y = Sigmoid(c) }',
}

const cases = Object.entries({ ...texts, ...more }).filter(([, text]) => !left.some(op => text.includes(op)))

describe('what is written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-mnn-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  let ours: { feeds: Feeds; wanted: Record<string, NdArray>; again: Record<string, NdArray> }[] = []
  let theirs: Map<string, NdArray>[] = []
  beforeAll(async () => {
    ours = []
    for (const [i, [, text]] of cases.entries()) {
      const model = build(text)
      const bytes = await written(model)
      writeFileSync(join(folder, `${i}.mnn`), bytes)
      const feeds = feedsOf(model)
      const back = await importModel(new Map([['m.mnn', memorySource('m.mnn', bytes)]]))
      ours.push({ feeds, wanted: await run(model, feeds), again: await run(back.model, feeds, new Map(back.sources)) })
    }
    if (mnnPython !== null)
      theirs = (
        await runMnn(
          folder,
          ours.map(({ feeds }, i) => ({ model: join(folder, `${i}.mnn`), feeds })),
        )
      ).map(r => r.outputs)
  })
  test.each(cases.map(([name], i) => [name, i] as const))('%s', (_, i) => {
    const { wanted, again } = ours[i]
    for (const [name, { data }] of Object.entries(wanted)) {
      expect(decibels(data as Float32Array, again[name].data as Float32Array)).toBeGreaterThan(100)
      if (mnnPython !== null)
        expect(decibels(data as Float32Array, theirs[i].get(name)!.data as Float32Array)).toBeGreaterThan(90)
    }
  })
})

test('equal models give equal bytes', async () => {
  const text = 'graph (x: f32[1,3,5,5]) -> (y) { c = Conv(x, w: f32[4,3,3,3]) y = Relu(c) }'
  expect(await written(build(text))).toEqual(await written(build(text)))
})

test('weights in halves take two bytes each', async () => {
  const bytes = await written(build('graph (x: f32[1,8]) -> (y) { y = Gemm(x, w: f32[16,8]) {transB=1} }'), 'float16')
  const conv = readMnn(bytes, 'm')
    .oplists!.map(op => op.main)
    .find(main => main?.name === 'Convolution2D')
  expect(conv).toMatchObject({ value: { weight: null, quanParameter: { type: 3 } } })
  expect((conv as { value: { quanParameter: { buffer: Int8Array } } }).value.quanParameter.buffer.length).toBe(256)
})

test('operators that MNN has not are findings before, and an error by name while writing', async () => {
  const model = infer(build('graph (x: f32[1,4]) -> (y) { y = Softsign(x) }'))
  expect(mnn.check!(model, target, 'float')).toEqual([expect.objectContaining({ op: 'Softsign', level: 'refused' })])
  await expect(written(model)).rejects.toThrow(/Softsign\) has no counterpart in MNN/)
})

test('between tensors with a scale a convolution, its Relu and an addition run on codes', async () => {
  const pair = (name: string, of: string, scale: number): string =>
    `${name}_q = QuantizeLinear(${of}, ${name}_s: f32[]{${scale}}, ${name}_z: i8[]{0}) ${name} = DequantizeLinear(${name}_q, ${name}_s, ${name}_z) `
  const model = build(
    `graph (x: f32[1,4,6,6]) -> (y) { ${pair('a', 'x', 0.01)} w = DequantizeLinear(w_q: i8[4,4,1,1]{1, 2, 3, -4, 5, 6, -7, 8, 9, 10, -11, 12, 13, -14, 15, 16}, w_s: f32[4]{0.02}, w_z: i8[4]{0}) {axis=0} c = Conv(a, w, b: f32[4]{0.1}) r = Relu(c) ${pair('d', 'r', 0.01)} s = Add(d, a) ${pair('e', 's', 0.02)} y = Sigmoid(e) }`,
  )
  const bytes = await written(model, 'int8')
  const { oplists, extraTensorDescribe, tensorName } = readMnn(bytes, 'm')
  expect(oplists!.map(op => op.main?.name)).toEqual([
    'Input',
    'TensorConvertInfo',
    'Convolution2D',
    'BinaryOp',
    'UnaryOp',
    'TensorConvertInfo',
  ])
  expect(oplists![2].main).toMatchObject({ value: { common: { relu: 1 } } })
  const scales = Object.fromEntries(extraTensorDescribe!.map(t => [tensorName![t.index], t.quantInfo!.scale]))
  // The network's own input stays in floats.
  expect(Object.keys(scales)).toEqual(['x/packed', 'r', 's'])
  expect(scales.r).toBeCloseTo(0.01, 6)
  if (mnnPython === null) return
  const folder = mkdtempSync(join(tmpdir(), 'thimble-mnn-'))
  writeFileSync(join(folder, 'm.mnn'), bytes)
  const feeds = feedsOf(model)
  const [{ outputs, types }] = await runMnn(folder, [{ model: join(folder, 'm.mnn'), feeds }])
  rmSync(folder, { recursive: true })
  expect(Object.keys(types).map(type => type.trim())).toEqual(
    expect.arrayContaining(['Convolution [ DT_INT8 ]', 'BinaryOp [ DT_INT8 ]']),
  )
  const wanted = await run(model, feeds)
  expect(decibels(wanted.y.data as Float32Array, outputs.get('y')!.data as Float32Array)).toBeGreaterThan(40)
})

const zeroPoints: Record<string, string> = {
  'borders of a convolution': `r = Relu(c)
    d = Conv(r, w2: f32[8,8,3,3], b2: f32[8]) {pads=[1,1,1,1], strides=[2,2]}
    y = Conv(d, w3: f32[8,8,1,1])`,
  'additions, with and without Relu': `r = Relu(c)
    d = Conv(r, w2: f32[8,8,3,3], b2: f32[8]) {pads=[1,1,1,1]}
    e = Add(d, r)
    f = Relu(e)
    g = Conv(f, w3: f32[8,8,1,1])
    h = Add(g, f)
    y = Conv(h, w4: f32[8,8,1,1])`,
  'averages between codes': `r = Relu(c)
    p = AveragePool(r) {kernel_shape=[2,2], strides=[2,2]}
    d = Conv(p, w2: f32[8,8,3,3], b2: f32[8]) {pads=[1,1,1,1]}
    q = Relu(d)
    y = Conv(q, w3: f32[8,8,1,1])`,
  'the greatest of codes, and of reals': `r = Relu(c)
    p = MaxPool(r) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]}
    d = Conv(p, w2: f32[8,8,3,3], b2: f32[8]) {pads=[1,1,1,1]}
    s = Sigmoid(d)
    m = MaxPool(s) {kernel_shape=[2,2], strides=[2,2]}
    y = Conv(m, w3: f32[8,8,1,1])`,
  'codes with a border': `r = Relu(c)
    m = Pad(r, p: i64[8]{0,0,1,1,0,0,2,2})
    y = Conv(m, w2: f32[8,8,3,3], b2: f32[8])`,
}
test.skipIf(mnnPython === null)(
  'zero points are those of the preview',
  async () => {
    const ctx = await testContext()
    const rng = createRng(5)
    const folder = mkdtempSync(join(tmpdir(), 'thimble-mnn-'))
    for (const [name, body] of Object.entries(zeroPoints)) {
      const text = `graph (x: f32[1,3,12,12]) -> (y) {
      c = Conv(x, w: f32[8,3,3,3], b: f32[8]) {pads=[1,1,1,1]}
      ${body}
    }`
      const { files, preview } = await writtenFor(build(text), ctx, 'mnn', 'int8')
      const feeds = {
        x: floats(
          [1, 3, 12, 12],
          Float32Array.from({ length: 432 }, () => rng.normal()),
        ),
      }
      writeFileSync(join(folder, 'm.mnn'), files['model.mnn'])
      const [{ outputs, types }] = await runMnn(folder, [{ model: join(folder, 'm.mnn'), feeds }])
      const wanted = (await outputsOf(preview, [feeds], previewing(findTarget('mnn'), ctx))).y
      // Biases are cut to whole units of the accumulator there.
      expect
        .soft(decibels(wanted.data as Float32Array, outputs.get('y')!.data as Float32Array), name)
        .toBeGreaterThan(50)
      expect.soft(Object.keys(types).join(), name).toContain('Convolution [ DT_INT8 ]')
      const sources = new Map([['model.mnn', memorySource('model.mnn', files['model.mnn'])]])
      const { model } = await importModel(sources)
      const again = await outputsOf(model, [feeds], previewing(findTarget('mnn'), await testContext(sources)))
      expect
        .soft(decibels(wanted.data as Float32Array, again.y.data as Float32Array), `${name}, read again`)
        .toBeGreaterThan(50)
    }
    rmSync(folder, { recursive: true })
  },
  120_000,
)
