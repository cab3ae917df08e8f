// What the steps that train have in common: where they stand in a recipe, and what they leave.
import { StudioError } from '../../base/errors.ts'
import { edit } from '../../ir/edit.ts'
import type { Model } from '../../ir/model.ts'
import { floats, tensorOf } from '../../ir/tensor.ts'
import type { Trained } from '../../jobs/report.ts'
import { learningOf, type Progressed } from '../../stages/train/loop.ts'
import type { Parameter } from '../../stages/train/trainee.ts'
import type { Slot, State, StepEnv } from '../state.ts'
import { shortage } from './lessons.ts'
import type { TrainingOptions } from './training-options.ts'

type Work<O> = (state: State, options: O, env: StepEnv) => Promise<State>
type Check<O> = (state: State, options: O, env: StepEnv) => Promise<unknown>

/**
 * How a step that trains is foreseen and run. What `check` throws stops the job before anything runs; where the recipe calls the step
 * optional it is left out instead, and a note says why, as for samples that are too few.
 */
export const trainingBy = <O extends TrainingOptions>(id: string, check: Check<O>, run: Work<O>) => ({
  foresee: async (state: State, o: O, env: StepEnv): Promise<void> => {
    if (!o.optional) await check(state, o, env)
  },
  run: async (state: State, o: O, env: StepEnv): Promise<State> => {
    const why = o.optional ? (shortage(id, env) ?? (await refusal(() => check(state, o, env)))) : null
    if (why === null) return run(state, o, env)
    return { ...state, notes: [...state.notes, `The step ${id} was left out: ${why.message}`] }
  },
})

/** Why the model cannot be trained; mistakes of a recipe, and teachers who do not fit, stay mistakes. */
async function refusal(check: () => Promise<unknown>): Promise<StudioError | null> {
  try {
    await check()
    return null
  } catch (thrown) {
    if (thrown instanceof StudioError && thrown.code === 'unsupported') return thrown
    throw thrown
  }
}

/** Where a step keeps what it has reached; nowhere without a store. */
export const slotFor = (env: StepEnv, key: unknown): Slot =>
  env.slot?.(key) ?? { load: async () => null, save: async () => {} }

/** The model with its constants at what they were trained to. */
export function withParameters(model: Model, parameters: readonly Parameter[]): Model {
  const graph = edit(model.graph, editor => {
    for (const { name, values } of parameters) {
      const value = editor.value(name)
      if (value?.data) editor.setValue({ ...value, data: tensorOf(floats(value.data.shape, values.slice())) })
    }
  })
  return { ...model, graph }
}

/** The step as it is written down: what the clock decided is named by steps, so that it replays without one. */
export const resolved = (step: string, o: TrainingOptions, reached: Progressed) => ({
  do: step,
  ...o,
  steps: reached.total ?? reached.step,
  hold: reached.hold,
  until: reached.ended === 'time' ? reached.step : o.until,
})

/** As the report has it. */
export const trainedBy = (step: string, samples: number, reached: Progressed): Trained => ({
  by: step,
  samples,
  taken: reached.step,
  best: { step: reached.best.step, loss: reached.best.loss },
  ...learningOf(reached),
})
