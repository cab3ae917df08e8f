// The open project and the list of others. All of it lives in the studio worker; here are the last views that it gave.
import { createEffect, createMemo, createSignal, onCleanup } from 'solid-js'
import type { ProjectSummary, ProjectView, Result, StudioApi } from '../../../workers/api.ts'
import type { ErrorRecord } from '../../base/errors.ts'
import type { InputSpec } from '../../data/input-spec.ts'
import type { Recipe } from '../../recipe/types.ts'
import { type GivenFile, isModel, splitModelAndData } from './files.ts'

export type Role = 'calibration' | 'evaluation'

export function createProject(api: StudioApi) {
  const [view, setView] = createSignal<ProjectView | null>(null)
  const [recent, setRecent] = createSignal<ProjectSummary[]>([])
  const [error, setError] = createSignal<ErrorRecord | null>(null)
  const [busy, setBusy] = createSignal<{ what: 'opening' | 'data'; name: string } | null>(null)

  /** Keeps what was open as it was when a call fails. */
  function take<T>(result: Result<T>, use: (value: T) => void): boolean {
    if (result.ok) use(result.value)
    else if (result.error.code !== 'cancelled') setError(result.error)
    return result.ok
  }
  let edits = 0
  const refresh = async () => void setRecent(await api.projects())

  async function working<T>(what: 'opening' | 'data', name: string, call: () => Promise<T>): Promise<T> {
    setBusy({ what, name })
    setError(null)
    try {
      return await call()
    } finally {
      setBusy(null)
    }
  }
  const change = (call: Promise<Result<ProjectView>>): Promise<boolean> => {
    setError(null)
    return call.then(result => take(result, setView))
  }

  async function addData(role: Role, files: GivenFile[]): Promise<boolean> {
    const project = view()
    if (!project || files.length === 0) return false
    return await working('data', files[0].path.split('/')[0], () => change(api.addData(project.id, role, files)))
  }

  // A tab says nothing to the others when it lets a project go or has changed it, so it is asked again and again.
  const waitingFor = createMemo(() => (view()?.readOnly ? view()!.id : null))
  createEffect(() => {
    const id = waitingFor()
    if (id === null) return
    const timer = setInterval(async () => {
      const result = await api.openProject(id)
      const shown = view()
      if (shown?.id !== id) await api.closeProject(id)
      else if (result.ok && (!result.value.readOnly || result.value.changed !== shown.changed)) setView(result.value)
    }, 1000)
    onCleanup(() => clearInterval(timer))
  })

  return {
    view,
    setView,
    recent,
    error,
    setError,
    busy,
    refresh,
    addData,
    /** Opens dropped or picked files; samples that came along become the calibration set. */
    async create(files: GivenFile[]): Promise<boolean> {
      const { model, data } = splitModelAndData(files)
      const given = model.length > 0 ? model : files
      if (given.length === 0) return false
      const name = (given.find(isModel) ?? given[0]).path
      const opened = await working('opening', name, () => change(api.createProject(given)))
      if (opened && model.length > 0 && data.length > 0) await addData('calibration', data)
      return opened
    },
    sample: (id: string, name: string) => working('opening', name, () => change(api.createFromSample(id, name))),
    open: (id: string) => {
      const name = recent().find(project => project.id === id)?.name ?? ''
      return working('opening', name, () => change(api.openProject(id)))
    },
    async close(): Promise<void> {
      const project = view()
      setView(null)
      setError(null)
      if (project) await api.closeProject(project.id)
      await refresh()
    },
    async rename(id: string, name: string): Promise<void> {
      await change(api.renameProject(id, name))
      await refresh()
    },
    async remove(id: string): Promise<void> {
      take(await api.deleteProject(id), () => undefined)
      await refresh()
    },
    async removeEverything(): Promise<void> {
      if (take(await api.deleteEverything(), () => setView(null))) setError(null)
      await refresh()
    },
    /** Shown before the samples were looked through again, so that the next edit builds on this one. */
    async setInput(input: InputSpec): Promise<boolean> {
      const { id } = view()!
      const edit = ++edits
      setError(null)
      setView({ ...view()!, input, inputProposed: false })
      // The answer to an earlier edit does not take back a later one.
      return take(await api.setInput(id, input), after =>
        setView(edit === edits ? after : { ...after, input: view()?.input ?? after.input }),
      )
    },
    change,
    setRecipe: (recipe: Recipe) => change(api.setRecipe(view()!.id, recipe)),
    undoRecipe: () => change(api.undoRecipe(view()!.id)),
    redoRecipe: () => change(api.redoRecipe(view()!.id)),
  }
}
export type ProjectState = ReturnType<typeof createProject>
