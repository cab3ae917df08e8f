// Step `finetune`: the model as it stands learns the classes of labelled samples, by cross entropy.
import { StudioError } from '../../base/errors.ts'
import { number, type OptionValues } from '../../base/options.ts'
import type { Model, ValueName } from '../../ir/model.ts'
import { infer } from '../../ops/infer.ts'
import { upgradeOpset } from '../../stages/passes/upgrade-opset.ts'
import { train } from '../../stages/train/loop.ts'
import { floatTrainee, partOf } from '../../stages/train/trainee.ts'
import { taskFor } from '../../tasks/index.ts'
import { type State, type StepEnv, step } from '../state.ts'
import { type Material, materialFor, openLessons } from './lessons.ts'
import { beforeSoftmax } from './likeness.ts'
import { resolved, slotFor, trainedBy, trainingBy, withParameters } from './trained.ts'
import { loopOptions, normalization, trainingOptions } from './training-options.ts'

const options = {
  ...trainingOptions(0.002),
  normalization,
  smoothing: number('Label smoothing', { default: 0, min: 0, max: 0.5, step: 0.01 }),
}
export type FinetuneOptions = OptionValues<typeof options>

export const finetune = step({
  id: 'finetune',
  label: 'Fine-tune with labels',
  stands: 'before',
  options,
  needs: () => ['training'],
  ...trainingBy('finetune', studentOf, async (state: State, o: FinetuneOptions, env: StepEnv): Promise<State> => {
    const { ctx } = env
    const { student, value, part } = await studentOf(state, o, env)
    const trainee = await floatTrainee(student.graph, part, o.normalization, ctx.bytes)
    const material = await materialFor('finetune', true, env)
    const offset = env.input.labelOffset ?? 0
    checkLabels(material, offset, student, value)
    const given = { part, student, teacher: null, wanted: new Map<ValueName, ValueName>() }
    const terms = () => [{ kind: 'label' as const, value, weight: 1, smoothing: o.smoothing }]
    const { lessons, close } = await openLessons(given, terms, material, o, offset, ctx)
    try {
      const reached = await train(trainee, lessons, loopOptions(o), slotFor(env, ['finetune', o]), 'finetune', ctx)
      return {
        ...state,
        model: infer(withParameters(student, trainee.parameters)),
        trained: [...state.trained, trainedBy('finetune', material.samples.length, reached)],
        notes: [...state.notes, ...material.notes],
        steps: [...state.steps, resolved('finetune', o, reached)],
      }
    } finally {
      await close()
    }
  }),
})

async function studentOf(state: State, _: FinetuneOptions, env: StepEnv) {
  const student = infer(upgradeOpset(infer(state.model), 13))
  const value = scoresOf(student, env)
  return { student, value, part: await partOf(student.graph, [value], env.ctx.bytes) }
}

/** The scores of classes before their Softmax. */
function scoresOf(model: Model, { input }: StepEnv): ValueName {
  if (taskFor(input, model)?.id !== 'classify')
    throw new StudioError('unsupported', 'The step finetune learns classes, and this model tells none apart', {
      where: { step: 'finetune' },
      hint: 'Use the step distil, which learns whatever outputs the original gives; or name the task in the input spec.',
    })
  const named = input.task?.output
  const output = typeof named === 'string' ? named : model.graph.outputs[0]
  return beforeSoftmax(model.graph, output)
}

function checkLabels({ name, samples }: Material, offset: number, { graph }: Model, value: ValueName): void {
  const classes = graph.values.get(value)?.shape?.[1]
  if (typeof classes !== 'number') return
  const wrong = samples.find(s => typeof s.label === 'number' && (s.label + offset < 0 || s.label + offset >= classes))
  if (!wrong) return
  throw new StudioError('bad-data', `The label ${wrong.label} is none of the model's ${classes} classes`, {
    where: { file: name, sample: wrong.name, step: 'finetune' },
    hint: 'Check the labels, and labelOffset in the input spec.',
  })
}
