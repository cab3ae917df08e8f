// Differential test: random graphs before and after optimisation. A failure prints the seed and the graph.
import { beforeAll, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import type { Feeds } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { verify } from '../../src/ir/verify.ts'
import { optimize, type PassId, passes } from '../../src/stages/passes/index.ts'
import type { Pass } from '../../src/stages/passes/types.ts'
import { build } from '../build.ts'
import { createTestContext } from '../runner.ts'
import { relativeError, sameBits } from './compare.ts'
import { feedsFor } from './feeds.ts'
import { randomGraph } from './random-graph.ts'

let ctx: Awaited<ReturnType<typeof createTestContext>>
beforeAll(async () => {
  ctx = await createTestContext()
})

async function outputsOf(model: Model, feeds: Feeds) {
  const session = await ctx.runner.open(model, { optimize: 'none' })
  const results = await session.run(feeds)
  await session.close()
  return results
}

const count = Number(process.env.THIMBLE_RANDOM_GRAPHS ?? 60)
const first = Number(process.env.THIMBLE_RANDOM_SEED ?? 1)
const exact = passes.filter((p: Pass) => p.level === 'exact').map(p => p.id) as PassId[]

test(`${count} random graphs from seed ${first} give the same bits after the exact passes, and close results after all`, async () => {
  for (let seed = first; seed < first + count; seed++) {
    const text = randomGraph(seed, 8 + (seed % 24))
    const say = `seed ${seed}: ${text}`
    const model = build(text, { opset: seed % 2 ? 17 : 14, seed })
    const feeds = feedsFor(model, createRng(seed))
    const expected = await outputsOf(model, feeds)
    for (const only of [exact, undefined]) {
      const { model: after, nodesAfter, nodesBefore } = await optimize(model, ctx, { only })
      verify(after.graph)
      expect(nodesAfter, say).toBeLessThanOrEqual(nodesBefore)
      expect((await optimize(after, ctx, { only })).model, `fixed point of ${say}`).toBe(after)
      const actual = await outputsOf(after, feeds)
      for (const name of model.graph.outputs) {
        if (only) expect(sameBits(expected[name], actual[name]), `bits of ${name}, ${say}`).toBe(true)
        else expect(relativeError(expected[name], actual[name]), `${name}, ${say}`).toBeLessThan(1e-4)
      }
    }
  }
}, 300_000)
