// The main job: a model and a recipe in, a report and bundles out. Browser and command line call this and nothing else.

import { StudioError } from '../base/errors.ts'
import { hashJson } from '../base/hash.ts'
import { defaultsOf } from '../base/options.ts'
import type { InputSpec } from '../data/input-spec.ts'
import type { Imported } from '../importers/types.ts'
import type { Context, Dataset } from '../ir/context.ts'
import type { Model } from '../ir/model.ts'
import { infer } from '../ops/infer.ts'
import { play, type StageStore } from '../recipe/play.ts'
import { floatVariants, initialState, type State, type Teacher, type Variant, type Wanted } from '../recipe/state.ts'
import { exportStep } from '../recipe/steps/export.ts'
import type { Recipe, Step } from '../recipe/types.ts'
import { checkWeights, zeroChannels } from '../stages/inspect/weights.ts'
import { findTarget } from '../targets/index.ts'
import { type Bundle, writeBundle } from './bundle.ts'
import type { Costs } from './costs.ts'
import type { BundleReport, Report } from './report.ts'
import { costsAfter, costsBefore, sideAfter, sideBefore } from './sides.ts'
import { honestWords, zeroChannelWords } from './words.ts'

export interface CompressRequest {
  imported: Imported
  /** Hash of the model's files, for resuming. */
  modelHash: string
  calibration: Dataset | null
  evaluation: Dataset | null
  /** Samples to train on, where they are not those to calibrate by. */
  training?: Dataset | null
  /** Who the step `distil` learns from, where that is not the model itself. */
  teacher?: Teacher | null
  recipe: Recipe // checked, with its input spec filled in
  samples: number
  device: Report['device']
  notes: readonly string[] // what was proposed or assumed on the way here
  importMs: number
  store: StageStore | null
  onStep?: (index: number, step: Step, from: 'run' | 'store') => void
}

export interface Compressed {
  report: Report
  bundles: Bundle[]
  /** To be shown: the model after the optimising steps, and the first bundle's. */
  models: { optimized: Model; quantized: Model | null }
  /** What each bundle was written from. */
  variants: readonly Variant[]
  /** From node to node, on the samples' shapes: of the model as imported, and of each bundle's. */
  costs: { before: Costs; after: readonly Costs[] }
}

/** The step that asks for a target's bundle, every option at its default. */
export const exportTo = (target: string): Step => ({ do: 'export', ...defaultsOf(exportStep.options), target })

/** The recipe with an export for every target that is asked for and not in it. */
export function withTargets(recipe: Recipe, targets: readonly string[]): Recipe {
  const has = (id: string): boolean => recipe.steps.some(s => s.do === 'export' && s.target === id)
  const added = [...new Set(targets)].filter(id => !has(id)).map(exportTo)
  return { ...recipe, steps: [...recipe.steps, ...added] }
}

export function wantedOf(recipe: Recipe): Wanted[] {
  return recipe.steps
    .filter(s => s.do === 'export')
    .map(s => {
      const target = findTarget(String(s.target))
      const form = (s.form as string | null) ?? null
      const named = target.forms.find(known => known.id === form)
      if (form !== null && !named)
        throw new StudioError('bad-recipe', `The target ${target.id} has no form ${form}`, {
          where: { step: 'export' },
          hint: `Its forms: ${target.forms.map(known => known.id).join(', ')}.`,
        })
      if (named && named.holds !== 'float' && !recipe.steps.some(step => ['quantize', 'search'].includes(step.do)))
        throw new StudioError('bad-recipe', `The form ${form} needs a step that quantises`, {
          where: { step: 'export' },
          hint: 'Put { "do": "quantize" } before the export, or leave the form out.',
        })
      if (s.io === 'integer' && !target.integerEdges)
        throw new StudioError('bad-recipe', `The target ${target.id} has no integer inputs and outputs`, {
          where: { step: 'export' },
          hint: 'Leave "io" at "float".',
        })
      if (s.scramble && target.exporter !== 'c')
        throw new StudioError('bad-recipe', `The target ${target.id} has no way to scramble weights`, {
          where: { step: 'export' },
          hint: 'Leave "scramble" out, or export for c.',
        })
      return { target, form, io: s.io === 'integer' ? ('integer' as const) : ('float' as const) }
    })
}

