// Budgets that are found by trying: the smallest size at which no more answers change than may, and the largest at which a run here takes
// no longer than it may. What was found is written down as a size, so that it is replayed without a clock and without trying.

import { StudioError } from '../../base/errors.ts'
import { hashJson } from '../../base/hash.ts'
import type { Memo } from '../../ir/context.ts'
import type { Model } from '../../ir/model.ts'
import { latencies } from '../../stages/evaluate/latency.ts'
import { taskFor } from '../../tasks/index.ts'
import { keptApart, type State, type StepEnv } from '../state.ts'
import { type Budget, isSize, type SizeBudget, sizeOf, wordsFor } from './budget.ts'
import { openTrial, samplesBetween } from './trial.ts'

interface Reducing {
  budget: Budget
  reconstruct: boolean
  batch: number
}
type Run<O extends Reducing> = (state: State, o: O & { budget: SizeBudget }, env: StepEnv) => Promise<State>

/** How a candidate is made and judged. */
interface Trying<O extends Reducing> {
  env: StepEnv
  options: O
  /** What must not be more than `limit`. */
  measure(candidate: Model): Promise<number>
  limit: number
  /** Whether it falls with the size, so that the smallest that will do is wanted; else the largest. */
  falls: boolean
  words(figure: number): string
  /** The limit in words. */
  asked: string
}

// Each halves the sizes that are left, from all down to `least` of what there is.
const halvings = 6
// Of fewer samples all are for both, fitting and judging.
const fewest = 8
const least = 0.05

export async function within<O extends Reducing>(
  id: string,
  state: State,
  o: O,
  env: StepEnv,
  run: Run<O>,
): Promise<State> {
  const { budget } = o
  if (isSize(budget)) return run(state, { ...o, budget }, env)
  const of = budget.of === 'latency' ? 'macs' : budget.of
  const now = await sizeOf(state.model, of, env)
  const trying = budget.loss === undefined ? await byTime(state, o, env) : await byLoss(state, budget.loss, o, env)
  const { options, measure, limit, falls, words, asked } = trying
  let [low, high] = [least, 1]
  let found: { amount: number; figure: number } | null = null
  for (let i = 0; i < halvings; i++) {
    const share = (low + high) / 2
    const amount = Math.round(share * now)
    const candidate = await reachable(() => run(state, { ...options, budget: { of, amount, about: true } }, trying.env))
    const figure = candidate && (await measure(candidate.model))
    env.ctx.progress({ stage: id, done: i + 1, total: halvings, note: figure === null ? undefined : words(figure) })
    const kept = figure !== null && figure <= limit
    if (kept) found = { amount, figure }
    // What cannot be reached cannot be gone below either.
    if (figure !== null && kept === falls) high = share
    else low = share
  }
  if (!found) {
    if (falls)
      return {
        ...state,
        notes: [...state.notes, `The step ${id} took nothing away: more than ${asked} at every size that was tried.`],
      }
    throw new StudioError('bad-recipe', `The step ${id} does not get down to ${asked}`, {
      where: { step: id },
      hint: 'Ask for more, or for a size instead: multiply-accumulates are not all that takes time.',
    })
  }
  const { amount, figure } = found
  const resolved: O & { budget: SizeBudget } = { ...o, budget: { of, amount, about: true } }
  const after = await run(state, resolved, env)
  return {
    ...after,
    notes: [
      ...after.notes,
      `The step ${id} left ${wordsFor({ of })(amount)}, found by trying: ${words(figure)}, where ${asked} were asked for.`,
    ],
    steps: [...state.steps, { ...(resolved as object), do: id }],
  }
}

/** Null where the size cannot be had. */
async function reachable(make: () => Promise<State>): Promise<State | null> {
  try {
    return await make()
  } catch (error) {
    if (error instanceof StudioError && error.code === 'bad-recipe') return null
    throw error
  }
}

/**
 * Candidates are made from half of the samples, and judged on the others by how many answers change. Of few samples none may change
 * although many others would: the share is reckoned with one more that changed and one more that did not (Laplace's rule of succession).
 */
async function byLoss<O extends Reducing>(state: State, limit: number, o: O, env: StepEnv): Promise<Trying<O>> {
  const count = Math.min(env.samples, env.calibration!.size)
  const apart = count < fewest ? 0 : count >> 1
  const fit = count - apart
  const kept = keptApart(env, 'within', fit)
  const inner: StepEnv = {
    ...env,
    ...kept,
    calibration: samplesBetween(env.calibration!, 0, fit),
    samples: fit,
    memo: remembering(kept.memo),
  }
  const held = samplesBetween(env.calibration!, apart === 0 ? 0 : fit, fit + apart)
  const trial = await openTrial(state.model, held, { batch: o.batch, count: held.size, input: env.input }, env.ctx)
  const answers = taskFor(env.input, state.model) !== null
  return {
    env: inner,
    options: o,
    measure: async model => {
      const { loss } = await trial.compare(model)
      return answers ? ((loss * held.size) / 100 + 1) * (100 / (held.size + 2)) : loss
    },
    limit,
    falls: true,
    asked: `${limit} % of the answers`,
    words: figure => `${figure.toFixed(2)} % of the answers may change, judged by ${held.size} samples`,
  }
}

/** Weights take the same time whatever they are: candidates are timed as they are cut. */
async function byTime<O extends Reducing>(state: State, o: O, env: StepEnv): Promise<Trying<O>> {
  const { ctx, calibration, budget } = { ...env, budget: o.budget }
  const trial = await openTrial(state.model, calibration!, { batch: 1, count: 1, input: env.input }, ctx)
  const { feeds } = trial.batches[0]
  // Interleaved with the original each time, so that a drift of the machine's speed hits both.
  const times = async (model: Model): Promise<{ before: number; after: number }> => {
    const [before, after] = await latencies([state.original, model], feeds, { runs: 60, budgetMs: 3000 }, ctx)
    return { before: before.median, after: after.median }
  }
  const first = budget.amount === undefined ? 0 : (await times(state.model)).before
  const words = (figure: number): string =>
    budget.amount === undefined ? `${(100 * figure).toFixed(1)} % of the latency` : `${figure.toFixed(2)} ms a run`
  const limit = budget.amount ?? budget.share!
  return {
    env: { ...env, memo: remembering(env.memo) },
    options: { ...o, reconstruct: false },
    measure: async model => {
      const { before, after } = await times(model)
      return budget.amount === undefined ? after / before : (after / before) * first
    },
    limit,
    falls: false,
    asked: words(limit),
    words,
  }
}

/** Keeps what candidates have in common while they are tried, where the host keeps nothing. */
function remembering(memo: Memo): Memo {
  const kept = new Map<string, Promise<unknown>>()
  return (key, compute) => {
    const name = hashJson(key as never)
    const known = kept.get(name) ?? memo(key, compute)
    kept.set(name, known)
    return known as never
  }
}
