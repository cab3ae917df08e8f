// Models over the same samples in the same batches: accuracy where there are labels, agreement with the first in any case.
import { StudioError } from '../../base/errors.ts'
import type { InputSpec } from '../../data/input-spec.ts'
import { type Batch, batches, fitting, inOrder, unstack } from '../../ir/batches.ts'
import type { Context, Dataset, Runner } from '../../ir/context.ts'
import type { Model, ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'
import type { Accuracy } from '../../jobs/report.ts'
import { Agreement } from '../../stages/evaluate/agreement.ts'
import { peakActivations } from '../../stages/inspect/liveness.ts'
import { pairedAccuracy, taskFor } from '../../tasks/index.ts'

export interface Judged {
  accuracy: Accuracy | null // of the reference
  accuracies: (Accuracy | null)[] // of the others, paired with the reference
  agreements: ReturnType<Agreement['result']>[]
  /** Why the labels were of no use although there are some: they are of other classes than the model's. */
  misfit: StudioError | null
  notes: string[]
}

export interface JudgeOptions {
  batch: number
  /** Whether the labels of `data` may be used: calibration samples are not there to be judged by. */
  labelled: boolean
  input: InputSpec
}

/** A model that is laid beside the reference, and whose runner says what it gives where that is not the context's. */
export interface Judgeable {
  model: Model
  runner?: Runner
}

/** `others` may name one model several times; it runs once on each runner. */
export async function judge(
  reference: Model,
  others: readonly Judgeable[],
  data: Dataset,
  options: JudgeOptions,
  ctx: Context,
): Promise<Judged> {
  const task = taskFor(options.input, reference)
  const labelled = options.labelled && data.labels !== null && task !== null
  const run: Judgeable[] = []
  const indexOf = ({ model, runner }: Judgeable): number =>
    run.findIndex(known => known.model === model && known.runner === runner)
  for (const other of others) if (indexOf(other) < 0) run.push(other)
  const agreements = run.map(() => new Agreement(ctx.kernels, reference.graph.outputs, task))
  let accuracy = labelled ? pairedAccuracy(task, run.length, options.input.labelOffset ?? 0) : null
  let misfit: StudioError | null = null

  const referenceSession = await ctx.runner.open(reference)
  const sessions = await Promise.all(run.map(({ model, runner = ctx.runner }) => runner.open(model)))
  try {
    let done = 0
    const stream = batches(
      data,
      reference.graph,
      fitting(activationBytes, peakActivations(reference).bytes, options.batch),
      { signal: ctx.signal },
    )
    const all = [referenceSession, ...sessions]
    const runAll = (b: Batch) => Promise.all(all.map(session => session.run(b.feeds)))
    for await (const { item: b, result: outputs } of inOrder(stream, ctx.runner.threads, runAll)) {
      const [exact, ...results] = outputs
      for (const [i, sample] of b.samples.entries()) {
        const one = (arrays: Record<ValueName, NdArray>) =>
          Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, unstack(a, i, b.count)]))
        const want = one(exact)
        const got = results.map(one)
        for (const [k, outputs] of got.entries()) agreements[k].add(want, outputs)
        if (accuracy && sample.label !== null) {
          misfit = refusal(sample.name, () => accuracy?.add(want, got, sample.label!))
          // A figure over those that happen to fit would say nothing.
          if (misfit) accuracy = null
        }
      }
      done += b.count
      ctx.progress({ stage: 'evaluate', done, total: data.size })
    }
  } finally {
    await referenceSession.close()
    await Promise.all(sessions.map(session => session.close()))
  }
  const measured = accuracy?.result() ?? null
  return {
    accuracy: measured?.reference ?? null,
    accuracies: others.map(other => measured?.others[indexOf(other)] ?? null),
    agreements: others.map(other => agreements[indexOf(other)].result()),
    misfit,
    notes: misfit ? [misfitted(misfit, data)] : labelled ? [] : [unlabelled(options.labelled, data)],
  }
}

// Of one run's live activations: several runs of several models are under way at once. As many samples as keep within them.
const activationBytes = 16777216

/** What a task has against a label, with the sample's name; null where it took it. */
function refusal(sample: string, take: () => void): StudioError | null {
  try {
    take()
    return null
  } catch (thrown) {
    if (!(thrown instanceof StudioError) || thrown.code !== 'bad-data') throw thrown
    const { code, message, where, hint } = thrown
    return new StudioError(code, message, { where: { ...where, sample }, hint, cause: thrown })
  }
}

const misfitted = ({ message, where, hint }: StudioError, data: Dataset): string =>
  `NO ACCURACY WAS MEASURED: the labels of ${data.name} do not fit the model. ${where.sample}: ${message} ${hint} Agreement with the original is over the same samples.`

function unlabelled(meant: boolean, data: Dataset): string {
  const why = !meant
    ? 'no labelled samples were given'
    : data.labels === null
      ? `${data.name} has no labels`
      : 'it is not known how this model\u2019s outputs are to be judged'
  return `No accuracy was measured: ${why}. Agreement with the original is over ${meant ? data.name : 'the calibration samples'}.`
}
