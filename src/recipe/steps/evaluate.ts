// Step `evaluate`: is it still right? Accuracy where there are labels, agreement with the original in any case, the error of every
// layer, and the latency of both.
import { flag, number } from '../../base/options.ts'
import { batches, unstack } from '../../ir/batches.ts'
import type { Context, Dataset } from '../../ir/context.ts'
import type { ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'
import type { Accuracy } from '../../jobs/report.ts'
import { Agreement } from '../../stages/evaluate/agreement.ts'
import { latencies } from '../../stages/evaluate/latency.ts'
import { layerErrors } from '../../stages/evaluate/layers.ts'
import { pairedAccuracy, taskFor } from '../../tasks/index.ts'
import { type State, type StepEnv, step, type Variant } from '../state.ts'

const options = {
  batch: number('Samples per batch', { default: 16, min: 1, max: 256 }),
  layerSamples: number('Samples for the errors per layer', { default: 16, min: 0, max: 1024 }),
  latency: flag('Measure latency', true),
}

export const evaluate = step({
  id: 'evaluate',
  label: 'Evaluate',
  options,
  needs: () => [],
  async run(state, o, env) {
    const { ctx } = env
    const data = env.evaluation ?? env.calibration
    const start = ctx.clock()
    const variants = state.variants.length > 0 ? state.variants : []
    if (!data) return { ...state, notes: [...state.notes, 'Nothing was evaluated: no samples were given.'] }
    const judged = await judge(state, variants, data, o.batch, env)
    const layered: Variant[] = []
    for (const variant of judged.variants) {
      // Variants of one plan share their figures per layer.
      const twin = layered.find(v => v.plan === variant.plan && variant.plan !== null)
      const layers =
        variant.plan === null || o.layerSamples === 0
          ? []
          : (twin?.layers ??
            (await layerErrors(state.model, variant.model, variant.plan, env.calibration ?? data, o.layerSamples, ctx)))
      layered.push({ ...variant, layers })
    }
    const timed = o.latency
      ? await timeAll({ ...state, variants: layered }, data, ctx)
      : { latency: null, variants: layered }
    return {
      ...state,
      ...timed,
      accuracy: judged.accuracy,
      notes: [...state.notes, ...judged.notes],
      timing: { ...state.timing, evaluateMs: ctx.clock() - start },
    }
  },
})

interface Judged {
  accuracy: Accuracy | null
  variants: Variant[]
  notes: string[]
}

/** Original and variants over the same samples, in the same batches. */
async function judge(
  state: State,
  variants: readonly Variant[],
  data: Dataset,
  batch: number,
  env: StepEnv,
): Promise<Judged> {
  const { ctx, input } = env
  const { graph } = state.original
  const task = taskFor(input, state.original)
  const labelled = env.evaluation !== null && data.labels !== null && task !== null
  // Targets that share their rules share their model: it runs once.
  const models = [...new Set(variants.map(v => v.model))]
  const reference = await ctx.runner.open(state.original)
  const others = await Promise.all(models.map(model => ctx.runner.open(model)))
  const agreements = models.map(
    () => new Agreement(ctx.kernels, graph.outputs, outputs => task?.answer(outputs) ?? null),
  )
  const accuracy = labelled ? pairedAccuracy(task, models.length, input.labelOffset ?? 0) : null
  try {
    let done = 0
    for await (const b of batches(data, graph, batch, { signal: ctx.signal })) {
      const exact = await reference.run(b.feeds)
      const results = []
      for (const other of others) results.push(await other.run(b.feeds))
      for (const [i, sample] of b.samples.entries()) {
        const one = (arrays: Record<ValueName, NdArray>) =>
          Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, unstack(a, i, b.count)]))
        const want = one(exact)
        const got = results.map(one)
        for (const [k, outputs] of got.entries()) agreements[k].add(want, outputs)
        if (accuracy && sample.label !== null) accuracy.add(want, got, sample.label)
      }
      done += b.count
      ctx.progress({ stage: 'evaluate', done, total: data.size })
    }
  } finally {
    await reference.close()
    await Promise.all(others.map(other => other.close()))
  }
  const measured = accuracy?.result() ?? null
  const notes = labelled
    ? []
    : [
        `No accuracy was measured (${env.evaluation ? 'the samples have no labels that this model’s outputs can be judged by' : 'no labelled samples were given'}); agreement with the original is over ${env.evaluation ? 'them' : 'the calibration samples'}.`,
      ]
  return {
    accuracy: measured?.reference ?? null,
    variants: variants.map(v => {
      const k = models.indexOf(v.model)
      return { ...v, accuracy: measured?.others[k] ?? null, agreement: agreements[k].result() }
    }),
    notes,
  }
}

async function timeAll(state: State, data: Dataset, ctx: Context): Promise<Pick<State, 'latency' | 'variants'>> {
  for await (const sample of data.samples({ count: 1, signal: ctx.signal })) {
    const models = [...new Set(state.variants.map(v => v.model))]
    const [original, ...times] = await latencies(
      [state.original, ...models],
      sample.feeds,
      { runs: 50, budgetMs: 3000 },
      ctx,
    )
    return { latency: original, variants: state.variants.map(v => ({ ...v, latency: times[models.indexOf(v.model)] })) }
  }
  return { latency: null, variants: state.variants }
}
