// What activations look like channel by channel, over samples: one run of the model, of which only a few numbers a channel are kept.
import { elementCount } from '../../base/dtype.ts'
import { batches, bytesPerSample, fitting, inOrder } from '../../ir/batches.ts'
import type { Context, Feeds } from '../../ir/context.ts'
import { type Model, requiredInputs, type ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'
import type { RepairData } from './repairs/types.ts'

/** Of one value, a number a channel each. */
export interface ChannelStatistics {
  count: number // elements a channel
  min: Float64Array
  max: Float64Array
  sum: Float64Array
  squares: Float64Array
}

/** Statistics of values along the axis that is given for each. */
export async function channelStatistics(
  model: Model,
  axes: ReadonlyMap<ValueName, number>,
  samples: RepairData,
  ctx: Context,
): Promise<Map<ValueName, ChannelStatistics>> {
  const found = new Map<ValueName, ChannelStatistics>()
  const fed = new Set(requiredInputs(model.graph))
  const outputs = [...axes.keys()].filter(name => !fed.has(name))
  if (axes.size === 0) return found
  const session = await ctx.runner.open(model, { outputs: outputs.length > 0 ? outputs : model.graph.outputs })
  try {
    const size = fitting(outputBytes, bytesPerSample(model.graph, outputs), samples.batch)
    const stream = batches(samples.data, model.graph, size, { count: samples.count, signal: ctx.signal })
    const total = Math.min(samples.count, samples.data.size)
    let done = 0
    for await (const { item, result } of inOrder(stream, ctx.runner.threads, b => session.run(b.feeds))) {
      ctx.signal.throwIfAborted()
      const seen: Feeds = { ...item.feeds, ...result }
      for (const [name, axis] of axes) found.set(name, add(found.get(name) ?? null, seen[name], axis))
      ctx.runner.discard(result)
      done += item.count
      ctx.progress({ stage: 'quantize', done, total, note: 'channels of activations' })
    }
  } finally {
    await session.close()
  }
  return found
}

function add(before: ChannelStatistics | null, { shape, data }: NdArray, axis: number): ChannelStatistics {
  const channels = shape[axis]
  const inner = elementCount(shape.slice(axis + 1))
  const s = before ?? {
    count: 0,
    min: new Float64Array(channels).fill(Number.POSITIVE_INFINITY),
    max: new Float64Array(channels).fill(Number.NEGATIVE_INFINITY),
    sum: new Float64Array(channels),
    squares: new Float64Array(channels),
  }
  const x = data as Float32Array
  for (let from = 0, run = 0; from < x.length; from += inner, run++) {
    const c = run % channels
    let [min, max, sum, squares] = [s.min[c], s.max[c], 0, 0]
    for (let i = from; i < from + inner; i++) {
      const value = x[i]
      if (value < min) min = value
      if (value > max) max = value
      sum += value
      squares += value * value
    }
    s.min[c] = min
    s.max[c] = max
    s.sum[c] += sum
    s.squares[c] += squares
  }
  s.count += x.length / channels
  return s
}

const outputBytes = 33554432 // of one run
