// Why did accuracy fall? The layers that the error comes from, what makes it, the sample that shows it, and what was measured to help.
import { StudioError } from '../base/errors.ts'
import { hashJson } from '../base/hash.ts'
import type { Context, Memo } from '../ir/context.ts'
import { infer } from '../ops/infer.ts'
import { type PlayRequest, play, type StageStore } from '../recipe/play.ts'
import { initialState, type State, type StepEnv, type Variant } from '../recipe/state.ts'
import { gatherOnce } from '../recipe/steps/observed.ts'
import { previewing } from '../recipe/steps/preview.ts'
import { quantizeWith } from '../recipe/steps/quantize.ts'
import type { QuantizeOptions } from '../recipe/steps/quantize-options.ts'
import { baseOf, type SearchOptions } from '../recipe/steps/search-options.ts'
import { bytesOf } from '../recipe/steps/search-within.ts'
import { openTrial, type Trial } from '../recipe/steps/trial.ts'
import type { Step } from '../recipe/types.ts'
import { fromPixels } from '../stages/quantize/raw-input.ts'
import { findTarget } from '../targets/index.ts'
import { type Blamed, blame, type LayerShare, sharesOf } from './blame.ts'
import { type CompressRequest, inputHashOf, wantedOf } from './compress.ts'
import { type Remedy, remediesFor } from './remedies.ts'

export interface DiagnoseRequest
  extends Pick<
    CompressRequest,
    'imported' | 'modelHash' | 'calibration' | 'evaluation' | 'recipe' | 'samples' | 'store'
  > {
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
  const at = recipe.steps.findLastIndex(s => s.do === 'quantize' || s.do === 'search')
  const run = playing(request, ctx)
  const before = await run(recipe.steps.slice(0, Math.max(0, at)))
  const after = await run(recipe.steps.slice(0, at + 1))
  const variant = after.variants.find(v => v.plan !== null)
  if (at < 0 || !variant)
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
  const quantize = optionsOf(after.steps.at(-1)!, before.steps)
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

/** Plays the first steps of the recipe, from the store where a run has kept them. */
export function playing(
  request: Omit<DiagnoseRequest, 'judgedOn' | 'seconds'>,
  ctx: Context,
): (steps: readonly Step[]) => Promise<State> {
  const { imported, calibration, evaluation, recipe, samples } = request
  // What comes before the step is played once for both.
  const store = request.store ?? inMemory()
  const common: Omit<PlayRequest, 'recipe'> = {
    state: initialState(infer(imported.model)),
    inputHash: inputHashOf(request),
    calibration,
    evaluation,
    samples,
    wanted: wantedOf(recipe),
    store,
  }
  return steps => play({ ...common, recipe: { ...recipe, steps: [...steps] } }, ctx)
}

function inMemory(): StageStore {
  const kept = new Map<string, Uint8Array>()
  return {
    program: '',
    get: async key => kept.get(key) ?? null,
    put: async (key, bytes) => {
      kept.set(key, bytes)
    },
  }
}

/** What the step came to, with the decision of a search written out. */
function optionsOf({ do: id, ...options }: Step, earlier: State['steps']): QuantizeOptions {
  if (id === 'quantize') return options as unknown as QuantizeOptions
  const search = options as unknown as SearchOptions
  return { ...baseOf(search, earlier), ...search.found!.quantize }
}

async function measured(variant: Variant, trial: Trial, ctx: Context): Promise<Measured> {
  const { sqnrDb, loss } = await trial.compare(variant.model)
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
    tried.push({ ...remedy, ...(await measured(made.variants[0], whole, ctx)) })
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
