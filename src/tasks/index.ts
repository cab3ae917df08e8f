// The tasks, in the order in which they are guessed.
import * as v from 'valibot'
import { StudioError } from '../base/errors.ts'
import { schemaOf } from '../base/options.ts'
import type { Model } from '../ir/model.ts'
import { classify } from './classify.ts'
import { ctc } from './ctc.ts'
import { detect } from './detect.ts'
import { embed } from './embed.ts'
import { segment } from './segment.ts'
import type { Task, TaskDef, TaskOptions } from './types.ts'

export { pairedAccuracy } from './paired.ts'

export const tasks = [ctc, classify, detect, segment, embed] as const satisfies readonly TaskDef[]

/** A task as an input spec names it. */
export type NamedTask = { kind: string; [option: string]: unknown }

/** What the model's outputs (and metadata) look like; null where they look like nothing that is known. */
export function proposedTask(model: Model): NamedTask | null {
  for (const task of tasks) {
    const options = task.guess(model)
    if (options) return { kind: task.id, ...options }
  }
  return null
}

/** The task that the input spec names, or that the model's outputs look like; null where there is none. */
export function taskFor(input: { task?: NamedTask | undefined } | undefined, model: Model): Task | null {
  const named = input?.task ?? proposedTask(model)
  const def: TaskDef | undefined = tasks.find(task => task.id === named?.kind)
  if (!named || !def) return null
  const { kind: _, ...options } = named
  return def.open(model, checked(def, options))
}

function checked(def: TaskDef, given: Record<string, unknown>): TaskOptions {
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
