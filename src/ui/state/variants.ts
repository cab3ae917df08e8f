// The results that the project has kept: which one is looked at, and its report; names, recipes, and what was deleted last.
import { createEffect, createMemo, createResource, createSignal, on } from 'solid-js'
import type { StudioApi, VariantView } from '../../../workers/api.ts'
import type { Report } from '../../jobs/report.ts'
import type { ProjectState } from './project.ts'

export function createVariants(api: StudioApi, project: ProjectState) {
  const { view } = project
  const [chosen, choose] = createSignal<string | null>(null)
  const [deleted, setDeleted] = createSignal<VariantView | null>(null)
  const list = (): readonly VariantView[] => view()?.variants ?? []

  /** What was chosen; else what the settings came to; else the last there is. */
  const shown = createMemo<string | null>(() => {
    const known = list().find(variant => variant.id === chosen())
    return known?.id ?? view()?.current ?? list().at(-1)?.id ?? null
  })
  const variant = createMemo(() => list().find(({ id }) => id === shown()) ?? null)
  const elsewhere = () => {
    const [project, id] = [view(), shown()]
    return project && id !== null && id !== project.current ? `${project.id} ${id}` : null
  }
  const [fetched] = createResource(elsewhere, async key => {
    const [id, variant] = key.split(' ')
    const result = await api.report(id, variant)
    if (result.ok) return { key, report: result.value }
    project.setError(result.error)
    return null
  })
  const report = createMemo<Report | null>(() => {
    const key = elsewhere()
    if (key === null) return view()?.report ?? null
    const known = fetched.latest
    return known?.key === key ? known.report : null
  })
  // A new result is what one wants to see.
  const current = createMemo(() => `${view()?.id} ${view()?.current}`)
  createEffect(on(current, () => choose(null), { defer: true }))
  const opened = createMemo(() => view()?.id)
  createEffect(on(opened, () => setDeleted(null)))

  return {
    list,
    shown,
    variant,
    report,
    choose,
    /** The settings are no longer those that what is shown came of. */
    stale: () => shown() !== null && shown() !== view()?.current,
    deleted,
    forget: () => setDeleted(null),
    rename: (id: string, name: string) => project.change(api.renameVariant(view()!.id, id, name)),
    async remove(variant: VariantView): Promise<void> {
      if (await project.change(api.deleteVariant(view()!.id, variant.id))) setDeleted(variant)
    },
    async restore(): Promise<void> {
      const variant = deleted()
      if (variant && (await project.change(api.restoreVariant(view()!.id, variant.id)))) setDeleted(null)
    },
  }
}
export type VariantsState = ReturnType<typeof createVariants>
