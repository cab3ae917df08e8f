// Classification: one score per class. Right when the label's score is the highest (top-1), or among the five highest (top-5).

import * as v from 'valibot'
import { value } from '../base/options.ts'
import type { Model, ValueName } from '../ir/model.ts'
import { classOf } from './label-kinds.ts'
import { equal, sameAnswers } from './same-answers.ts'
import { numbersAt } from './scores.ts'
import type { Outputs, TaskDef } from './types.ts'

const options = {
  output: value('Output: scores', v.nullable(v.string()), null),
}

/** The first of the highest; -1 where all are NaN. */
function best(scores: ArrayLike<number>): number {
  let at = -1
  for (let i = 0; i < scores.length; i++) if (scores[i] > (at < 0 ? Number.NEGATIVE_INFINITY : scores[at])) at = i
  return at
}

/** Classes ahead of `label`: those with a higher score, and equal ones before it. */
function ahead(scores: ArrayLike<number>, label: number): number {
  const own = scores[label]
  if (Number.isNaN(own)) return scores.length
  let count = 0
  for (let i = 0; i < scores.length; i++) if (scores[i] > own || (scores[i] === own && i < label)) count++
  return count
}

/** Outputs of shape [N, classes], or with further axes of 1. */
function scoreOutputs(model: Model): ValueName[] {
  return model.graph.outputs.filter(name => {
    const shape = model.graph.values.get(name)?.shape?.slice(1)
    return shape !== undefined && typeof shape[0] === 'number' && shape[0] > 1 && shape.slice(1).every(d => d === 1)
  })
}

export const classify: TaskDef = {
  id: 'classify',
  label: 'Classification',
  options,
  guess: model => (model.graph.outputs.length === 1 && scoreOutputs(model).length === 1 ? {} : null),
  open(model, { output }) {
    const name = typeof output === 'string' ? output : (scoreOutputs(model)[0] ?? model.graph.outputs[0])
    const answer = (outputs: Outputs): number | null => {
      const at = best(numbersAt(outputs, name))
      return at < 0 ? null : at
    }
    const alike = (reference: Outputs, other: Outputs) => equal(answer(reference), answer(other))
    return {
      id: 'classify',
      metric: 'top-1',
      detail: null,
      binary: true,
      rightAtOne: true,
      answer,
      alike,
      agreeing: () => sameAnswers('same best class', alike),
      score(outputs, label) {
        const scores = numbersAt(outputs, name)
        const place = ahead(scores, classOf(label, scores.length, name))
        return { value: place === 0 ? 1 : 0, top5: scores.length > 5 ? (place < 5 ? 1 : 0) : null, detail: null }
      },
      pooled: null,
    }
  },
}
