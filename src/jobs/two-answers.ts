// What two models answer to one sample, and which of it is right as their task judges it.
import { StudioError } from '../base/errors.ts'
import type { Label, Outputs, Task } from '../tasks/types.ts'

export type Answer = string | number | null

export interface TwoAnswers {
  label: Label | null // as answers count, with the label offset added
  before: Answer
  after: Answer
  /** null where there is no label, or one that the task cannot judge by. */
  right: { before: boolean; after: boolean } | null
  /** Why the label is of no use, where it is not. */
  misfit: string | null
}

export function twoAnswers(
  task: Task,
  [before, after]: readonly [Outputs, Outputs],
  given: Label | null,
  offset: number,
): TwoAnswers {
  const label = typeof given === 'number' ? given + offset : given
  const said = { label, before: task.answer(before), after: task.answer(after) }
  if (label === null) return { ...said, right: null, misfit: null }
  const right = (outputs: Outputs): boolean => task.score(outputs, label, before).value === 1
  try {
    return { ...said, right: { before: right(before), after: right(after) }, misfit: null }
  } catch (thrown) {
    // A label of other classes than the model's judges nothing; the answers are there all the same.
    if (!(thrown instanceof StudioError) || thrown.code !== 'bad-data') throw thrown
    return { ...said, right: null, misfit: thrown.message }
  }
}
