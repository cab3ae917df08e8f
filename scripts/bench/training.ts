// A step of training as the steps that train take it: four shards of eight samples on the threads of the pool, gradients summed.
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { floats } from '../../src/ir/tensor.ts'
import { infer } from '../../src/ops/infer.ts'
import { optimize } from '../../src/stages/passes/index.ts'
import { upgradeOpset } from '../../src/stages/passes/upgrade-opset.ts'
import { type Taught, train } from '../../src/stages/train/loop.ts'
import { floatTrainee, partOf } from '../../src/stages/train/trainee.ts'

const shards = 4
const samples = 8

/** Milliseconds of each of so many steps, at batch 32, after some that warm everything up. */
export async function trainingSteps(imported: Model, rounds: number, ctx: Context): Promise<number[]> {
  const { model } = await optimize(infer(imported), ctx)
  const { graph } = infer(upgradeOpset(infer(model), 13))
  const [input, output] = [graph.inputs[0], graph.outputs[0]]
  const shapeOf = (name: string): number[] => [samples, ...graph.values.get(name)!.shape!.slice(1).map(Number)]
  const drawn = (shape: number[]) =>
    floats(
      shape,
      Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => ctx.rng.normal()),
    )
  const feeds = new Map([[input, drawn(shapeOf(input))]])
  const target = drawn(shapeOf(output))
  // What a shard is to give is freed with its step.
  const taught = (): Taught => ({
    feeds,
    targets: new Map([[output, floats(target.shape, (target.data as Float32Array).slice())]]),
    labels: null,
  })
  const trainee = await floatTrainee(graph, await partOf(graph, [output], ctx.bytes), 'frozen', ctx.bytes)
  const times: number[] = []
  let last = ctx.clock()
  const warm = 5
  await train(
    trainee,
    {
      terms: [{ kind: 'square', value: output, weight: 1, unit: 1 }],
      shards: () => ({ of: shards * samples, prepare: Array.from({ length: shards }, () => async () => taught()) }),
      held: { of: samples, shards: [taught()] },
      settled: 0,
    },
    {
      ...{ steps: warm + rounds, until: null, seconds: 600, warmup: 0, hold: 0, rate: 1e-6, schedule: 'cosine' },
      ...{ optimizer: 'adam', momentum: 0.9, decay: 0, clip: 0, average: 0.995, every: 1000, patience: 0 },
    },
    { load: async () => null, save: async () => {} },
    'bench',
    {
      ...ctx,
      progress: () => {
        const now = ctx.clock()
        times.push(now - last)
        last = now
      },
    },
  )
  return times.slice(warm)
}
