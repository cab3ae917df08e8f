// What every registered pass must do: keep outputs (to the bit, or to 1e-5), verify, reach a fixed point, leave its input untouched, return
// the same object when nothing changed, and carry origin along.
import { beforeAll, describe, expect, test } from 'vitest'
import { hashBytes } from '../../src/base/hash.ts'
import { createRng } from '../../src/base/rng.ts'
import type { Feeds } from '../../src/ir/context.ts'
import { type Model, requiredInputs } from '../../src/ir/model.ts'
import { verify } from '../../src/ir/verify.ts'
import { infer } from '../../src/ops/infer.ts'
import { passes } from '../../src/stages/passes/index.ts'
import type { Pass } from '../../src/stages/passes/types.ts'
import { build } from '../build.ts'
import { type Case, cases } from '../passes/cases.ts'
import { relativeError, sameBits } from '../passes/compare.ts'
import { feedsFor } from '../passes/feeds.ts'
import { createTestContext } from '../runner.ts'

let ctx: Awaited<ReturnType<typeof createTestContext>>
beforeAll(async () => {
  ctx = await createTestContext()
})

const modelOf = ({ text, options, irVersion }: Case): Model => {
  const model = build(text, options)
  return infer(irVersion === undefined ? model : { ...model, irVersion })
}

/** Everything of a model as text, tensors by their hash. */
const fingerprint = (model: Model): string =>
  JSON.stringify(model, (_, value) =>
    value instanceof Uint8Array
      ? hashBytes(value)
      : value instanceof Map
        ? [...value]
        : typeof value === 'bigint'
          ? String(value)
          : value,
  )

async function toFixedPoint(pass: Pass, model: Model): Promise<{ model: Model; changes: number }> {
  let changes = 0
  for (let round = 0; round < 20; round++) {
    const result = await pass.run(model, ctx)
    if (result.model === model) {
      expect(result.changes).toEqual([])
      return { model, changes }
    }
    changes += result.changes.length
    model = infer(result.model)
  }
  throw new Error(`${pass.id} still changes something after 20 rounds`)
}

async function outputsOf(model: Model, feeds: Feeds) {
  const session = await ctx.runner.open(model, { optimize: 'none' })
  const results = await session.run(feeds)
  await session.close()
  return results
}

describe.each(passes.map(pass => [pass.id, pass] as [typeof pass.id, Pass]))('%s', (id, pass) => {
  test.each(cases[id].map((c, i) => [i + 1, c] as const))(
    'keeps the outputs of its graph %i and reaches a fixed point',
    async (_, c) => {
      const before = modelOf(c)
      const print = fingerprint(before)
      const { model: after, changes } = await toFixedPoint(pass, before)
      expect(fingerprint(before)).toBe(print)
      expect(changes).toBeGreaterThan(0)
      verify(after.graph)
      expect(after.graph.outputs).toEqual(before.graph.outputs)
      expect(requiredInputs(after.graph)).toEqual(requiredInputs(before.graph))

      const named = new Set(before.graph.nodes.map(n => n.id))
      for (const node of after.graph.nodes) {
        expect(node.origin.length, `origin of ${node.id}`).toBeGreaterThan(0)
        for (const origin of node.origin) expect(named).toContain(origin)
      }
      for (const seed of [1, 2]) {
        const feeds = feedsFor(before, createRng(seed))
        const [expected, actual] = [await outputsOf(before, feeds), await outputsOf(after, feeds)]
        for (const name of before.graph.outputs) {
          if (pass.level === 'exact') expect(sameBits(expected[name], actual[name]), `bits of ${name}`).toBe(true)
          else expect(relativeError(expected[name], actual[name])).toBeLessThan(1e-5)
        }
      }
    },
  )

  test('leaves the graphs of all other passes with the same outputs', async () => {
    for (const c of Object.values(cases).flat()) {
      const before = modelOf(c)
      const { model: after } = await toFixedPoint(pass, before)
      if (after === before) continue
      verify(after.graph)
      const feeds = feedsFor(before, createRng(3))
      const [expected, actual] = [await outputsOf(before, feeds), await outputsOf(after, feeds)]
      for (const name of before.graph.outputs) {
        if (pass.level === 'exact') expect(sameBits(expected[name], actual[name]), `${name} of ${c.text}`).toBe(true)
        else expect(relativeError(expected[name], actual[name]), `${name} of ${c.text}`).toBeLessThan(1e-5)
      }
    }
  })
})
