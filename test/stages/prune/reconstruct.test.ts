// Fitted weights: exact where the removed channels say nothing that the others do not, better than before where they do, and the same
// in any number of steps.
import { beforeAll, describe, expect, test } from 'vitest'
import { createKernels } from '../../../kernels/lib/backends.ts'
import { bytesOf } from '../../../src/base/dtype.ts'
import { readFloats } from '../../../src/ir/bytes.ts'
import type { Context, Dataset, Feeds, Memo } from '../../../src/ir/context.ts'
import { edit } from '../../../src/ir/edit.ts'
import type { Model } from '../../../src/ir/model.ts'
import { infer } from '../../../src/ops/infer.ts'
import { momentsOfLayers, pruneAlone } from '../../../src/stages/prune/alone.ts'
import { reestimate } from '../../../src/stages/prune/batch-norm.ts'
import { findGroups, type Group } from '../../../src/stages/prune/groups.ts'
import { reconstruct } from '../../../src/stages/prune/reconstruct.ts'
import { keptOf, type Removal, removeChannels } from '../../../src/stages/prune/remove.ts'
import { build as parsed } from '../../build.ts'
import { samplesFor } from '../../quantize/played.ts'
import { createTestContext } from '../../runner.ts'

let ctx: Context
beforeAll(async () => {
  ctx = { ...(await createTestContext()), kernels: await createKernels('wasm') }
})
const build = (text: string): Model => infer(parsed(text))
const plain: Memo = (_, compute) => compute()

async function run(model: Model, feeds: Feeds): Promise<Float32Array> {
  const session = await ctx.runner.open(model)
  const out = await session.run(feeds)
  await session.close()
  return out[model.graph.outputs[0]].data as Float32Array
}

async function error(a: Model, b: Model, data: Dataset): Promise<number> {
  let [signal, noise] = [0, 0]
  for await (const { feeds } of data.samples()) {
    const [want, got] = [await run(a, feeds), await run(b, feeds)]
    for (const [i, w] of want.entries()) {
      signal += w * w
      noise += (w - got[i]) * (w - got[i])
    }
  }
  return noise / signal
}

async function pruned(model: Model, removal: Removal, data: Dataset, memo: Memo = plain) {
  const { groups } = findGroups(model)
  const cut = await removeChannels(model, groups, removal, ctx.bytes)
  const samples = { data, count: data.size, batch: 4 }
  const fit = await reconstruct(model, cut, keptOf(model, groups, removal), samples, ctx, memo)
  return { cut, fit, samples }
}

/** The second half of a weight's rows made mixtures of the first. */
async function withCopies(model: Model, name: string): Promise<Model> {
  const tensor = model.graph.values.get(name)!.data!
  const data = (await readFloats(ctx.bytes, tensor)).slice()
  data.copyWithin(data.length / 2, 0, data.length / 2)
  const graph = edit(model.graph, e => e.setValue({ ...e.value(name)!, data: { ...tensor, data: bytesOf(data) } }))
  return { ...model, graph }
}

const residual = build(`graph (x: f32[N,4,8,8]) -> (y) {
  a = Conv(x, w1: f32[12,4,3,3], b1: f32[12]) {pads=[1,1,1,1]}
  r = Relu(a)
  c = Conv(r, w2: f32[10,12,3,3], b2: f32[10]) {pads=[1,1,1,1]}
  s = Relu(c)
  d = Conv(s, w3: f32[12,10,3,3], b3: f32[12]) {pads=[1,1,1,1]}
  t = Add(d, r)
  u = Relu(t)
  g = GlobalAveragePool(u)
  f = Flatten(g)
  y = Gemm(f, w4: f32[12,6], b4: f32[6])
}`)
const removal: Removal = new Map([
  ['a', [1, 5, 8]],
  ['c', [0, 3, 4]],
])

const readersOf = (groups: readonly Group[]) => new Set(groups.flatMap(g => g.readers.map(r => r.node)))

