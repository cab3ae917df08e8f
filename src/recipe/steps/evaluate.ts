// Step `evaluate`: is it still right? Accuracy where there are labels, agreement with the original in any case, the error of every
// layer, and the latency of both.
import { flag, number } from '../../base/options.ts'
import type { Context, Dataset } from '../../ir/context.ts'
import { latencies } from '../../stages/evaluate/latency.ts'
import { layerErrors } from '../../stages/evaluate/layers.ts'
import { findTarget } from '../../targets/index.ts'
import { floatVariants, type State, step, type Variant } from '../state.ts'
import { judge } from './judge.ts'
import { previewing, previewOf } from './preview.ts'

const options = {
  batch: number('Samples per batch', { default: 16, min: 1, max: 256 }),
  layerSamples: number('Samples for layer errors', { default: 16, min: 0, max: 1024 }),
  latency: flag('Measure latency', true),
}

export const evaluate = step({
  id: 'evaluate',
  label: 'Evaluate',
  options,
  needs: () => [],
  async run(state, o, env) {
    const { ctx } = env
    // Samples that said nothing to the quantiser say nothing here.
    const calibration = state.estimated === null ? env.calibration : null
    const data = env.evaluation ?? calibration
    const start = ctx.clock()
    const variants = state.variants.length > 0 ? state.variants : floatVariants(state.model, env.wanted)
    if (!data) return { ...state, notes: [...state.notes, nothingMeasured] }
    const labelled = env.evaluation !== null
    // Of a model in floats every target gives the same up to the order of its sums.
    const previewed = new Set(variants.filter(v => v.plan !== null).map(v => v.target))
    const runners = new Map([...previewed].map(id => [id, previewOf(findTarget(id), ctx)]))
    const judged = await judge(
      state.original,
      variants.map(v => ({ model: v.model, runner: runners.get(v.target) })),
      data,
      { batch: o.batch, labelled, input: env.input },
      ctx,
    )
    const judgedVariants = variants.map((v, i) => ({
      ...v,
      accuracy: judged.accuracies[i],
      agreement: judged.agreements[i],
    }))
    const sameRunner = (a: Variant, b: Variant): boolean => runners.get(a.target) === runners.get(b.target)
    const layered: Variant[] = []
    for (const variant of judgedVariants) {
      // Variants of one plan share their figures per layer.
      const twin = layered.find(v => v.plan === variant.plan && sameRunner(v, variant) && variant.plan !== null)
      const layers =
        variant.plan === null || o.layerSamples === 0
          ? []
          : (twin?.layers ??
            (await layerErrors(
              variant.reference ?? state.model,
              variant.model,
              variant.plan,
              calibration ?? data,
              o.layerSamples,
              previewing(findTarget(variant.target), ctx),
            )))
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

const nothingMeasured =
  'Nothing was evaluated: no samples of use were given. Accuracy, agreement with the original, the errors of layers and latency were not measured.'

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
