// Merged channels: nothing changes where they are copies of others, wherever they lie; less than by removing where they are nearly so.
import { beforeAll, describe, expect, test } from 'vitest'
import { bytesOf } from '../../../src/base/dtype.ts'
import { createRng } from '../../../src/base/rng.ts'
import { readFloats } from '../../../src/ir/bytes.ts'
import type { Context } from '../../../src/ir/context.ts'
import { edit } from '../../../src/ir/edit.ts'
import type { Model } from '../../../src/ir/model.ts'
import { infer } from '../../../src/ops/infer.ts'
import { eachOf } from '../../../src/stages/prune/channels.ts'
import { foldChannels, mergesOf } from '../../../src/stages/prune/fold.ts'
import { findGroups, type Group } from '../../../src/stages/prune/groups.ts'
import { removeChannels } from '../../../src/stages/prune/remove.ts'
import { build } from '../../build.ts'
import { samplesFor } from '../../quantize/played.ts'
import { createTestContext } from '../../runner.ts'

let ctx: Omit<Context, 'kernels'>
beforeAll(async () => {
  ctx = await createTestContext()
})

const networks = {
  'a depthwise layer between': `graph (x: f32[1,4,8,8]) -> (y) {
    a = Conv(x, w1: f32[12,4,1,1], b1: f32[12])
    r = Relu(a)
    d = Conv(r, w2: f32[12,1,3,3], b2: f32[12]) {group=12, pads=[1,1,1,1]}
    s = Sigmoid(d)
    y = Conv(s, w3: f32[6,12,1,1], b3: f32[6])
  }`,
  'a residual sum': `graph (x: f32[1,4,8,8]) -> (y) {
    a = Conv(x, w1: f32[12,4,3,3], b1: f32[12]) {pads=[1,1,1,1]}
    r = Relu(a)
    c = Conv(r, w2: f32[12,12,3,3], b2: f32[12]) {pads=[1,1,1,1]}
    t = Add(c, r)
    u = Relu(t)
    y = Conv(u, w3: f32[6,12,1,1], b3: f32[6])
  }`,
  'flattened into a product': `graph (x: f32[1,4,4,4]) -> (y) {
    a = Conv(x, w1: f32[12,4,3,3], b1: f32[12])
    r = Relu(a)
    f = Flatten(r)
    y = Gemm(f, w2: f32[48,6], b2: f32[6])
  }`,
} as const

/** Every channel of the last third is one of the first third, in all that makes them, but for so much noise. */
async function withCopies(model: Model, group: Group, noise: number): Promise<Model> {
  const rng = createRng(5)
  let { graph } = model
  for (const span of group.spans) {
    const tensor = graph.values.get(span.value)?.data
    if (!tensor || group.readers.some(r => r.value === span.value && r.axis === span.axis)) continue
    const data = (await readFloats(ctx.bytes, tensor)).slice()
    for (let c = 0; c < group.size / 3; c++) {
      const from: number[] = []
      eachOf(span, tensor.shape, c, at => from.push(at))
      let i = 0
      eachOf(span, tensor.shape, c + (2 * group.size) / 3, at => {
        data[at] = data[from[i++]] + noise * rng.normal()
      })
    }
    graph = edit(graph, e => e.setValue({ ...e.value(span.value)!, data: { ...tensor, data: bytesOf(data) } }))
  }
  return { ...model, graph }
}

async function outputs(model: Model): Promise<Float32Array> {
  const session = await ctx.runner.open(model)
  const given: number[] = []
  for await (const { feeds } of samplesFor(model, 4, 3).samples())
    given.push(...((await session.run(feeds)).y.data as Float32Array))
  await session.close()
  return Float32Array.from(given)
}

async function errors(text: string, noise: number) {
  const plain = infer(build(text))
  const [group] = findGroups(plain).groups
  const model = await withCopies(plain, group, noise)
  const { groups } = findGroups(model)
  const removal = new Map([[group.id, Array.from({ length: group.size / 3 }, (_, i) => i + (2 * group.size) / 3)]])
  const wanted = await outputs(model)
  const error = async (other: Model): Promise<number> => {
    const got = await outputs(await removeChannels(other, groups, removal, ctx.bytes))
    const squares = (list: Float32Array): number => list.reduce((sum, x) => sum + x * x, 0)
    return squares(got.map((x, i) => x - wanted[i])) / squares(wanted)
  }
  return { folded: await error(await foldChannels(model, groups, removal, ctx.bytes)), removed: await error(model) }
}

describe.each(Object.entries(networks))('%s', (_, text) => {
  test('copies are merged without any change', async () => {
    const { folded, removed } = await errors(text, 0)
    expect(removed).toBeGreaterThan(1e-3)
    expect(folded).toBeLessThan(1e-10)
  })
  test('what is nearly a copy costs less than removed', async () => {
    const { folded, removed } = await errors(text, 0.02)
    expect(folded).toBeLessThan(removed / 4)
  })
})

test('into the one whose direction is nearest, with its factor; into none where none is like it', () => {
  const rows = [
    [1, 0],
    [0, 1],
    [3, 0],
    [0.2, 2],
    [-1, -1],
    [0, 0],
  ].map(row => Float32Array.from(row))
  expect(mergesOf(rows, [2, 3, 4, 5])).toEqual([
    { from: 2, into: 0, factor: 3 },
    { from: 3, into: 1, factor: 2 },
  ])
})
