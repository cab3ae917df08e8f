// The tasks, in the order in which they are guessed.
import * as v from 'valibot'
import { StudioError } from '../base/errors.ts'
import { schemaOf } from '../base/options.ts'
import type { Model } from '../ir/model.ts'
import { classify } from './classify.ts'
import { ctc } from './ctc.ts'
import { embed } from './embed.ts'
import type { Task, TaskDef } from './types.ts'

export { pairedAccuracy } from './paired.ts'

export const tasks = [ctc, classify, embed] as const satisfies readonly TaskDef[]

/** The task that the input spec names, or that the model's outputs look like; null where there is none. */
export function taskFor(
  input: { task?: { kind: string; [option: string]: unknown } | undefined } | undefined,
  model: Model,
): Task | null {
  const named = input?.task
  const def: TaskDef | undefined = tasks.find(task => (named ? task.id === named.kind : task.guess(model)))
  if (!def) return null
  const { kind: _, ...options } = named ?? { kind: def.id }
  return def.open(model, checked(def, options))
}

function checked(def: TaskDef, given: Record<string, unknown>): Record<string, unknown> {
  for (const [key, value] of Object.entries(given)) {
    const option = def.options[key]
    const wrong = option ? v.safeParse(schemaOf(option), value).issues?.[0].message : 'there is no such option'
    if (wrong)
      throw new StudioError('usage', `Task ${def.id}, option ${key}: ${wrong}.`, {
        hint: `Options of this task: ${Object.keys(def.options).join(', ') || 'none'}.`,
      })
  }
  return given
}
