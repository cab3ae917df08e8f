// Looking through all samples with two models: one at a time, what was found kept while the page is open.
import { createSignal } from 'solid-js'
import type { ModelId, StudioApi } from '../../../workers/api.ts'
import type { Answers } from '../../jobs/answers.ts'
import type { ProjectState, Role } from './project.ts'

export function createLooked(api: StudioApi, project: ProjectState) {
  const [found, setFound] = createSignal<ReadonlyMap<string, Answers | null>>(new Map())
  const [progress, setProgress] = createSignal<{ key: string; done: number; total: number } | null>(null)
  /** What is asked with all that it depends on. */
  const keyOf = (model: ModelId, role: Role | null) => {
    const view = project.view()!
    const data = role && view[role]
    return JSON.stringify([view.id, model, role, data?.name, data?.size, view.input])
  }
  return {
    progress,
    /** undefined: not looked yet; null: there are no answers to compare. */
    answersOf: (model: ModelId, role: Role | null) => found().get(keyOf(model, role)),
    /** The model against the original. */
    async start(model: ModelId, role: Role): Promise<void> {
      const view = project.view()!
      const key = keyOf(model, role)
      const show = (done: number, total: number) => setProgress({ key, done, total })
      show(0, view[role]!.size)
      const answer = await api.answers(view.id, [null, model], role, show)
      setProgress(null)
      if (answer.ok) setFound(known => new Map(known).set(key, answer.value))
      else project.setError(answer.error)
    },
  }
}
