// ResNet20 on CIFAR-10 with 512 calibration images, no labels and no training: what it must still know at two budgets, and what measuring
// its groups may cost. The images that judge are seen by nothing else.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defaultsOf } from '../../../src/base/options.ts'
import { openDataset } from '../../../src/data/dataset.ts'
import { createNodeCodecs } from '../../../src/host/node/codecs.ts'
import { fileSource } from '../../../src/host/node/files.ts'
import { onnx } from '../../../src/importers/onnx.ts'
import { batches } from '../../../src/ir/batches.ts'
import type { Context, Dataset, Memo } from '../../../src/ir/context.ts'
import type { Model } from '../../../src/ir/model.ts'
import { infer } from '../../../src/ops/infer.ts'
import { initialState } from '../../../src/recipe/state.ts'
import { optimize } from '../../../src/recipe/steps/optimize.ts'
import { prune } from '../../../src/recipe/steps/prune.ts'
import { cost } from '../../../src/stages/inspect/cost.ts'
import { testContext } from '../../quantize/played.ts'

const shared = '../shared/data'
const missing = !existsSync(join(shared, 'onnx'))
if (missing) console.log(`Skipped: ${shared} with the network and its images is not there`)

const filesOf = async (folder: string, start: string) =>
  new Map(
    await Promise.all(
      readdirSync(join(shared, folder))
        .filter(f => f.startsWith(start))
        .map(async f => [f, await fileSource(join(shared, folder, f), f)] as const),
    ),
  )

async function images(name: string, model: Model): Promise<Dataset> {
  const spec = JSON.parse(readFileSync(join(shared, 'cifar10/input.json'), 'utf8'))
  return openDataset(await filesOf('cifar10', name), `${name}.json`, { model, spec, codecs: createNodeCodecs() })
}

async function top1(model: Model, data: Dataset, { runner }: Context): Promise<number> {
  const session = await runner.open(model)
  let [right, count] = [0, 0]
  for await (const { feeds, samples } of batches(data, model.graph, 64)) {
    const logits = (await session.run(feeds))[model.graph.outputs[0]].data as Float32Array
    const classes = logits.length / samples.length
    for (const [i, { label }] of samples.entries()) {
      const row = logits.subarray(i * classes, (i + 1) * classes)
      if (row.indexOf(Math.max(...row)) === label) right++
      count++
    }
  }
  await session.close()
  return (100 * right) / count
}

describe.skipIf(missing)('the raw ResNet20 export', () => {
  test('90.3 % at 69 % of the multiply-accumulates, 84.5 % at 51 %', async () => {
    const files = await filesOf('onnx', 'cifar10_resnet20_raw.onnx')
    const { model } = await onnx.read(files, 'cifar10_resnet20_raw.onnx')
    const ctx = await testContext(files)
    const [calibration, judge] = [await images('calib512', model), await images('test846', model)]
    const kept = new Map<string, unknown>()
    let measured = 0
    let done = 0
    const runner: Context['runner'] = {
      ...ctx.runner,
      open: async (m, options) => {
        const session = await ctx.runner.open(m, options)
        const { macs } = cost(infer(m))
        return {
          ...session,
          run: feeds => {
            done += macs * Object.values(feeds)[0].shape[0]
            return session.run(feeds)
          },
        }
      },
    }
    const memo: Memo = async (key, compute) => {
      const name = JSON.stringify(key)
      const before = done
      if (!kept.has(name)) kept.set(name, await compute())
      if ((key as { stage: string }).stage === 'prune-sensitivity') measured += done - before
      return kept.get(name) as never
    }
    const env = {
      ctx: { ...ctx, runner },
      calibration,
      evaluation: null,
      samples: 512,
      input: { inputs: {} },
      wanted: [],
      memo,
    }
    const optimized = await optimize.run(initialState(infer(model)), {}, env)
    for (const [share, least] of [
      [0.69, 90.3],
      [0.51, 84.5],
    ]) {
      const o = { ...defaultsOf(prune.options), budget: { of: 'macs' as const, share } }
      const state = await prune.run(optimized, o, env)
      const { after, before, groups } = state.pruned!
      expect(after / before).toBeLessThanOrEqual(share)
      expect(after / before).toBeGreaterThan(0.99 * share)
      expect(groups.length).toBe(12)
      const accuracy = await top1(state.model, judge, ctx)
      console.log(`ResNet20 at ${((100 * after) / before).toFixed(2)} %: ${accuracy.toFixed(2)} %`)
      expect(accuracy).toBeGreaterThanOrEqual(least)
    }
    // 12 groups, the layers behind them fitted, at up to 8 shares, on 128 images.
    const points = [...kept.keys()].filter(key => key.includes('prune-sensitivity')).length
    const price = measured / (points * 128 * cost(infer(optimized.model)).macs)
    console.log(`Measuring ${points} points took ${price.toFixed(2)} plain passes each`)
    expect(price).toBeLessThan(0.7)
  }, 900_000)
})
