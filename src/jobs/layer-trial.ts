// What a changed setting of a layer gives: the result's own model beside the one that its step would make with other options, on a few
// samples.
import { StudioError } from '../base/errors.ts'
import { hashJson } from '../base/hash.ts'
import type { Context } from '../ir/context.ts'
import { previewing } from '../recipe/steps/preview.ts'
import { quantizeWith } from '../recipe/steps/quantize.ts'
import type { QuantizeOptions } from '../recipe/steps/quantize-options.ts'
import { openTrial, type Trial } from '../recipe/steps/trial.ts'
import type { Recipe } from '../recipe/types.ts'
import { type Measured, measured } from './diagnose.ts'
import type { OpenedResult } from './opened-result.ts'
import { quantizing } from './replay.ts'
import { type Starts, startsIn } from './starts.ts'

/** The whole model as it is and as the step would make it with other options, on a few samples. */
export interface LayersTried {
  samples: number
  before: Measured
  after: Measured
}

/** What trials are laid beside: the float model on a few samples, and the result as it is. */
export interface Judged {
  trial: Trial
  measured: Measured
  starts: Starts
}

export async function judgedAs(opened: OpenedResult, samples: number, ctx: Context): Promise<Judged> {
  const { request, variant, wanted, float } = opened
  if (!request.calibration)
    throw new StudioError('usage', 'There are no samples to try the layers on', {
      hint: 'Give some of those that the model is calibrated on.',
    })
  const options = { batch: 8, count: samples, input: request.recipe.input ?? { inputs: {} } }
  const trial = await openTrial(float, request.calibration, options, previewing(wanted.target, ctx))
  return { trial, measured: await measured(variant, trial, ctx), starts: startsIn(variant.model, trial) }
}

/**
 * Tries a recipe that differs from the result's in the options of the step that quantises. Nothing is observed again that was seen, only
 * what follows from the change is run, and what is computed here a run finds.
 */
export async function tryRecipe(
  opened: OpenedResult,
  judged: Judged,
  recipe: Recipe,
  ctx: Context,
): Promise<LayersTried> {
  const { before, env, wanted } = opened
  const made = await quantizeWith(before, changedOptions(opened, recipe), { ...env, ctx, wanted: [wanted] })
  ctx.signal.throwIfAborted()
  const { trial, measured: as, starts } = judged
  const [changed] = made.variants
  return {
    samples: trial.batches.reduce((n, b) => n + b.count, 0),
    before: as,
    after: await measured(changed, trial, ctx, await starts.of(changed.model)),
  }
}

function changedOptions({ request, options }: OpenedResult, recipe: Recipe): QuantizeOptions {
  const at = quantizing(recipe)
  const earlier = ({ steps }: Recipe): string => hashJson(steps.slice(0, at))
  const { do: id, ...own } = recipe.steps[at] ?? { do: '' }
  if (id !== request.recipe.steps[at]?.do || earlier(recipe) !== earlier(request.recipe))
    throw new StudioError('usage', 'The recipe differs from that of this result in other steps too', {
      hint: 'Run the recipe as it is now; its layers can be tried then.',
    })
  if (id === 'quantize') return own as unknown as QuantizeOptions
  // What a search decided stays for all layers of which nothing is said.
  const said = (own.quantize ?? {}) as Partial<QuantizeOptions>
  return { ...options, ...said, layers: { ...options.layers, ...said.layers } }
}
