// What a group's channels are like on the samples, where they are read: one sweep over the float model for all groups.
import type { Rng } from '../../base/rng.ts'
import { type Batch, each, inOrder } from '../../ir/batches.ts'
import type { Context, KernelSet } from '../../ir/context.ts'
import type { Model } from '../../ir/model.ts'
import { drawPlaces, rowsWanted } from '../../ir/moments.ts'
import type { NdArray } from '../../ir/tensor.ts'
import type { Group, Span } from './groups.ts'

/** Of a group's channels in one value that a layer reads. */
export interface ChannelStatistics {
  count: number // numbers of one channel
  magnitude: Float64Array // sums of |x|, [size]
  zeros: Float64Array // [size]
  rows: number
  sum: Float64Array // over the rows, [size]
  products: Float64Array // over the rows, [size, size]; empty where they were not asked for
}

// A group of more has more pairs of channels than are worth their memory.
const mostChannels = 2048

/** Values by which the channels of a group are read, each once. */
export function readSpans(group: Group, { graph }: Model): Span[] {
  const inputs = new Map(graph.nodes.map(n => [n.id, n.inputs[0]]))
  const names = new Set(group.readers.map(r => inputs.get(r.node)))
  return group.spans.filter(s => names.has(s.value))
}

export async function statisticsOf(
  model: Model,
  groups: readonly Group[],
  given: readonly Batch[],
  products: boolean,
  ctx: Context,
): Promise<ReadonlyMap<string, ChannelStatistics[]>> {
  const wanted = groups.map(group => ({ group, spans: readSpans(group, model) }))
  const values = [...new Set(wanted.flatMap(w => w.spans.map(s => s.value)))]
  const found = new Map(groups.map(g => [g.id, [] as ChannelStatistics[]]))
  if (values.length === 0) return found
  const images = given.reduce((n, batch) => n + batch.count, 0)
  const session = await ctx.runner.open(model, { outputs: values })
  const rng = ctx.rng.fork('prune-statistics')
  try {
    const indices = each(given.map((_, i) => i))
    for await (const { item, result } of inOrder(indices, ctx.runner.threads, i => session.run(given[i].feeds))) {
      ctx.signal.throwIfAborted()
      for (const { group, spans } of wanted)
        for (const [i, span] of spans.entries()) {
          const x = result[span.value]
          const pairs = products && group.size <= mostChannels
          const draw = { pairs, share: given[item].count / images, rng: rng.fork(`${span.value} ${item}`) }
          const seen = seenOf(span, x, draw, ctx.kernels)
          const list = found.get(group.id)!
          if (list[i]) add(list[i], seen)
          else list[i] = seen
        }
      ctx.runner.discard(result)
    }
  } finally {
    await session.close()
  }
  return found
}

function seenOf(
  { axis, at }: Span,
  { shape, data }: NdArray,
  { pairs, share, rng }: { pairs: boolean; share: number; rng: Rng },
  kernels: KernelSet,
): ChannelStatistics {
  const x = data as Float32Array
  const size = at.length
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1)
  const outer = shape.slice(0, axis).reduce((n, d) => n * d, 1)
  const each = at[0].length
  const count = outer * each * inner
  const magnitude = new Float64Array(size)
  const zeros = new Float64Array(size)
  for (let c = 0; c < size; c++)
    for (let o = 0; o < outer; o++)
      for (const position of at[c]) {
        const base = (o * shape[axis] + position) * inner
        for (let i = 0; i < inner; i++) {
          const value = x[base + i]
          magnitude[c] += Math.abs(value)
          if (value === 0) zeros[c]++
        }
      }
  const none = new Float64Array(0)
  if (!pairs) return { count, magnitude, zeros, rows: 0, sum: none, products: none }
  const places = drawPlaces(count, Math.ceil(share * rowsWanted(size)), rng)
  const rows = new Float32Array(places.length * size)
  const sum = new Float64Array(size)
  places.forEach((place, row) => {
    const i = place % inner
    const k = Math.floor(place / inner) % each
    const o = Math.floor(place / (inner * each))
    for (let c = 0; c < size; c++) {
      const value = x[(o * shape[axis] + at[c][k]) * inner + i]
      rows[row * size + c] = value
      sum[c] += value
    }
  })
  const products = new Float64Array(size * size)
  kernels.gram(rows, rows, { p: size, q: size, upper: true }, products)
  return { count, magnitude, zeros, rows: places.length, sum, products }
}

function add(to: ChannelStatistics, more: ChannelStatistics): void {
  to.count += more.count
  to.rows += more.rows
  for (const key of ['magnitude', 'zeros', 'sum', 'products'] as const)
    for (let i = 0; i < to[key].length; i++) to[key][i] += more[key][i]
}

/** Covariances of the channels, [size, size]. */
export function covarianceOf({ rows, sum, products }: ChannelStatistics): Float64Array {
  const n = sum.length
  const covariance = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = i; j < n; j++) {
      const value = products[i * n + j] / rows - (sum[i] / rows) * (sum[j] / rows)
      covariance[i * n + j] = value
      covariance[j * n + i] = value
    }
  return covariance
}
