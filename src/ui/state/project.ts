// The open project and the list of others. All of it lives in the studio worker; here are the last views that it gave.
import { createEffect, createMemo, createSignal, onCleanup } from 'solid-js'
import type { ProjectSummary, ProjectView, Result, StudioApi } from '../../../workers/api.ts'
import type { ErrorRecord } from '../../base/errors.ts'
import type { InputSpec } from '../../data/input-spec.ts'
import type { Recipe } from '../../recipe/types.ts'
import { type GivenFile, isModel, isProject, splitModelAndData } from './files.ts'
import { save } from './save.ts'

export type Role = 'calibration' | 'evaluation'
type Work = 'opening' | 'data' | 'saving'

const undoMs = 30_000

export function createProject(api: StudioApi) {
  const [view, setView] = createSignal<ProjectView | null>(null)
  const [recent, setRecent] = createSignal<ProjectSummary[]>([])
  const [error, setError] = createSignal<ErrorRecord | null>(null)
  const [busy, setBusy] = createSignal<{ what: Work; name: string } | null>(null)
  const [removed, setRemoved] = createSignal<ProjectSummary | null>(null)
  let leaving: ReturnType<typeof setTimeout> | undefined

  /** Keeps what was open as it was when a call fails. */
  function take<T>(result: Result<T>, use: (value: T) => void): boolean {
    if (result.ok) use(result.value)
    else if (result.error.code !== 'cancelled') setError(result.error)
    return result.ok
  }
  let edits = 0
  const refresh = async () => void setRecent(await api.projects())

  /** The project that was deleted last cannot be brought back any more. */
  async function forget(): Promise<void> {
    const project = removed()
    setRemoved(null)
    if (project) take(await api.eraseProject(project.id), () => undefined)
  }

  async function working<T>(what: Work, name: string, call: () => Promise<T>): Promise<T> {
    setBusy({ what, name })
    setError(null)
    try {
      return await call()
    } finally {
      setBusy(null)
    }
  }
  let changed: Promise<unknown> = Promise.resolve()
  /** What comes of a project that is no longer looked at is not shown. */
  const change = (call: Promise<Result<ProjectView>>): Promise<boolean> => {
    setError(null)
    const taken = call.then(result => take(result, after => view()?.id === after.id && setView(after)))
    changed = Promise.allSettled([changed, taken])
    return taken
  }
  let latest: { id: string; recipe: Recipe } | null = null
  /** The recipe is shown when it was kept; until then it is what later edits build on. */
  function setRecipe(recipe: Recipe): Promise<boolean> {
    const { id } = view()!
    const mine = { id, recipe }
    latest = mine
    return change(api.setRecipe(id, recipe)).finally(() => {
      if (latest === mine) latest = null
    })
  }
  let wanted: string | null = null

  /** Another project takes the place of the one that is open, which is let go. `id` is of one to open: a later wish goes before it. */
  async function enter(name: string, id: string | null, call: () => Promise<Result<ProjectView>>): Promise<boolean> {
    wanted = id
    const result = await working('opening', name, call)
    if (id !== null && wanted !== id) {
      await api.closeProject(id)
      return true
    }
    const before = view()?.id
    if (result.ok && before && before !== result.value.id) await api.closeProject(before)
    return take(result, setView)
  }

  async function addData(role: Role, files: GivenFile[]): Promise<boolean> {
    const project = view()
    if (!project || files.length === 0) return false
    return await working('data', files[0].path.split('/')[0], () => change(api.addData(project.id, role, files)))
  }

  /** Pictures that join those of a set. */
  async function addPictures(role: Role, pictures: GivenFile[]): Promise<boolean> {
    const project = view()
    if (!project || pictures.length === 0) return false
    return await working('data', pictures[0].path, () => change(api.addPictures(project.id, role, pictures)))
  }

  /** Sound that joins what was recorded before. */
  const addSound = (role: Role, values: Float32Array): Promise<boolean> =>
    working('data', view()!.name, () => change(api.addSound(view()!.id, role, values)))

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
    addPictures,
    addSound,
    /** Opens dropped or picked files; samples that came along become the calibration set. */
    async create(files: GivenFile[]): Promise<boolean> {
      const { model, data } = isProject(files) ? { model: files, data: [] } : splitModelAndData(files)
      const given = model.length > 0 ? model : files
      if (given.length === 0) return false
      const name = (given.find(isModel) ?? given[0]).path
      const opened = await enter(name, null, () => api.createProject(given))
      if (opened && model.length > 0 && data.length > 0) await addData('calibration', data)
      return opened
    },
    sample: (id: string, name: string) => enter(name, null, () => api.createFromSample(id, name)),
    open: (id: string) => {
      const name = recent().find(project => project.id === id)?.name ?? ''
      return enter(name, id, () => api.openProject(id))
    },
    async close(): Promise<void> {
      wanted = null
      const project = view()
      setView(null)
      setError(null)
      if (project) await api.closeProject(project.id)
      await refresh()
    },
    async rename(id: string, name: string): Promise<void> {
      take(await api.renameProject(id, name), after => view()?.id === id && setView(after))
      await refresh()
    },
    removed,
    /** Out of sight at once, and gone for good when nobody has wanted it back for a while. */
    async remove(project: ProjectSummary): Promise<void> {
      await forget()
      if (take(await api.deleteProject(project.id), () => setRemoved(project))) {
        clearTimeout(leaving)
        leaving = setTimeout(() => void forget(), undoMs)
      }
      await refresh()
    },
    async unremove(): Promise<void> {
      const project = removed()
      setRemoved(null)
      if (project) take(await api.restoreProject(project.id), () => undefined)
      await refresh()
    },
    forget,
    nameOf: (id: string) => recent().find(project => project.id === id)?.name ?? '',
    /** A project as one file of its own. */
    async saveFile({ id, name }: ProjectSummary, results: boolean): Promise<void> {
      await save(`${name.replace(/[/\\:*?"<>|]/g, '-')}.thimble.zip`, () =>
        working('saving', name, async () => {
          const made = await api.projectFile(id, results)
          take(made, () => undefined)
          return made.ok ? made.value.file : null
        }),
      )
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
    /** What was changed so far is kept: a run goes by it. */
    settled: () => changed,
    setRecipe,
    editRecipe: (edit: (recipe: Recipe) => Recipe) =>
      setRecipe(edit(latest?.id === view()!.id ? latest.recipe : view()!.recipe)),
    undoRecipe: () => change(api.undoRecipe(view()!.id)),
    redoRecipe: () => change(api.redoRecipe(view()!.id)),
  }
}
export type ProjectState = ReturnType<typeof createProject>
