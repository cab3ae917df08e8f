// A job about the result that is shown: what it found before is fetched, and it can be started where that is what the settings came to.
import { createResource, createSignal } from 'solid-js'
import type { Result, RunProgress, StudioApi } from '../../../workers/api.ts'
import { useStudio } from './studio.ts'

type Device = Parameters<StudioApi['run']>[1]

export function createJob<Found>(
  kept: (api: StudioApi, project: string, variant: string) => Promise<Result<Found | null>>,
  work: (
    api: StudioApi,
    project: string,
    device: Device,
    onProgress: (p: RunProgress) => void,
  ) => Promise<Result<Found>>,
) {
  const { api, project, variants, run } = useStudio()
  const [progress, setProgress] = createSignal<RunProgress | null>(null)
  const [busy, setBusy] = createSignal(false)
  const id = () => project.view()?.id ?? null
  const [found, { mutate }] = createResource(
    () => (id() === null || variants.shown() === null ? null : `${id()} ${variants.shown()}`),
    async key => {
      const [project_, variant] = key.split(' ')
      const result = await kept(api, project_, variant)
      if (result.ok) return result.value
      project.setError(result.error)
      return null
    },
  )
  /** What it cannot do without, of a run and of samples. */
  const missing = (): 'run' | 'samples' | null =>
    variants.stale() ? 'run' : project.view()?.calibration === null ? 'samples' : null

  async function start(): Promise<void> {
    setBusy(true)
    setProgress(null)
    try {
      const result = await work(api, id()!, run.device(), setProgress)
      if (result.ok) mutate(() => result.value)
      else if (result.error.code !== 'cancelled') project.setError(result.error)
    } finally {
      setBusy(false)
    }
  }
  return {
    found,
    progress,
    busy,
    missing,
    locked: () => project.view()?.readOnly === true || run.running() !== null || missing() !== null,
    start,
    stop: () => api.cancel(id()!),
  }
}
export type Job = Pick<ReturnType<typeof createJob>, 'progress' | 'busy' | 'locked' | 'start' | 'stop'>
