// The ways in which a batch's values are come by: counted in the thread that computes them, from the GPU's own buffers, or copied out.
//
// Reductions appended to the graph (ReduceMin, ReduceMax) would copy nothing out, but the WebAssembly runtime computes them without
// SIMD: on ResNet20 they took longer than copying and counting, and with a ReduceSum to notice NaN on MobileNetV2 as long.
import type { Batch } from '../../ir/batches.ts'
import type { Context, Counted, DeviceArray, Session } from '../../ir/context.ts'
import { type Model, requiredInputs, type ValueName } from '../../ir/model.ts'
import type { Histogram } from '../../ir/quant.ts'
import type { NdArray } from '../../ir/tensor.ts'

export interface Observed {
  arrays: Record<ValueName, NdArray | DeviceArray | Counted>
  release(): void
}

export interface Way {
  run(batch: Batch): Promise<Observed>
  /** Of what was counted elsewhere, after the last run. */
  histograms(): Promise<readonly Record<ValueName, Histogram>[]>
  close(): Promise<void>
}

type Lent = Pick<Context, 'runner' | 'kernels'>

/** Outputs stay on the GPU where the kernels read them there; only float32 ones can. */
export function locationOf(model: Model, values: readonly ValueName[], { kernels, runner }: Lent): 'host' | 'device' {
  const plain = values.every(name => (model.graph.values.get(name)?.dtype ?? 'float32') === 'float32')
  return kernels.backend === 'webgpu' && runner.engine === 'webgpu' && plain ? 'device' : 'host'
}

const kept = (arrays: Observed['arrays']): Observed => ({ arrays, release: () => {} })

export async function openWay(
  model: Model,
  values: readonly ValueName[],
  { histogram }: { histogram: boolean },
  ctx: Lent,
): Promise<Way> {
  const fed = new Set(requiredInputs(model.graph))
  const computed = values.filter(name => !fed.has(name))
  if (computed.length === 0)
    return { run: async batch => kept(batch.feeds), histograms: async () => [], close: async () => {} }
  const location = locationOf(model, computed, ctx)
  const session = await ctx.runner.open(model, { outputs: computed, location, count: { values, histogram } })
  return {
    run: batch => runAndCount(session, batch),
    histograms: async () => (await session.counting?.histograms()) ?? [],
    close: () => session.close(),
  }
}

async function runAndCount(session: Session, { feeds }: Batch): Promise<Observed> {
  if (session.counting) return kept(await session.counting.run(feeds))
  if (!session.onDevice || !session.runOnDevice) return kept({ ...feeds, ...(await session.run(feeds)) })
  const arrays = await session.runOnDevice(feeds)
  return {
    arrays: { ...feeds, ...arrays },
    release: () => {
      for (const array of Object.values(arrays)) array.release()
    },
  }
}
