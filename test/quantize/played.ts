// A model through the steps that a recipe runs it through, on a few seeded samples, and both models' outputs on one more.
import { mkdirSync, writeFileSync } from 'node:fs'
import { createKernels } from '../../kernels/lib/backends.ts'
import type { ByteSource } from '../../src/base/bytes.ts'
import { createRng } from '../../src/base/rng.ts'
import type { InputSpec } from '../../src/data/input-spec.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import type { Context, Dataset, Feeds, Memo } from '../../src/ir/context.ts'
import type { Model, ValueName } from '../../src/ir/model.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { infer } from '../../src/ops/infer.ts'
import { initialState, type State, type Variant, type Wanted } from '../../src/recipe/state.ts'
import { optimize } from '../../src/recipe/steps/optimize.ts'
import { quantize } from '../../src/recipe/steps/quantize.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { sqnrDb } from '../../src/stages/evaluate/errors.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { feedsFor } from '../passes/feeds.ts'
import { createTestContext } from '../runner.ts'

export async function testContext(sources?: ReadonlyMap<string, ByteSource>): Promise<Context> {
  return { ...(await createTestContext(sources)), kernels: await createKernels('wasm') }
}

/** `count` seeded samples for the model's inputs. */
export function samplesFor(model: Model, count: number, seed = 0): Dataset {
  return {
    name: 'random samples',
    size: count,
    labels: null,
    hash: `random ${seed}`,
    skipped: [],
    suspicious: [],
    async *samples(options = {}) {
      for (let index = 0; index < Math.min(count, options.count ?? count); index++)
        yield { index, name: `sample ${index}`, feeds: feedsOf(model, seed, index), label: null }
    },
  }
}

// One sample in the batch, where the model leaves it open.
const feedsOf = (model: Model, seed: number, index: number): Feeds => {
  const { graph } = infer(model)
  const values = new Map(graph.values)
  for (const name of graph.inputs) {
    const value = values.get(name)!
    values.set(name, { ...value, shape: value.shape!.map((d, i) => (typeof d === 'number' ? d : i === 0 ? 1 : 2)) })
  }
  return feedsFor({ ...model, graph: { ...graph, values } }, createRng(seed, `sample ${index}`))
}

/** Keeps nothing. */
export const noMemo: Memo = (_key, compute) => compute()

export interface Played {
  state: State
  variant: Variant
  sqnr: Record<ValueName, number>
}

export async function play(
  model: Model,
  ctx: Context,
  options: {
    step?: Record<string, unknown>
    samples?: number
    optimized?: boolean
    name?: string
    input?: InputSpec
    memo?: Memo
    wanted?: Partial<Wanted>
    calibration?: Dataset | null
  } = {},
): Promise<Played> {
  const [{ do: _, ...step }] = checkRecipe({ thimble: 1, steps: [{ do: 'quantize', ...options.step }] }).steps
  const env = {
    ctx,
    calibration: options.calibration === undefined ? samplesFor(model, options.samples ?? 8) : options.calibration,
    evaluation: null,
    samples: options.samples ?? 8,
    input: options.input ?? { inputs: {} },
    wanted: [{ target: onnxruntime, form: null, io: 'float' as const, ...options.wanted }],
    memo: options.memo ?? noMemo,
  }
  let state = initialState(infer(model))
  if (options.optimized !== false) state = await optimize.run(state, {}, env)
  state = await quantize.run(state, step as never, env)
  const variant = state.variants[0]
  const folder = process.env.THIMBLE_KEEP_MODELS
  if (folder && options.name) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}/${options.name.replace(/\W+/g, '-')}.onnx`, await encodeModel(variant.model, ctx.bytes))
  }
  return { state, variant, sqnr: await ratios(model, variant.model, ctx) }
}

/** SQNR of each output over eight samples, so that one that happens to be close to zero does not decide. */
export async function ratios(a: Model, b: Model, ctx: Pick<Context, 'runner'>): Promise<Record<ValueName, number>> {
  const feeds = Array.from({ length: 8 }, (_, i) => feedsOf(a, 0, i))
  const [exact, other] = [await runAll(a, feeds, ctx), await runAll(b, feeds, ctx)]
  return Object.fromEntries(
    Object.keys(exact[0]).map(name => [
      name,
      ratio(
        exact.map(o => o[name]),
        other.map(o => o[name]),
      ),
    ]),
  )
}

export async function runAll(
  model: Model,
  samples: readonly Feeds[],
  ctx: Pick<Context, 'runner'>,
): Promise<Record<ValueName, NdArray>[]> {
  const session = await ctx.runner.open(model)
  try {
    const outputs = []
    for (const feeds of samples) outputs.push(await session.run(feeds))
    return outputs
  } finally {
    await session.close()
  }
}

function ratio(exact: readonly NdArray[], other: readonly NdArray[]): number {
  let signal = 0
  let noise = 0
  for (const [k, a] of exact.entries()) {
    const b = other[k]
    if (a.shape.join() !== b.shape.join() || a.dtype !== b.dtype) return -200
    for (let i = 0; i < a.data.length; i++) {
      const x = Number(a.data[i])
      const error = x - Number(b.data[i])
      signal += x * x
      noise += Number.isNaN(error) ? Number.POSITIVE_INFINITY : error * error
    }
  }
  return sqnrDb(signal, noise)
}
