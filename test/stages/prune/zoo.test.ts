// Every way that networks are built, at three ratios: what goes together is what was worked out by hand, all values have the shapes that
// were inferred for them, and the outputs are those of the unpruned network in which nothing reads what was removed.
import { beforeAll, describe, expect, test } from 'vitest'
import { createRng } from '../../../src/base/rng.ts'
import type { Context, Feeds } from '../../../src/ir/context.ts'
import { attrInt, type Model, requiredInputs } from '../../../src/ir/model.ts'
import { floats } from '../../../src/ir/tensor.ts'
import { verify } from '../../../src/ir/verify.ts'
import { findGroups } from '../../../src/stages/prune/groups.ts'
import { removeChannels } from '../../../src/stages/prune/remove.ts'
import { build } from '../../build.ts'
import { zoo } from '../../models/zoo.ts'
import { createTestContext } from '../../runner.ts'
import { silenced } from './silenced.ts'

let ctx: Omit<Context, 'kernels'>
beforeAll(async () => {
  ctx = await createTestContext()
})

const samples = 2

function feedsFor({ graph }: Model): Feeds {
  const rng = createRng(3)
  return Object.fromEntries(
    requiredInputs(graph).map(name => {
      const shape = graph.values.get(name)!.shape!.map(d => (typeof d === 'number' ? d : samples))
      const numbers = shape.reduce((a, b) => a * b, 1)
      return [
        name,
        floats(
          shape,
          Float32Array.from({ length: numbers }, () => rng.uniform() * 2 - 1),
        ),
      ]
    }),
  )
}

async function run(model: Model, feeds: Feeds, outputs: readonly string[]) {
  const session = await ctx.runner.open(model, { optimize: 'none', outputs })
  try {
    return await session.run(feeds)
  } finally {
    await session.close()
  }
}

describe.each(zoo)('$name', ({ text, opset, groups: expected, half, halfGroups = {}, whole = [] }) => {
  const model = build(text, { opset: opset ?? 17 })
  const { groups, skipped } = findGroups(model)
  const without = (share: number) =>
    new Map(
      groups.map(({ id, size }) => {
        const rng = createRng(size, `${id} ${share}`)
        const order = Array.from({ length: size }, (_, c) => ({ c, at: rng.uniform() })).sort((a, b) => a.at - b.at)
        const gone = Math.min(size - 1, Math.round(share * size))
        return [id, order.slice(0, gone).map(o => o.c)] as const
      }),
    )

  test('these channels may go, and no others', () => {
    expect(Object.fromEntries(groups.map(g => [g.id, g.size]))).toEqual(expected)
    expect(skipped.map(s => s.node)).toEqual(expect.arrayContaining([...whole]))
  })

  test('half of them gone leaves weights of these shapes', async () => {
    const { graph } = await removeChannels(model, groups, without(0.5), ctx.bytes)
    for (const [name, shape] of Object.entries(half)) expect(graph.values.get(name)!.data!.shape, name).toEqual(shape)
    for (const [id, count] of Object.entries(halfGroups))
      expect(attrInt(graph.nodes.find(n => n.id === id)!, 'group', 1), id).toBe(count)
  })

  test.for([0.3, 0.5, 0.7])('without %d of every group it runs and computes the same', async share => {
    const removal = without(share)
    const pruned = await removeChannels(model, groups, removal, ctx.bytes)
    verify(pruned.graph)
    const feeds = feedsFor(model)
    const made = pruned.graph.nodes.flatMap(n => n.outputs.filter(name => name !== null))
    const all = await run(pruned, feeds, made)
    for (const name of made) {
      const known = pruned.graph.values.get(name)!.shape!.map(d => (typeof d === 'number' ? d : samples))
      expect(all[name].shape, name).toEqual(known)
    }
    for (const { size, spans, id } of groups)
      for (const { value, axis, at } of spans) {
        const before = model.graph.values.get(value)?.data?.shape[axis]
        if (before === undefined) continue
        const after = before - at[0].length * removal.get(id)!.length
        // Several groups may lie along one axis.
        expect(pruned.graph.values.get(value)!.data!.shape[axis], value).toBeLessThanOrEqual(after)
        expect(removal.get(id)!.length).toBeLessThan(size)
      }
    const { outputs } = model.graph
    const want = await run(await silenced(model, groups, removal, ctx), feeds, outputs)
    for (const name of outputs) {
      expect(all[name].shape).toEqual(want[name].shape)
      const reference = want[name].data as Float32Array
      const largest = reference.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-6)
      const error = (all[name].data as Float32Array).reduce((m, v, i) => Math.max(m, Math.abs(v - reference[i])), 0)
      // Sums in another order.
      expect(error / largest, name).toBeLessThan(1e-4)
    }
  })
})
