// A board's dump laid beside a bundle's golden layers: the last one that was given, with where it first differs.
import { createSignal } from 'solid-js'
import type { StudioApi } from '../../../workers/api.ts'
import type { Dumped } from '../../jobs/verify.ts'
import type { ProjectState } from './project.ts'
import type { VariantsState } from './variants.ts'

export interface DumpShown extends Dumped {
  variant: string
  dir: string
  file: string
}

export function createDumps(api: StudioApi, project: ProjectState, variants: VariantsState) {
  const [last, setLast] = createSignal<DumpShown | null>(null)
  /** Only of what is looked at. */
  const dump = () => {
    const known = last()
    return known && known.variant === variants.shown() ? known : null
  }
  return {
    dump,
    forget: () => setLast(null),
    async read(dir: string, file: File): Promise<boolean> {
      const [view, variant] = [project.view(), variants.shown()]
      if (!view || variant === null) return false
      project.setError(null)
      const answer = await api.compareDump(view.id, variant, dir, file)
      if (answer.ok) setLast({ ...answer.value, variant, dir, file: file.name })
      else project.setError(answer.error)
      return answer.ok
    },
  }
}