describe('reconstruction', () => {
  test('channels that are copies of others leave nothing behind', async () => {
    const text = `graph (x: f32[N,3,6,6]) -> (y) {
      a = Conv(x, w1: f32[8,3,1,1])
      r = Relu(a)
      y = Conv(r, w2: f32[4,8,3,3], b2: f32[4]) {pads=[1,1,1,1]}
    }`
    const model = await withCopies(build(text), 'w1')
    const data = samplesFor(model, 32)
    const { cut, fit } = await pruned(model, new Map([['a', [4, 5, 6, 7]]]), data)
    expect(await error(model, cut, data)).toBeGreaterThan(0.05)
    // But for the pull towards the weights as they were.
    expect(await error(model, fit.model, data)).toBeLessThan(1e-3)
    expect(fit.fitted).toEqual(['y'])
  })

  test('a residual network comes much closer on samples that it was not fitted to', async () => {
    const { cut, fit } = await pruned(residual, removal, samplesFor(residual, 64))
    const others = samplesFor(residual, 16, 1)
    const [before, after] = [await error(residual, cut, others), await error(residual, fit.model, others)]
    expect(after).toBeLessThan(0.25 * before)
  })

  test('before a ReLU, what it hides need not be met, so that what it shows is met better than by a plain fit', async () => {
    const model = build(`graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, w1: f32[10,3,3,3], b1: f32[10]) {pads=[1,1,1,1]}
      r = Relu(a)
      c = Conv(r, w2: f32[8,10,3,3], b2: f32[8]) {pads=[1,1,1,1]}
      y = Relu(c)
    }`)
    const data = samplesFor(model, 24)
    const { fit } = await pruned(model, new Map([['a', [0, 2, 4, 6]]]), data)
    const given: { feeds: Feeds; count: number; samples: [] }[] = []
    for await (const { feeds } of data.samples()) given.push({ feeds, count: 1, samples: [] })
    const { groups } = findGroups(model)
    const plainly = await pruneAlone(
      model,
      groups[0],
      [0, 2, 4, 6],
      await momentsOfLayers(model, readersOf(groups), given, ctx),
      ctx,
    )
    expect(await error(model, fit.model, data)).toBeLessThan(0.97 * (await error(model, plainly, data)))
  })

  test('what was cut off goes on to the same bytes', async () => {
    const data = samplesFor(residual, 16)
    const kept = new Map<string, unknown>()
    const memo =
      (most: number): Memo =>
      async (key, compute) => {
        const name = JSON.stringify(key)
        if (!kept.has(name)) {
          if (kept.size >= most) throw new Error('cut off')
          kept.set(name, await compute())
        }
        return kept.get(name) as never
      }
    const { fit: whole } = await pruned(residual, removal, data)
    await expect(pruned(residual, removal, data, memo(2))).rejects.toThrow('cut off')
    const { fit: resumed } = await pruned(residual, removal, data, memo(99))
    for (const name of ['w2', 'w3', 'w4', 'b4'])
      expect(resumed.model.graph.values.get(name)!.data).toEqual(whole.model.graph.values.get(name)!.data)
  })
})

test('a group pruned alone is fitted as by going through its one reader', async () => {
  const { groups } = findGroups(residual)
  const data = samplesFor(residual, 24)
  const given: { feeds: Feeds; count: number; samples: [] }[] = []
  for await (const { feeds } of data.samples()) given.push({ feeds, count: 1, samples: [] })
  const moments = await momentsOfLayers(residual, readersOf(groups), given, ctx)
  const group = groups.find(g => g.id === 'c')!
  const alone = await pruneAlone(residual, group, [0, 3, 4], moments, ctx)
  const cut = await removeChannels(residual, groups, new Map([['c', [0, 3, 4]]]), ctx.bytes)
  expect(await error(residual, alone, data)).toBeLessThan(0.5 * (await error(residual, cut, data)))
})

test('BatchNormalizations get the mean and variance of what they read on the samples', async () => {
  const model = build(`graph (x: f32[N,2,3,3]) -> (y) {
    a = Conv(x, w1: f32[3,2,1,1])
    n = BatchNormalization(a, g: f32[3], o: f32[3], m: f32[3], v: f32[3]{0.5..2})
    y = Conv(n, w2: f32[2,3,1,1])
  }`)
  const data = samplesFor(model, 10)
  const { model: after } = await reestimate(model, { data, count: 10, batch: 4 }, ctx)
  const session = await ctx.runner.open(model, { outputs: ['a'] })
  const seen: number[][] = [[], [], []]
  for await (const { feeds } of data.samples()) {
    const { a } = await session.run(feeds)
    for (const [i, x] of (a.data as Float32Array).entries()) seen[Math.floor(i / 9) % 3].push(x)
  }
  await session.close()
  const read = (name: string) => readFloats(ctx.bytes, after.graph.values.get(name)!.data!)
  const [mean, variance] = [await read('m'), await read('v')]
  for (const [c, list] of seen.entries()) {
    const m = list.reduce((a, b) => a + b, 0) / list.length
    expect(mean[c]).toBeCloseTo(m, 4)
    expect(variance[c]).toBeCloseTo(list.reduce((a, x) => a + (x - m) ** 2, 0) / list.length, 4)
  }
})
