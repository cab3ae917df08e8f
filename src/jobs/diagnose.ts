// Why did accuracy fall? The layers that the error comes from, what makes it, the sample that shows it, and what was measured to help.
import { StudioError } from '../base/errors.ts'
import { hashJson } from '../base/hash.ts'
import type { Context, Memo } from '../ir/context.ts'
import { cutGraph } from '../ir/cut.ts'
import { infer } from '../ops/infer.ts'
import type { State, StepEnv, Variant } from '../recipe/state.ts'
import { gatherOnce } from '../recipe/steps/observed.ts'
import { previewing } from '../recipe/steps/preview.ts'
import { quantizeWith } from '../recipe/steps/quantize.ts'
import type { QuantizeOptions } from '../recipe/steps/quantize-options.ts'
import { bytesOf } from '../recipe/steps/search-within.ts'
import { openTrial, type Trial } from '../recipe/steps/trial.ts'
import { fromPixels } from '../stages/quantize/raw-input.ts'
import { findTarget } from '../targets/index.ts'
import { type Blamed, blame, type LayerShare, sharesOf } from './blame.ts'
import { wantedOf } from './compress.ts'
import { type Remedy, remediesFor } from './remedies.ts'
import { type ReplayRequest, replayed } from './replay.ts'
import { type Start, startsIn } from './starts.ts'

export interface DiagnoseRequest extends ReplayRequest {
  /** Samples that candidates are judged on. */
  judgedOn: number
  /** What the remedies may take; those that are not tried by then are counted. */
  seconds: number
}

/** How a model does, with the bytes of its files. */
export interface Measured {
  sqnrDb: number
  /** Percent of answers that are not the float model's; where there are no answers, 100 (1 - cosine). */
  loss: number
  bytes: number
}

export interface TriedRemedy extends Remedy, Measured {}

export interface Diagnosis {
  target: string
  form: string
  samples: number
  before: Measured
  layers: LayerShare[]
  blamed: Blamed[]
  /** By what they gave, the best first. */
  remedies: TriedRemedy[]
  untried: number
  /** The sample whose outputs are farthest from the float model's. */
  worst: { sample: string; index: number; sqnrDb: number } | null
  /** What is wrong with the samples as a whole, such as pixels that were not normalised. */
  data: string[]
}

export async function diagnose(request: DiagnoseRequest, ctx: Context): Promise<Diagnosis> {
  const { calibration, recipe } = request
  if (!calibration)
    throw new StudioError('usage', 'There are no samples to look for the error with', {
      hint: 'Give some of those that the model is calibrated on.',
    })
  const { before, after, quantize } = await replayed(request, ctx)
  const variant = after.variants.find(v => v.plan !== null)
  if (!variant || !quantize)
    throw new StudioError('usage', 'This recipe makes no model of few bits whose error could be looked for', {
      hint: 'Add the step quantize, and a target that takes quantised models.',
    })
  const float = infer(variant.reference ?? after.model)
  const trialOptions = { batch: 8, count: request.judgedOn, input: recipe.input ?? { inputs: {} } }
  const trial = await openTrial(float, calibration, trialOptions, ctx)
  const compared = { float, quantized: variant.model, plan: variant.plan! }
  const layers = await sharesOf(compared, trial, ctx)
  const blamed = await blame(compared, layers, trial, calibration, ctx)

  const target = findTarget(variant.target)
  const whole = await openTrial(float, calibration, trialOptions, previewing(target, ctx))
  const errors = await whole.each(variant.model)
  const { tried, untried } = await tryAll(
    remediesFor(blamed, quantize, target),
    { before, quantize, whole, variant },
    request,
    ctx,
  )
  return {
    target: variant.target,
    form: variant.form,
    samples: trial.batches.reduce((n, b) => n + b.count, 0),
    before: await measured(variant, whole, ctx),
    layers,
    blamed,
    remedies: tried,
    untried,
    worst: errors.reduce<Diagnosis['worst']>((worst, e) => (worst && worst.sqnrDb <= e.sqnrDb ? worst : e), null),
    data: calibration.suspicious.filter(s => s.sample === 'all samples').map(s => s.what),
  }
}

/** A variant on the samples of a trial, run from `start` on where it is given, and what its files take. */
export async function measured(
  variant: Variant,
  trial: Trial,
  ctx: Context,
  start: Start | null = null,
): Promise<Measured> {
  const { model } = variant
  const run = start ? cutGraph(infer(model), start.values, model.graph.outputs) : model
  const { sqnrDb, loss } = await trial.compare(run, start?.feeds)
  const written = fromPixels(variant.model, variant.raw)
  return { sqnrDb, loss, bytes: await bytesOf(written, findTarget(variant.target), variant.form, { ctx }) }
}

async function tryAll(
  remedies: readonly Remedy[],
  given: { before: State; quantize: QuantizeOptions; whole: Trial; variant: Variant },
  request: DiagnoseRequest,
  ctx: Context,
): Promise<{ tried: TriedRemedy[]; untried: number }> {
  const { before, quantize, whole, variant } = given
  const until = ctx.clock() + 1000 * request.seconds
  const wanted = wantedOf(request.recipe).filter(
    w => w.target.id === variant.target && w.form === variant.asked && w.io === variant.io,
  )
  const env: StepEnv = {
    ctx,
    calibration: request.calibration,
    evaluation: request.evaluation,
    samples: request.samples,
    input: request.recipe.input ?? { inputs: {} },
    wanted: wanted.slice(0, 1),
    memo: keeping(),
  }
  // With histograms, which any range can be found in.
  const look = gatherOnce(null, o => ({ ...o, range: 'mse' }))
  const starts = startsIn(variant.model, whole)
  const tried: TriedRemedy[] = []
  for (const [done, remedy] of remedies.entries()) {
    ctx.signal.throwIfAborted()
    if (done > 0 && ctx.clock() > until) break
    ctx.progress({
      stage: 'diagnose',
      done,
      total: remedies.length,
      note: `${remedy.to} ${remedy.nodes.join(' ')}`.trim(),
    })
    const made = await quantizeWith(before, { ...quantize, ...remedy.quantize }, env, look)
    const [changed] = made.variants
    tried.push({ ...remedy, ...(await measured(changed, whole, ctx, await starts.of(changed.model))) })
  }
  tried.sort((a, b) => b.sqnrDb - a.sqnrDb)
  return { tried, untried: remedies.length - tried.length }
}

/** What is computed for one remedy serves the next. */
function keeping(): Memo {
  const kept = new Map<string, Promise<never>>()
  return (key, compute) => {
    const hash = hashJson(key)
    if (!kept.has(hash)) kept.set(hash, compute() as Promise<never>)
    return kept.get(hash)!
  }
}
