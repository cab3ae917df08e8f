// What two models answer to one sample, and which of it is right as their task judges it.
import { StudioError } from '../base/errors.ts'
import { withOffset } from '../ir/labels.ts'
import type { Answer, Label, Outputs, Task } from '../tasks/types.ts'

export interface TwoAnswers {
  label: Label | null // as answers count, with the label offset added
  before: Answer
  after: Answer
  /** How far the second answer is the first, 0 to 1; null where there is no first. */
  alike: number | null
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
  const label = given === null ? null : withOffset(given, offset)
  const said = { label, before: task.answer(before), after: task.answer(after), alike: task.alike(before, after) }
  if (label === null) return { ...said, right: null, misfit: null }
  try {
    const [was, is] = [before, after].map(outputs => task.score(outputs, label, before).value === 1)
    return { ...said, right: task.rightAtOne ? { before: was, after: is } : null, misfit: null }
  } catch (thrown) {
    // A label of other classes than the model's judges nothing; the answers are there all the same.
    if (!(thrown instanceof StudioError) || thrown.code !== 'bad-data') throw thrown
    return { ...said, right: null, misfit: thrown.message }
  }
}
