// A model through one step that takes something of it away, and how far its outputs then are from what they were, on other samples.
import { createKernels } from '../../kernels/lib/backends.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { infer } from '../../src/ops/infer.ts'
import { play } from '../../src/recipe/play.ts'
import { initialState, type State } from '../../src/recipe/state.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { samplesFor } from '../quantize/played.ts'
import { createTestContext } from '../runner.ts'

export const reducing = async (): Promise<Context> => ({
  ...(await createTestContext()),
  kernels: await createKernels('wasm'),
})

export function reduced(
  model: Model,
  steps: readonly object[],
  ctx: Context,
  { samples = 32, store }: { samples?: number; store?: Map<string, Uint8Array> } = {},
): Promise<State> {
  return play(
    {
      recipe: checkRecipe({ thimble: 1, steps }),
      state: initialState(infer(model)),
      inputHash: 'data',
      calibration: samples > 0 ? samplesFor(model, samples) : null,
      evaluation: null,
      samples,
      wanted: [{ target: onnxruntime, form: null, io: 'float' }],
      store: store
        ? {
            program: 'this build',
            get: async key => store.get(key) ?? null,
            put: async (key, bytes) => void store.set(key, bytes),
          }
        : null,
    },
    ctx,
  )
}

/** The error's share of the energy of the first output. */
export async function errorOf(before: Model, after: Model, ctx: Context): Promise<number> {
  const [name] = before.graph.outputs
  let [error, signal] = [0, 0]
  const sessions = [await ctx.runner.open(before), await ctx.runner.open(after)]
  for await (const { feeds } of samplesFor(before, 16, 9).samples()) {
    const [want, got] = [await sessions[0].run(feeds), await sessions[1].run(feeds)]
    for (let i = 0; i < want[name].data.length; i++) {
      const a = Number(want[name].data[i])
      const b = Number(got[name].data[i])
      error += (a - b) * (a - b)
      signal += a * a
    }
  }
  for (const session of sessions) await session.close()
  return error / signal
}
