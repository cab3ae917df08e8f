// Real networks without half of the channels of every group: they run, and give what the unpruned ones do where nothing is read of these.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createRng } from '../../../src/base/rng.ts'
import { fileSource } from '../../../src/host/node/files.ts'
import { onnx } from '../../../src/importers/onnx.ts'
import type { Feeds } from '../../../src/ir/context.ts'
import { requiredInputs } from '../../../src/ir/model.ts'
import { floats } from '../../../src/ir/tensor.ts'
import { optimize } from '../../../src/stages/passes/index.ts'
import { findGroups } from '../../../src/stages/prune/groups.ts'
import { removeChannels } from '../../../src/stages/prune/remove.ts'
import { createTestContext } from '../../runner.ts'
import { silenced } from './silenced.ts'

const folder = '../shared/data/onnx'
const missing = !existsSync(folder)
if (missing) console.log(`Skipped: ${folder} with the test networks is not there`)

/** With the least of groups that must be found without a word about the network. */
const cases: [file: string, shape: number[], groups: number][] = [
  ['cifar10_resnet20_raw', [1, 3, 32, 32], 12],
  ['cifar10_resnet20_dynamo', [1, 3, 32, 32], 12],
  ['mlperf_resnet8', [1, 32, 32, 3], 6],
  ['mlperf_kws', [1, 49, 10, 1], 5],
  ['imagenet_mobilenet_v1_0.25_128_deq', [1, 128, 128, 3], 14],
  ['imagenet_mobilenet_v2_1.0_224_deq', [1, 224, 224, 3], 25],
  ['ultraface_rfb320', [1, 3, 240, 320], 20],
  ['ppocrv4_rec', [1, 3, 48, 320], 20],
]

describe.skipIf(missing)('of the real networks', () => {
  test.for(cases)('%s', async ([name, shape, least]) => {
    const files = new Map(
      await Promise.all(
        readdirSync(folder)
          .filter(f => f.startsWith(`${name}.onnx`))
          .map(async f => [f, await fileSource(join(folder, f), f)] as const),
      ),
    )
    const read = await onnx.read(files, `${name}.onnx`)
    const ctx = await createTestContext(files)
    // The last has its weights in nodes.
    const model = name.startsWith('ppocr') ? (await optimize(read.model, ctx)).model : read.model
    const { groups } = findGroups(model)
    expect(groups.length).toBeGreaterThanOrEqual(least)
    const removal = new Map(groups.map(g => [g.id, [...Array(g.size).keys()].filter(c => c % 2 === 1)]))
    const rng = createRng(1)
    const count = shape.reduce((a, b) => a * b, 1)
    const [input] = requiredInputs(model.graph)
    const feeds: Feeds = {
      [input]: floats(
        shape,
        Float32Array.from({ length: count }, () => rng.uniform() * 2 - 1),
      ),
    }
    const results = []
    for (const m of [
      await silenced(model, groups, removal, ctx),
      await removeChannels(model, groups, removal, ctx.bytes),
    ]) {
      const session = await ctx.runner.open(m)
      results.push(await session.run(feeds))
      await session.close()
    }
    for (const output of model.graph.outputs) {
      const [want, got] = results.map(r => r[output])
      expect(got.shape).toEqual(want.shape)
      const largest = (want.data as Float32Array).reduce((m, v) => Math.max(m, Math.abs(v)), 1e-6)
      const error = (got.data as Float32Array).reduce((m, v, i) => Math.max(m, Math.abs(v - Number(want.data[i]))), 0)
      expect(error / largest).toBeLessThan(1e-4)
    }
  })
})
