// Plays a recipe: step after step, each result kept under a key of everything that it depends on, so that a job that was cut off
// goes on from the last step that was finished.

import { StudioError } from '../base/errors.ts'
import { hashJson } from '../base/hash.ts'
import { pack, unpack } from '../base/pack.ts'
import type { Context, Dataset, Memo } from '../ir/context.ts'
import type { Slot, State, StepDef, StepEnv, Teacher, Wanted } from './state.ts'
import { findStep } from './steps/index.ts'
import type { Recipe, Step } from './types.ts'
import { checkOrder } from './validate.ts'

/** Where a host keeps results of stages between sessions. Keys are hex hashes. */
export interface StageStore {
  /** Which build computes: what another one kept is computed anew. */
  readonly program: string
  get(key: string): Promise<Uint8Array | null>
  put(key: string, bytes: Uint8Array): Promise<void>
}

export interface PlayRequest {
  recipe: Recipe // checked, every default filled in
  state: State
  /** Hash of model and data: what the first step depends on. */
  inputHash: string
  calibration: Dataset | null
  evaluation: Dataset | null
  training?: Dataset | null
  teacher?: Teacher | null
  samples: number
  wanted: readonly Wanted[]
  store: StageStore | null
  onStep?: (index: number, step: Step, from: 'run' | 'store') => void
}

export async function play(request: PlayRequest, ctx: Context): Promise<State> {
  const { recipe, store } = request
  checkOrder(recipe.steps)
  checkNeeds(request)
  const { before, keys } = keysOf(request, ctx)

  let state = request.state
  let next = 0
  for (let i = keys.length - 1; store && i >= 0; i--) {
    const kept = await store.get(keys[i])
    if (!kept) continue
    state = unpack(kept) as State
    next = i + 1
    for (let j = 0; j <= i; j++) request.onStep?.(j, recipe.steps[j], 'store')
    break
  }
  let foreseen = false
  for (; next < keys.length; next++) {
    ctx.signal.throwIfAborted()
    const step = recipe.steps[next]
    const def = findStep(step.do)!
    if (!foreseen && !def.clears) {
      await foresee(recipe.steps.slice(next), state, envOf(request, before[next], ctx))
      foreseen = true
    }
    request.onStep?.(next, step, 'run')
    const env = envOf(request, before[next], ctx)
    const { do: _, ...options } = step
    const began = ctx.clock()
    const after = timed(step.do, state, await def.run(state, options as never, env), ctx.clock() - began)
    // A step that decided something by the clock has written itself down, decision and all.
    state = after.steps.length > state.steps.length ? after : { ...after, steps: [...state.steps, step] }
    await store?.put(keys[next], pack(state))
  }
  return state
}

async function foresee(steps: readonly Step[], state: State, env: StepEnv): Promise<void> {
  for (const { do: id, ...options } of steps) await findStep(id)!.foresee?.(state, options as never, env)
}

/** A step that told nothing of its time took what the clock says. */
function timed(id: string, before: State, after: State, ms: number): State {
  if (after.timing !== before.timing) return after
  const key = `${id}Ms` as const
  return { ...after, timing: { ...after.timing, [key]: (after.timing[key] ?? 0) + ms } }
}

/** What the state before each step is kept under, and the state after it. */
function keysOf(request: PlayRequest, ctx: Context): { before: string[]; keys: string[] } {
  const { recipe, store } = request
  const wanted = request.wanted.map(w => [w.target.id, w.form, w.io])
  const base = hashJson([
    request.inputHash,
    recipe.seed,
    recipe.input ?? null,
    request.samples,
    wanted,
    ctx.kernels.backend,
    store?.program ?? null,
  ])
  const keys: string[] = []
  for (const step of recipe.steps) keys.push(hashJson([keys.at(-1) ?? base, step]))
  return { before: [base, ...keys], keys }
}

/** What a step is lent that starts from the state kept under `stateKey`. */
const envOf = (request: PlayRequest, stateKey: string, ctx: Context): StepEnv => ({
  ctx,
  calibration: request.calibration,
  evaluation: request.evaluation,
  training: request.training ?? null,
  teacher: request.teacher ?? null,
  samples: request.samples,
  input: request.recipe.input ?? { inputs: {} },
  wanted: request.wanted,
  // What goes into the step, not its options: a result may outlive a change of options that it does not depend on.
  memo: memoIn(request.store, stateKey),
  slot: key => slotIn(request.store, hashJson(['slot', stateKey, key])),
})

/** What a step behind the last one of the recipe is lent: what it keeps, a run with that step finds. */
export const envAfter = (request: PlayRequest, ctx: Context): StepEnv =>
  envOf(request, keysOf(request, ctx).before.at(-1)!, ctx)

/** Keeps what is computed under a key, which belongs to a state. */
function memoIn(store: StageStore | null, stateKey: string): Memo {
  return async (key, compute) => {
    if (!store) return compute()
    const full = hashJson([stateKey, key])
    const kept = await store.get(full)
    if (kept) return unpack(kept) as never
    const made = await compute()
    await store.put(full, pack(made))
    return made
  }
}

function slotIn(store: StageStore | null, key: string): Slot {
  return {
    async load<T>(): Promise<T | null> {
      const kept = await store?.get(key)
      return kept ? (unpack(kept) as T) : null
    },
    save: async reached => store?.put(key, pack(reached as never)),
  }
}

const sampleNames = { calibration: 'calibration samples', evaluation: 'labelled samples', training: 'training samples' }

function checkNeeds({ recipe, calibration, evaluation, training }: PlayRequest): void {
  const lacks = (def: StepDef, what: keyof typeof sampleNames, option: string): never => {
    throw new StudioError('bad-recipe', `The step ${def.id} needs ${sampleNames[what]}`, {
      where: { step: def.id },
      hint: `Give them with ${option}, or take the step out of the recipe; the presets balanced and float16 need none.`,
    })
  }
  for (const step of recipe.steps) {
    const def = findStep(step.do)!
    const { do: _, ...options } = step
    const needs = def.needs(options as never)
    if (needs.includes('calibration') && !calibration) lacks(def, 'calibration', '--data')
    if (needs.includes('evaluation') && !evaluation) lacks(def, 'evaluation', '--eval')
    if (needs.includes('training') && !training && !calibration) lacks(def, 'training', '--train or --data')
  }
}