export async function compress(request: CompressRequest, ctx: Context): Promise<Compressed> {
  const { imported, recipe } = request
  const start = ctx.clock()
  await refuseBrokenWeights(imported, ctx)
  const wanted = wantedOf(recipe)
  const played = await play(
    {
      recipe,
      state: initialState(infer(imported.model)),
      inputHash: inputHashOf(request),
      calibration: request.calibration,
      evaluation: request.evaluation,
      training: request.training ?? null,
      teacher: request.teacher ?? null,
      samples: request.samples,
      wanted,
      store: request.store,
      onStep: request.onStep,
    },
    ctx,
  )
  const state = played.variants.length > 0 ? played : { ...played, variants: floatVariants(played.model, wanted) }
  const exportStart = ctx.clock()
  const bundles: Bundle[] = []
  for (const variant of state.variants) {
    ctx.signal.throwIfAborted()
    ctx.progress({ stage: 'export', done: bundles.length, total: state.variants.length })
    bundles.push(await writeBundle(variant, state, imported, recipe, request.calibration, ctx))
  }
  const exportMs = ctx.clock() - exportStart
  const report = await makeReport(request, state, bundles, ctx, {
    exportMs,
    totalMs: ctx.clock() - start + request.importMs,
  })
  const models = { optimized: state.model, quantized: state.variants[0]?.model ?? null }
  const costs = { before: costsBefore(state), after: state.variants.map(v => costsAfter(v, state)) }
  return { report, bundles, models, variants: state.variants, costs }
}

/** Of all that the first step of a recipe depends on. */
export const inputHashOf = (
  r: Pick<CompressRequest, 'modelHash' | 'calibration' | 'evaluation' | 'training' | 'teacher'>,
): string =>
  hashJson([
    r.modelHash,
    r.calibration?.hash ?? null,
    r.evaluation?.hash ?? null,
    ...(r.training ? [r.training.hash] : []),
    ...(r.teacher ? [{ teacher: r.teacher.hash }] : []),
  ])

async function refuseBrokenWeights(imported: Imported, ctx: Context): Promise<void> {
  const broken = await checkWeights(imported.model, ctx.bytes)
  if (broken.length === 0) return
  const first = broken[0]
  throw new StudioError(
    'bad-weights',
    `The weights ${first.value} hold ${first.nan} NaN and ${first.inf} infinite values${broken.length > 1 ? `, and so do ${broken.length - 1} others` : ''}`,
    {
      where: { file: imported.name, value: first.value, ...(first.node ? { node: first.node } : {}) },
      hint: 'The model cannot compute anything sensible; export it again from a checkpoint from before training diverged.',
    },
  )
}

async function makeReport(
  request: CompressRequest,
  state: State,
  bundles: readonly Bundle[],
  ctx: Context,
  timing: { exportMs: number; totalMs: number },
): Promise<Report> {
  const { imported } = request
  const before = sideBefore(state, imported.bytes)
  const written: BundleReport[] = bundles.map((bundle, i) => bundleReport(bundle, state.variants[i], state))
  const first = written[0] ?? null
  const datasets = [request.calibration, request.evaluation, request.training ?? null].filter(d => d !== null)
  return {
    thimble: 1,
    seed: request.recipe.seed,
    device: request.device,
    model: {
      name: imported.name,
      format: imported.format,
      bytes: imported.bytes,
      parameters: before.parameters,
      macs: before.macs,
      nodes: imported.model.graph.nodes.length,
    },
    before,
    after: first?.after ?? null,
    agreement: first?.agreement ?? null,
    layers: first?.layers ?? [],
    floatLeft: [...(state.variants[0]?.floatLeft ?? [])],
    data: {
      samples: state.observed?.samples ?? 0,
      skipped: datasets.flatMap(d => [...d.skipped]),
      suspicious: datasets.flatMap(d => [...d.suspicious]),
    },
    timing: {
      importMs: request.importMs,
      optimizeMs: 0,
      inferenceMs: 0,
      calibrateMs: 0,
      quantizeMs: 0,
      evaluateMs: 0,
      ...state.timing,
      ...timing,
    },
    memory: { peakBytes: ctx.runner.peakBytes() },
    estimated: state.estimated,
    notes: [
      ...request.notes,
      ...imported.notes,
      ...zeroChannelWords(await zeroChannels(imported.model, ctx.bytes)),
      ...state.notes,
      ...bundles.flatMap(({ dir, manifest }) => manifest.notes.map(note => `${dir}: ${note}`)),
      ...honestWords(before, first?.after ?? null, state.variants[0]?.plan !== null),
    ],
    optimized: state.optimized,
    pruned: state.pruned,
    factorized: state.factorized,
    trained: [...state.trained],
    steps: [...state.steps],
    bundles: written,
  }
}

function bundleReport(bundle: Bundle, variant: Variant, state: State): BundleReport {
  return {
    target: variant.target,
    form: variant.asked,
    dir: bundle.dir,
    after: sideAfter(variant, state, bundle.modelBytes),
    agreement: variant.agreement,
    layers: variant.layers,
    operators: { lowBit: variant.plan?.integer.size ?? 0, float: variant.floatLeft.length },
    floatLeft: [...variant.floatLeft],
    files: bundle.files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
  }
}

/** The input spec that a recipe runs with: its own, overridden by the one that was given beside it. */
export function mergedInput(recipe: Recipe, given: InputSpec | null, proposed: InputSpec): InputSpec {
  return given ?? recipe.input ?? proposed
}
