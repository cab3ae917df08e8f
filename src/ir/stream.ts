// Values of a model over a fixed set of samples, computed from one cut to the next: what lies behind a cut is run once, so that a method
// that goes through the layers in order costs about one pass over the model, not one for each layer.
import { elementCount } from '../base/dtype.ts'
import { type Batch, each, inOrder } from './batches.ts'
import type { Context, Feeds } from './context.ts'
import { cutGraph } from './cut.ts'
import { type Model, reads, requiredInputs, type ValueName } from './model.ts'
import type { NdArray } from './tensor.ts'

/** What a part of the model is run as: the float graph itself, or its quantised form. Names of inputs and outputs stay. */
export type Form = (part: Model) => Promise<Model>

/** Values of one batch; those that are not kept are gone once the next batch is asked for. */
export interface Seen {
  arrays: Readonly<Record<ValueName, NdArray>>
  batch: number
}

export interface Stream {
  /** Computes `values` on every batch, batches in order. Those in `keep` stay for later cuts, so far as they are small enough. */
  run(model: Model, values: readonly ValueName[], keep: readonly ValueName[]): AsyncIterable<Seen>
  /** Forgets what no cut for one of `values` would start from. */
  forget(model: Model, values: readonly ValueName[]): void
}

export interface StreamOptions {
  /** Runs that may be under way at once. */
  width: number
  /** Bytes over all samples beyond which a value is not kept, but computed again from what lies before it. */
  largest: number
}

/** Bytes of one value over all samples that are worth keeping. */
export const largestKept = 33554432

export function openStream(
  batches: readonly Batch[],
  form: Form,
  ctx: Pick<Context, 'runner' | 'signal'>,
  { width, largest }: StreamOptions,
): Stream {
  const kept = new Map<ValueName, NdArray[]>()
  for (const name of Object.keys(batches[0]?.feeds ?? {}))
    kept.set(
      name,
      batches.map(batch => batch.feeds[name]),
    )

  return {
    async *run(model, values, keep) {
      const missing = values.filter(name => !kept.has(name))
      const at = (index: number, made: Readonly<Record<ValueName, NdArray>>): Record<ValueName, NdArray> =>
        Object.fromEntries(values.map(name => [name, kept.get(name)?.[index] ?? made[name]]))
      if (missing.length === 0) {
        for (const index of batches.keys()) yield { arrays: at(index, {}), batch: index }
        return
      }
      const part = cutGraph(model, [...kept.keys()], missing)
      const session = await ctx.runner.open(await form(part))
      const fed = requiredInputs(part.graph)
      const fresh = new Map<ValueName, NdArray[]>(missing.filter(name => keep.includes(name)).map(name => [name, []]))
      try {
        const indices = each(batches.map((_, index) => index))
        const feeds = (index: number): Feeds => Object.fromEntries(fed.map(name => [name, kept.get(name)![index]]))
        for await (const { item, result } of inOrder(indices, width, index => session.run(feeds(index)))) {
          ctx.signal.throwIfAborted()
          yield { arrays: at(item, result), batch: item }
          for (const [name, arrays] of fresh) {
            if (4 * elementCount(result[name].shape) * batches.length > largest) continue
            arrays.push(result[name])
            delete result[name]
          }
          ctx.runner.discard(result)
        }
      } finally {
        await session.close()
      }
      for (const [name, arrays] of fresh) if (arrays.length === batches.length) kept.set(name, arrays)
    },

    forget(model, values) {
      const producers = new Map(model.graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)))
      const needed = new Set<ValueName>()
      const seen = new Set<ValueName>()
      const waiting = [...values]
      while (waiting.length > 0) {
        const name = waiting.pop()!
        if (seen.has(name)) continue
        seen.add(name)
        if (kept.has(name)) needed.add(name)
        else for (const read of producers.get(name) ? reads(producers.get(name)!) : []) waiting.push(read)
      }
      for (const name of kept.keys()) if (!needed.has(name)) kept.delete(name)
    },
  }
}
