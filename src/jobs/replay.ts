// A recipe up to the step that quantises, from the store where a run has kept it: the state before that step and after it, and what the
// step was lent, so that it can be tried with other options.
import type { Context } from '../ir/context.ts'
import { infer } from '../ops/infer.ts'
import { envAfter, type PlayRequest, play, type StageStore } from '../recipe/play.ts'
import { initialState, type State, type StepEnv } from '../recipe/state.ts'
import { findStep } from '../recipe/steps/index.ts'
import type { QuantizeOptions } from '../recipe/steps/quantize-options.ts'
import { baseOf, type SearchOptions } from '../recipe/steps/search-options.ts'
import type { Recipe, Step } from '../recipe/types.ts'
import { type CompressRequest, inputHashOf, wantedOf } from './compress.ts'

export type ReplayRequest = Pick<
  CompressRequest,
  'imported' | 'modelHash' | 'calibration' | 'evaluation' | 'recipe' | 'samples' | 'store'
>

export interface Replayed {
  before: State
  after: State
  /** The step's options, with the decision of a search written out; null where no step quantises. */
  quantize: QuantizeOptions | null
  /** What it keeps, a run with other options of the step finds. */
  env: StepEnv
}

/** Index of the last step that quantises, or -1. */
export const quantizing = ({ steps }: Recipe): number => steps.findLastIndex(s => findStep(s.do)?.rounds)

/** The first steps of a recipe, to be played from the store where a run has kept them. */
export function firstSteps(request: ReplayRequest, count: number): PlayRequest {
  const { imported, calibration, evaluation, recipe, samples, store } = request
  return {
    recipe: { ...recipe, steps: recipe.steps.slice(0, count) },
    state: initialState(infer(imported.model)),
    inputHash: inputHashOf(request),
    calibration,
    evaluation,
    samples,
    wanted: wantedOf(recipe),
    store,
  }
}

/** What is not in the store is played. */
export async function replayed(request: ReplayRequest, ctx: Context): Promise<Replayed> {
  const at = quantizing(request.recipe)
  // What comes before the step is played once for both.
  const kept = { ...request, store: request.store ?? inMemory() }
  const first = firstSteps(kept, Math.max(0, at))
  const before = await play(first, ctx)
  const after = await play(firstSteps(kept, at + 1), ctx)
  const step = at < 0 ? undefined : after.steps.at(-1)
  return { before, after, quantize: step ? optionsOf(step, before.steps) : null, env: envAfter(first, ctx) }
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

/** What a step came to, with the decision of a search written out. */
function optionsOf({ do: id, ...options }: Step, earlier: State['steps']): QuantizeOptions {
  if (id === 'quantize') return options as unknown as QuantizeOptions
  const search = options as unknown as SearchOptions
  return { ...baseOf(search, earlier), ...search.found!.quantize }
}
