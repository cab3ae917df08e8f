// The arithmetic 'ort' against onnxruntime-web itself, bit for bit, on random layers of every operator.
// LAYERS=1000 runs as many of each; the default keeps the suite short.
import { beforeAll, describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import type { Context } from '../../src/ir/context.ts'
import { simulate } from '../../src/stages/simulate/simulate.ts'
import { build } from '../build.ts'
import { testContext } from '../quantize/played.ts'
import { codesFor } from './feeds.ts'
import { type Layer, layers, type Style } from './layers.ts'

const count = Number(process.env.LAYERS ?? 40)
const eightBits: Style[] = [
  { activation: 'u8', symmetricWeights: false },
  { activation: 'i8', symmetricWeights: false },
]
// Signed activations in products: the runtime decides by the whole graph, and is asked.
const onlyUnsigned = /^(Conv|Gemm|MatMul)/

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

async function compare({ text, opset }: Layer, seed: number): Promise<void> {
  const model = build(text, { opset })
  const feeds = codesFor(model, createRng(seed, 'feeds'))
  const ours = await simulate(model, 'ort', ctx)
  const theirs = await ctx.runner.open(model)
  const [a, b] = [await ours.run(feeds), await theirs.run(feeds)]
  await ours.close()
  await theirs.close()
  expect(ours.float, text).toEqual([])
  expect(ours.integer.length, text).toBe(1)
  for (const name of model.graph.outputs) {
    expect(a[name].shape, text).toEqual(b[name].shape)
    expect(a[name].dtype).toBe(b[name].dtype)
    const first = a[name].data.findIndex((q: unknown, i: number) => q !== b[name].data[i])
    if (first >= 0)
      expect.fail(`${text}\n${name}[${first}] is ${b[name].data[first]} in the runtime, ${a[name].data[first]} here`)
  }
}

describe.each(Object.entries(layers))('%s', (name, make) => {
  test(
    `${count} random layers equal the runtime`,
    async () => {
      for (let i = 0; i < count; i++) {
        const rng = createRng(i, name)
        const style = eightBits[onlyUnsigned.test(name) ? 0 : i % 2]
        await compare(make(rng, style), i)
      }
    },
    60_000 + 200 * count,
  )
})
