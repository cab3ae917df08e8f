// Real networks before and after optimisation: the same outputs, at most as many nodes as OnnxSlim 0.1.98 leaves.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { fileSource } from '../../src/host/node/files.ts'
import { onnx } from '../../src/importers/onnx.ts'
import type { Feeds } from '../../src/ir/context.ts'
import { requiredInputs } from '../../src/ir/model.ts'
import { floats } from '../../src/ir/tensor.ts'
import { verify } from '../../src/ir/verify.ts'
import { optimize } from '../../src/stages/passes/index.ts'
import { createTestContext } from '../runner.ts'
import { relativeError } from './compare.ts'

const folder = '../shared/data/onnx'
const missing = !existsSync(folder)
if (missing) console.log(`Skipped: ${folder} with the test networks is not there`)

const cases: [file: string, shape: number[], onnxSlim: number][] = [
  ['cifar10_resnet20_raw', [2, 3, 32, 32], 54],
  ['cifar10_resnet20', [2, 3, 32, 32], 54],
  ['cifar10_resnet20_dynamo', [2, 3, 32, 32], 54],
  ['imagenet_mobilenet_v1_0.25_128_deq', [2, 128, 128, 3], 59],
  ['imagenet_mobilenet_v2_1.0_224_deq', [1, 224, 224, 3], 102],
  ['mlperf_kws', [2, 49, 10, 1], 24],
  ['mlperf_resnet8', [2, 32, 32, 3], 25],
  ['mlperf_vww96', [2, 96, 96, 3], 60],
  ['ppocrv4_rec', [1, 3, 48, 320], 393],
  ['ultraface_rfb320', [1, 3, 240, 320], 125],
  ['ultraface_rfb320_simplified', [1, 3, 240, 320], 110],
]

describe.skipIf(missing)('of the real networks', () => {
  test.for(cases)('%s keeps its outputs in at most as many nodes as OnnxSlim leaves', async ([name, shape, most]) => {
    const files = new Map(
      await Promise.all(
        readdirSync(folder)
          .filter(f => f.startsWith(`${name}.onnx`))
          .map(async f => [f, await fileSource(join(folder, f), f)] as const),
      ),
    )
    const { model } = await onnx.read(files, `${name}.onnx`)
    const ctx = await createTestContext(files)
    const { model: after, nodesAfter } = await optimize(model, ctx)
    verify(after.graph)
    const rng = createRng(1)
    const [input] = requiredInputs(model.graph)
    const feeds: Feeds = {
      [input]: floats(
        shape,
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.uniform() * 2 - 1),
      ),
    }
    const results = []
    for (const m of [model, after]) {
      const session = await ctx.runner.open(m)
      results.push(await session.run(feeds))
      await session.close()
    }
    expect(after.graph.outputs).toEqual(model.graph.outputs)
    for (const output of model.graph.outputs) {
      expect(relativeError(results[0][output], results[1][output])).toBeLessThan(1e-5)
    }
    expect(nodesAfter).toBeLessThanOrEqual(most)
  })
})
