// Samples on which candidates are tried: what the float model gives for them is computed once, and laid beside what a candidate gives.
import type { InputSpec } from '../../data/input-spec.ts'
import { type Batch, batches, each, inOrder, unstack } from '../../ir/batches.ts'
import type { Context, Dataset, Feeds } from '../../ir/context.ts'
import { cutGraph } from '../../ir/cut.ts'
import type { Model, ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'
import { Agreement } from '../../stages/evaluate/agreement.ts'
import { Divergence } from '../../stages/evaluate/divergence.ts'
import { taskFor } from '../../tasks/index.ts'
import { numbersOf } from '../../tasks/scores.ts'
import type { Figures } from './search-options.ts'

export interface Trial {
  batches: readonly Batch[]
  /** Of the float model, batch by batch. */
  outputs: readonly Arrays[]
  /** Values of a candidate, batch by batch. */
  at(candidate: Model, values: readonly ValueName[]): Promise<Feeds[]>
  /** `feeds` batch by batch, where the candidate starts elsewhere than at the inputs. */
  compare(candidate: Model, feeds?: readonly Feeds[]): Promise<Figures & { loss: number; errors: Errors }>
  /** The error of each sample by itself, in their order. */
  each(candidate: Model): Promise<{ sample: string; index: number; sqnrDb: number }[]>
}

/** By sample, in their order: squared errors of the outputs, and KL divergence where there are classes. */
export interface Errors {
  squared: readonly number[]
  kl: readonly number[]
}

/** Samples `from` to before `to` of the usable ones. */
export function samplesBetween(data: Dataset, from: number, to: number): Dataset {
  return {
    name: data.name,
    size: to - from,
    labels: data.labels,
    hash: `${data.hash} ${from}-${to}`,
    async *samples(options = {}) {
      let index = 0
      const last = Math.min(to, from + (options.count ?? to))
      for await (const sample of data.samples({ ...options, count: last })) if (index++ >= from) yield sample
    },
    get skipped() {
      return data.skipped
    },
    get suspicious() {
      return data.suspicious
    },
  }
}

export async function openTrial(
  float: Model,
  data: Dataset,
  options: { count: number; batch: number; input: InputSpec },
  ctx: Context,
): Promise<Trial> {
  const given: Batch[] = []
  for await (const batch of batches(data, float.graph, options.batch, { count: options.count, signal: ctx.signal }))
    given.push(batch)
  const task = taskFor(options.input, float)
  const classes = task?.id === 'classify' || task?.id === 'ctc'
  const exact = await runOn(
    float,
    given.map(b => b.feeds),
    ctx,
  )
  return {
    batches: given,
    outputs: exact,
    async at(candidate, values) {
      const inputs = new Set(candidate.graph.inputs)
      const made = values.filter(name => !inputs.has(name))
      const feeds = given.map(b => Object.fromEntries(values.filter(v => inputs.has(v)).map(v => [v, b.feeds[v]])))
      if (made.length === 0) return feeds
      const runs = await runOn(
        cutGraph(candidate, [], made),
        given.map(b => b.feeds),
        ctx,
      )
      return feeds.map((fed, i) => ({ ...fed, ...runs[i] }))
    },
    async compare(candidate, feeds = given.map(b => b.feeds)) {
      const { outputs } = candidate.graph
      const agreement = new Agreement(ctx.kernels, outputs, null)
      let answered = 0
      let alike = 0
      const divergence = new Divergence()
      const errors = { squared: [] as number[], kl: [] as number[] }
      const divergenceOf = (name: ValueName, reference: Arrays, other: Arrays): number => {
        const exactly = numbersOf(reference[name])
        // A line of text has a distribution at each step; an image has one, whatever dimensions of 1 stand around it.
        const row = task?.id === 'ctc' ? (reference[name].shape.at(-1) ?? 1) : exactly.length
        return divergence.add(exactly, numbersOf(other[name]), row)
      }
      for (const [index, got] of (await runOn(candidate, feeds, ctx)).entries()) {
        const { count } = given[index]
        const want = exact[index]
        for (let i = 0; i < count; i++) {
          const reference = sampleOf(want, i, count)
          const other = { ...reference, ...sampleOf(got, i, count) }
          errors.squared.push(agreement.add(reference, other))
          if (classes) errors.kl.push(outputs.reduce((sum, name) => sum + divergenceOf(name, reference, other), 0))
          // The float model's answer as the label. It may be wrong, so that no more points can be lost than answers change.
          const share = task?.alike(reference, other) ?? null
          if (share === null) continue
          alike += share
          answered++
        }
      }
      const { sqnrDb, cosine } = agreement.result()
      return {
        sqnrDb,
        kl: classes ? divergence.kl : null,
        loss: 100 * (answered > 0 ? 1 - alike / answered : 1 - cosine),
        errors,
      }
    },
    async each(candidate) {
      const results = await runOn(
        candidate,
        given.map(b => b.feeds),
        ctx,
      )
      return given.flatMap(({ samples, count }, index) =>
        samples.map(({ name, index: position }, i) => {
          const agreement = new Agreement(ctx.kernels, candidate.graph.outputs, null)
          agreement.add(sampleOf(exact[index], i, count), sampleOf(results[index], i, count))
          return { sample: name, index: position, sqnrDb: agreement.result().sqnrDb }
        }),
      )
    },
  }
}

type Arrays = Readonly<Record<ValueName, NdArray>>

const sampleOf = (arrays: Arrays, index: number, count: number) =>
  Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, unstack(a, index, count)]))

async function runOn(model: Model, feeds: readonly Feeds[], ctx: Context): Promise<Record<ValueName, NdArray>[]> {
  const session = await ctx.runner.open(model)
  const outputs: Record<ValueName, NdArray>[] = []
  try {
    for await (const { result } of inOrder(each(feeds), ctx.runner.threads, f => session.run(f))) {
      ctx.signal.throwIfAborted()
      outputs.push(result)
    }
  } finally {
    await session.close()
  }
  return outputs
}
