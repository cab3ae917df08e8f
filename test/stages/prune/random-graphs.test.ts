// Random networks, pruned: each runs, gives outputs of the shape it had, and where what removed channels were read with is zero in the
// unpruned network, the same numbers. This holds the groups to what they claim: that nothing else depends on their channels.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRng } from '../../../src/base/rng.ts'
import type { Context, Feeds } from '../../../src/ir/context.ts'
import type { Model } from '../../../src/ir/model.ts'
import { floats, type NdArray } from '../../../src/ir/tensor.ts'
import { verify } from '../../../src/ir/verify.ts'
import { findGroups } from '../../../src/stages/prune/groups.ts'
import { removeChannels } from '../../../src/stages/prune/remove.ts'
import { build } from '../../build.ts'
import { createTestContext } from '../../runner.ts'
import { sketch, textOf } from './random-graph.ts'
import { silenced } from './silenced.ts'

const count = Number(process.env.THIMBLE_RANDOM_GRAPHS ?? 150)

type Lent = Pick<Context, 'bytes' | 'runner'>

async function run(model: Model, feeds: Feeds, { runner }: Lent): Promise<NdArray> {
  const session = await runner.open(model, { optimize: 'none' })
  const { y } = await session.run(feeds)
  await session.close()
  return y
}

test(`${count} random networks lose channels, and nothing but what these were read with`, async () => {
  const ctx = await createTestContext()
  const found = { groups: 0, removed: 0 }
  await fc.assert(
    fc.asyncProperty(sketch, fc.nat(), async (drawn, seed) => {
      const model = build(textOf(drawn), { opset: drawn.opset, seed })
      const rng = createRng(seed, 'removal')
      const { groups } = findGroups(model)
      found.groups += groups.length
      const removal = new Map(
        groups.map(group => {
          const gone = [...Array(group.size).keys()].filter(() => rng.below(2) === 0)
          return [group.id, gone.slice(0, group.size - 1)] as const
        }),
      )
      for (const gone of removal.values()) found.removed += gone.length
      const feeds: Feeds = {
        x: floats(
          [2, 4, 8, 8],
          Float32Array.from({ length: 512 }, () => rng.uniform() * 2 - 1),
        ),
      }
      const pruned = await removeChannels(model, groups, removal, ctx.bytes)
      verify(pruned.graph)
      expect(pruned.graph.nodes.map(n => n.id)).toEqual(model.graph.nodes.map(n => n.id))
      const want = await run(await silenced(model, groups, removal, ctx), feeds, ctx)
      const got = await run(pruned, feeds, ctx)
      expect(got.shape).toEqual(want.shape)
      const largest = (want.data as Float32Array).reduce((m, v) => Math.max(m, Math.abs(v)), 1e-6)
      const error = (got.data as Float32Array).reduce((m, v, i) => Math.max(m, Math.abs(v - Number(want.data[i]))), 0)
      expect(error / largest).toBeLessThan(1e-4)
    }),
    { numRuns: count, seed: Number(process.env.THIMBLE_RANDOM_SEED ?? 1) },
  )
  // Networks whose channels all stay would prove nothing.
  expect(found.groups).toBeGreaterThan(2 * count)
  expect(found.removed).toBeGreaterThan(4 * count)
}, 600_000)
