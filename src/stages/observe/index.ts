// One streaming sweep over the samples that gathers an Observation of each wanted value, in memory that does not grow with their number.
import { elementCount } from '../../base/dtype.ts'
import { type Batch, batches } from '../../ir/batches.ts'
import type { Context, Dataset, DeviceArray, Session } from '../../ir/context.ts'
import { type Model, requiredInputs, type ValueName } from '../../ir/model.ts'
import type { Observation } from '../../ir/quant.ts'
import type { NdArray } from '../../ir/tensor.ts'
import { plainBatches, plainRuns } from './plain.ts'

export { plainInference } from './plain.ts'

export interface SweepOptions {
  count: number // samples at most
  batch: number // samples a run at most
  histogram: boolean // false: only ranges
}

export interface Sweep {
  observations: Map<ValueName, Observation>
  samples: number
  calibrateMs: number // runs and statistics; decoding and opening sessions are outside
  inferenceMs: number // the float model alone over as many samples, from some warm batches
}

type Observing = Pick<Context, 'runner' | 'kernels' | 'clock' | 'signal' | 'progress'>

/** Observes `values` (graph inputs, or outputs of nodes) over the first `count` samples. Starts again from nothing when called again. */
export async function observe(
  model: Model,
  dataset: Dataset,
  values: readonly ValueName[],
  options: SweepOptions,
  ctx: Observing,
): Promise<Sweep> {
  const { clock, signal, kernels } = ctx
  const size = batchSize(model, values, options.batch)
  const stream = batches(dataset, model.graph, size, { count: options.count, signal })[Symbol.asyncIterator]()
  const total = Math.min(options.count, dataset.size)

  // The first batches wait while the plain model is timed on them, so that no sample is decoded twice.
  const waiting: Batch[] = []
  while (waiting.length < plainBatches) {
    const next = await stream.next()
    if (next.done) break
    waiting.push(next.value)
  }
  const fed = new Set(requiredInputs(model.graph))
  const computed = values.filter(name => !fed.has(name))
  const where = location(model, computed, ctx)
  const plain = await plainRuns(model, waiting, where, ctx)

  const observer = kernels.observer(values, { histogram: options.histogram })
  const session = computed.length > 0 ? await ctx.runner.open(model, { outputs: computed, location: where }) : null
  let samples = 0
  let calibrateMs = 0
  try {
    for (;;) {
      const batch = waiting.shift() ?? (await stream.next()).value
      if (batch === undefined) break
      signal.throwIfAborted()
      const start = clock()
      await observeBatch(batch, session, observer)
      calibrateMs += clock() - start
      samples += batch.count
      ctx.progress({ stage: 'observe', done: samples, total })
    }
    const start = clock()
    const observations = await observer.finish()
    calibrateMs += clock() - start
    return { observations, samples, calibrateMs, inferenceMs: plain.perSample * samples }
  } finally {
    await stream.return?.(undefined)
    await session?.close()
  }
}

async function observeBatch(
  batch: Batch,
  session: Session | null,
  observer: { add(o: Outputs): Promise<void> | void },
) {
  if (session?.onDevice && session.runOnDevice) {
    const outputs = await session.runOnDevice(batch.feeds)
    try {
      await observer.add({ ...batch.feeds, ...outputs })
    } finally {
      for (const array of Object.values(outputs)) array.release()
    }
    return
  }
  const outputs = session ? await session.run(batch.feeds) : {}
  await observer.add({ ...batch.feeds, ...outputs })
}

type Outputs = Record<ValueName, NdArray | DeviceArray>

/** Outputs stay on the GPU where the kernels read them there; only float32 ones can. */
function location(model: Model, values: readonly ValueName[], { kernels, runner }: Observing): 'host' | 'device' {
  const plain = values.every(name => (model.graph.values.get(name)?.dtype ?? 'float32') === 'float32')
  return kernels.backend === 'webgpu' && runner.engine === 'webgpu' && plain ? 'device' : 'host'
}

const observedBytes = 32 * 1024 * 1024 // of one batch: what bounds the memory of a sweep

/** As many samples as keep a batch's observed values within bounds, so far as their shapes are known. */
function batchSize(model: Model, values: readonly ValueName[], most: number): number {
  let bytes = 0
  for (const name of values) {
    const shape = model.graph.values.get(name)?.shape
    if (shape?.slice(1).every(d => typeof d === 'number' && d > 0))
      bytes += 4 * elementCount(shape.slice(1) as number[])
  }
  return Math.max(1, Math.min(most, bytes > 0 ? Math.floor(observedBytes / bytes) : most))
}
