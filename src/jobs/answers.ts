// What two models answer for every sample of a set.
import type { InputSpec } from '../data/input-spec.ts'
import { batches, inOrder, unstack } from '../ir/batches.ts'
import type { Context, Dataset } from '../ir/context.ts'
import { taskFor } from '../tasks/index.ts'
import type { Answer, Label } from '../tasks/types.ts'
import type { Side } from './beside.ts'
import { type TwoAnswers, twoAnswers } from './two-answers.ts'

/** One sample of a set; `index` is its place there. */
export interface Answered extends TwoAnswers {
  index: number
  name: string
}

export interface Answers {
  task: string
  samples: readonly Answered[]
  /** Why labels were of no use although there are some. */
  misfit: string | null
}

/** null where the model's outputs are of no task that has answers. */
export async function answers(
  [a, b]: readonly [Side, Side],
  data: Dataset,
  input: InputSpec,
  ctx: Context,
): Promise<Answers | null> {
  const task = taskFor(input, a.model)
  if (!task) return null
  const before = await a.runner.open(a.model)
  const after = await b.runner.open(b.model)
  const samples: Answered[] = []
  try {
    const stream = batches(data, a.model.graph, batchSize, { signal: ctx.signal })
    const run = ({ feeds }: { feeds: Parameters<typeof before.run>[0] }) =>
      Promise.all([before.run(feeds), after.run(feeds)])
    for await (const { item, result } of inOrder(stream, ctx.runner.threads, run)) {
      for (const [k, { index, name, label }] of item.samples.entries()) {
        const [was, is] = result.map(arrays =>
          Object.fromEntries(Object.entries(arrays).map(([output, array]) => [output, unstack(array, k, item.count)])),
        )
        samples.push({ index, name, ...kept(twoAnswers(task, [was, is], label, input.labelOffset ?? 0)) })
      }
      ctx.progress({ stage: 'evaluate', done: samples.length, total: data.size })
    }
  } finally {
    await before.close()
    await after.close()
  }
  if (!samples.some(({ alike }) => alike !== null)) return null
  const misfit = samples.find(sample => sample.misfit !== null)?.misfit ?? null
  // A judgement of those that happen to fit would say nothing of the set.
  return { task: task.id, samples: misfit === null ? samples : samples.map(unjudged), misfit }
}

/** Masks and vectors of a whole set would fill the memory; how far they are alike is what is looked for. */
const kept = (said: TwoAnswers): TwoAnswers => ({
  ...said,
  label: isLarge(said.label) ? null : said.label,
  before: isLarge(said.before) ? null : said.before,
  after: isLarge(said.after) ? null : said.after,
})

const isLarge = (value: Answer | Label): boolean =>
  typeof value === 'object' && value !== null && value.kind !== 'boxes'

const unjudged = (sample: Answered): Answered => ({ ...sample, label: null, right: null })

const batchSize = 16
