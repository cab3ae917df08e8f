// The run: one at a time, with what each stage has done and how long it took on this page's clock.
import { createSignal, onCleanup } from 'solid-js'
import type { RunProgress, StudioApi } from '../../../workers/api.ts'
import type { Learning } from '../../ir/context.ts'
import type { ProjectState } from './project.ts'

export type Device = 'auto' | 'webgpu' | 'wasm'
export interface StepTime {
  began: number
  ended: number | null
}

/** A run that came to its end by itself. */
export interface Ended {
  id: string
  name: string
  ok: boolean
}

export function createRun(api: StudioApi, project: ProjectState) {
  const [running, setRunning] = createSignal<string | null>(null) // the project's id
  const [stopping, setStopping] = createSignal(false)
  const [stopped, setStopped] = createSignal<string | null>(null) // the project's id
  const [progress, setProgress] = createSignal<RunProgress | null>(null)
  const [learning, setLearning] = createSignal<{ step: number; known: Learning } | null>(null) // of the step that trains
  const [device, setDevice] = createSignal<Device>('auto')
  const [times, setTimes] = createSignal<StepTime[]>([])
  const [timed, setTimed] = createSignal<{ id: string; recipe: string } | null>(null) // what the times are of
  const [ended, setEnded] = createSignal<Ended | null>(null)
  const [now, setNow] = createSignal(performance.now())
  const [began, setBegan] = createSignal(0)
  const clock = setInterval(() => running() && setNow(performance.now()), 100)
  onCleanup(() => clearInterval(clock))

  const endStep = (list: StepTime[], at: number) =>
    list.map(time => (time.ended === null ? { ...time, ended: at } : time))

  function follow(next: RunProgress): void {
    if (running() === null || stopping()) return
    const at = performance.now()
    if (next.step !== progress()?.step)
      setTimes(list => {
        const all = endStep(list, at)
        all[next.step] = { began: at, ended: null }
        return all
      })
    if (next.learning) setLearning({ step: next.step, known: next.learning })
    setProgress(next)
  }

  /** True when the run came to its end. */
  async function start(): Promise<boolean> {
    await project.settled()
    const view = project.view()
    if (!view || running() !== null || view.readOnly) return false
    const open = () => project.view()?.id === view.id
    setRunning(view.id)
    setTimed({ id: view.id, recipe: JSON.stringify(view.recipe) })
    setEnded(null)
    setBegan(performance.now())
    setNow(performance.now())
    setStopped(null)
    setProgress(null)
    setLearning(null)
    setTimes([])
    project.setError(null)
    project.setView({ ...view, stage: 'running', error: null })
    try {
      const result = await api.run(view.id, device(), follow)
      if (result.ok) {
        if (open()) project.setView(result.value)
        setEnded({ id: view.id, name: view.name, ok: true })
        return true
      }
      const wanted = result.error.code === 'cancelled'
      if (wanted) setStopped(view.id)
      else setEnded({ id: view.id, name: view.name, ok: false })
      if (!open()) return false
      if (!wanted) project.setError(result.error)
      const after = await api.openProject(view.id)
      if (after.ok && open()) project.setView(after.value)
      return false
    } finally {
      setTimes(list => endStep(list, performance.now()))
      setRunning(null)
      setStopping(false)
    }
  }

  async function stop(): Promise<void> {
    const id = running()
    if (id === null || stopping()) return
    setStopping(true)
    await api.cancel(id)
  }

  /** Seconds since the run began. */
  const elapsed = () => Math.max(0, now() - began()) / 1000

  /** The run that is under way is the open project's. */
  const here = () => running() !== null && running() === project.view()?.id
  /** Of another recipe they would stand beside steps that they are not of. */
  const timesHere = () => {
    const view = project.view()
    return view && timed()?.id === view.id && timed()?.recipe === JSON.stringify(view.recipe) ? times() : []
  }

  return {
    running,
    here,
    ended,
    setEnded,
    stopping,
    stopped,
    progress,
    learning,
    device,
    setDevice,
    times: timesHere,
    now,
    elapsed,
    start,
    stop,
  }
}
export type RunState = ReturnType<typeof createRun>
