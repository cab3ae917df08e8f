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
import type { NdArray } from '../../src/ir/tensor.ts'
import { infer } from '../../src/ops/infer.ts'
import { mnn as target } from '../../src/targets/mnn.ts'
import { build } from '../build.ts'
import { createTestContext } from '../runner.ts'
import { decibels } from '../targets/decibels.ts'
import { mnnPython, runMnn } from '../targets/mnn.ts'
import { texts } from '../targets/small-models.ts'

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
