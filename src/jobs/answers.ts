// What two models answer for every sample of a set.
import type { InputSpec } from '../data/input-spec.ts'
import { batches, inOrder, unstack } from '../ir/batches.ts'
import type { Context, Dataset } from '../ir/context.ts'
import { taskFor } from '../tasks/index.ts'
import type { Label } from '../tasks/types.ts'
import type { Side } from './beside.ts'

export type Answer = string | number | null

/** One sample. `index` is its place in the data set. */
export interface Answered {
  index: number
  name: string
  label: Label | null // as the answers count, with the label offset added
  before: Answer
  after: Answer
}

export interface Answers {
  task: string
  samples: readonly Answered[]
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
  const offset = input.labelOffset ?? 0
  const before = await a.runner.open(a.model)
  const after = await b.runner.open(b.model)
  const samples: Answered[] = []
  try {
    const stream = batches(data, a.model.graph, batchSize, { signal: ctx.signal })
    const run = ({ feeds }: { feeds: Parameters<typeof before.run>[0] }) =>
      Promise.all([before.run(feeds), after.run(feeds)])
    for await (const { item, result } of inOrder(stream, ctx.runner.threads, run)) {
      for (const [k, sample] of item.samples.entries()) {
        const [was, is] = result.map(arrays =>
          task.answer(
            Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, unstack(array, k, item.count)])),
          ),
        )
        const label = typeof sample.label === 'number' ? sample.label + offset : sample.label
        samples.push({ index: sample.index, name: sample.name, label, before: was, after: is })
      }
      ctx.progress({ stage: 'evaluate', done: samples.length, total: data.size })
    }
  } finally {
    await before.close()
    await after.close()
  }
  return samples.some(({ before }) => before !== null) ? { task: task.id, samples } : null
}

const batchSize = 16
