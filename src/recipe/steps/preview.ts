// What a variant's target will compute: the runtime where it computes as the target does, or on a graph that takes the target's steps; else the
// executor with the target's own roundings.
import { asComputed } from '../../exporters/ncnn/as-computed.ts'
import type { Context, Runner } from '../../ir/context.ts'
import type { Model } from '../../ir/model.ts'
import type { Target } from '../../ir/target.ts'
import { simulator } from '../../stages/simulate/simulate.ts'

/** A runner for models that were quantised for the target. */
export function previewOf({ preview, quant }: Target, { bytes, kernels, runner }: Context): Runner {
  if (preview === 'ncnn') return rewriting(runner, model => asComputed(model, bytes))
  if (preview !== 'runtime') return simulator(preview, { bytes, kernels, runner })
  return quant.bias === 'int32' ? runner : keepingPairs(runner)
}

/**
 * The runtime would round float biases beside pairs to integers (its WeightBiasQuantization), which targets that add them as floats do not:
 * of ResNet20 for ncnn, before it had a preview of its own, 98.9 % of the answers were those of ncnn, and 99.9 % without.
 */
const keepingPairs = (runner: Runner): Runner => rewriting(runner, async model => model)

const rewriting = (runner: Runner, rewritten: (model: Model) => Promise<Model>): Runner => ({
  engine: runner.engine,
  threads: runner.threads,
  open: async (model, options) => runner.open(await rewritten(model), { optimize: 'pairs', ...options }),
  discard: arrays => runner.discard(arrays),
  peakBytes: () => runner.peakBytes(),
})

/** The context with the target's preview in the place of the runner. */
export const previewing = (target: Target, ctx: Context): Context => ({ ...ctx, runner: previewOf(target, ctx) })
