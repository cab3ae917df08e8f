// Step `distil`: the model as it stands learns to answer as the imported one does, without labels (Hinton et al., "Distilling the
// Knowledge in a Neural Network", 2015). It is for what pruning or another rewriting cost.
import { number, type OptionValues } from '../../base/options.ts'
import { infer } from '../../ops/infer.ts'
import { upgradeOpset } from '../../stages/passes/upgrade-opset.ts'
import { train } from '../../stages/train/loop.ts'
import { floatTrainee, partOf } from '../../stages/train/trainee.ts'
import { type State, type StepEnv, step } from '../state.ts'
import { materialFor, openLessons } from './lessons.ts'
import { likenessOf } from './likeness.ts'
import { besideEachOther } from './teacher.ts'
import { resolved, slotFor, trainedBy, trainingBy, withParameters } from './trained.ts'
import { loopOptions, normalization, trainingOptions, views } from './training-options.ts'

const options = {
  ...trainingOptions(0.002),
  normalization,
  views,
  temperature: number('Temperature', { default: 2, min: 0.1, max: 20, step: 0.1 }),
  outputs: number('Weight of the squared error of outputs', { default: 20, min: 0, max: 1000, step: 0.01 }),
  features: number('Weight of features', { default: 1, min: 0, max: 1000, step: 0.01 }),
}
export type DistilOptions = OptionValues<typeof options>

export const distil = step({
  id: 'distil',
  label: 'Distil from the original',
  stands: 'before',
  options,
  needs: () => ['training'],
  ...trainingBy('distil', pairOf, async (state: State, o: DistilOptions, env: StepEnv): Promise<State> => {
    const { ctx } = env
    const { student, teacher, other, names, like, part } = await pairOf(state, o, env)
    const trainee = await floatTrainee(student.graph, part, o.normalization, ctx.bytes)
    const material = await materialFor('distil', false, env)
    const given = { part, student, teacher, wanted: like.taught, fedAs: names, views: o.views }
    const { lessons, close } = await openLessons(given, like.terms, material, o, null, ctx)
    try {
      const reached = await train(trainee, lessons, loopOptions(o), slotFor(env, ['distil', o]), 'distil', ctx)
      if (reached.step === 0)
        return {
          ...state,
          notes: [...state.notes, 'The step distil had nothing to learn: the model answers as its teacher does.'],
        }
      return {
        ...state,
        model: infer(withParameters(student, trainee.parameters)),
        trained: [...state.trained, trainedBy('distil', material.samples.length, reached)],
        notes: [...state.notes, ...material.notes, ...(other ? [`The step distil learned from ${other.name}.`] : [])],
        steps: [...state.steps, resolved('distil', o, reached)],
      }
    } finally {
      await close()
    }
  }),
})

/** The model as it stands, who it learns from, and by what it is held to that. */
async function pairOf(state: State, o: DistilOptions, env: StepEnv) {
  const student = infer(upgradeOpset(infer(state.model), 13))
  const other = env.teacher ? { ...env.teacher, model: infer(env.teacher.model) } : null
  const teacher = other?.model ?? infer(state.original)
  const names = other && besideEachOther(student.graph, other)
  const like = likenessOf(student, teacher, names, env.input, o)
  const part = await partOf(student.graph, like.values, env.ctx.bytes)
  return { student, teacher, other, names, like, part }
}
