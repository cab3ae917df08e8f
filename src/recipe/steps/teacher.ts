// Another teacher than the imported model: which of its inputs, outputs and features stand for which of the student's, since names say
// nothing between two models.
import { StudioError } from '../../base/errors.ts'
import { type Dim, type Graph, requiredInputs, type ValueName } from '../../ir/model.ts'
import type { Teacher } from '../state.ts'

/** The teacher's name of each value of the student's. */
export type Names = ReadonlyMap<ValueName, ValueName>

/**
 * The inputs of both, and their outputs, in their order. Throws where there is another number of them, or where sizes that both know differ. Both
 * graphs are inferred.
 */
export function besideEachOther(student: Graph, { name, model: { graph: teacher } }: Teacher): Names {
  const names = new Map<ValueName, ValueName>()
  const pair = (what: string, own: readonly ValueName[], theirs: readonly ValueName[]): void => {
    if (own.length !== theirs.length)
      throw other(name, `The teacher ${name} has ${theirs.length} ${what}, and the model ${own.length}`)
    for (const [i, value] of own.entries()) {
      const [mine, its] = [student.values.get(value)?.shape, teacher.values.get(theirs[i])?.shape]
      if (mine && its && !fit(mine, its))
        throw other(
          name,
          `${theirs[i]} of the teacher ${name} is ${words(its)}, and ${value} of the model ${words(mine)}`,
        )
      names.set(value, theirs[i])
    }
  }
  pair('inputs', requiredInputs(student), requiredInputs(teacher))
  pair('outputs', student.outputs, teacher.outputs)
  return names
}

const fit = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.every((d, i) => typeof d !== 'number' || typeof b[i] !== 'number' || d === b[i])

const words = (shape: readonly Dim[]): string => `[${shape.join(', ')}]`

const other = (file: string, message: string): StudioError =>
  new StudioError('bad-data', message, {
    where: { file, step: 'distil' },
    hint: 'A teacher is fed what the model is fed, and answers in the same form: export it so, or cut it there.',
  })
