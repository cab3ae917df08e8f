// The graphs of the open project and their drawings, each fetched and laid out once; a new result makes them anew.
import { type Accessor, createEffect, createMemo, createResource, createSignal, on } from 'solid-js'
import type { ProjectView, StudioApi } from '../../../workers/api.ts'
import type { LayoutAnswer, LayoutQuestion } from '../../../workers/layout.worker.ts'
import type { Prepared } from '../graph/prepared.ts'
import { nodeHeight } from '../graph/scene.ts'
import { layoutInput, type Shown, shownOf } from '../graph/shown.ts'
import type { GraphLayout, LayoutInput } from '../graph/types.ts'

export type Which = 'original' | 'optimized' | 'quantized' | 'difference'
export interface Drawing extends Prepared {
  which: Which
  /** Groups that stand open. */
  opened: ReadonlySet<number>
  shown: Shown
  layout: GraphLayout
}

/** The layout thread; started with the first graph. */
function createLayouter() {
  let worker: Worker | null = null
  let last = 0
  const open = new Map<number, { resolve(layout: GraphLayout): void; reject(error: Error): void }>()
  return (input: LayoutInput): Promise<GraphLayout> => {
    if (!worker) {
      worker = new Worker(new URL('../../../workers/layout.worker.ts', import.meta.url), { type: 'module' })
      worker.onmessage = ({ data }: MessageEvent<LayoutAnswer>) => {
        open.get(data.id)?.resolve(data.layout)
        open.delete(data.id)
      }
      worker.onerror = event => {
        for (const { reject } of open.values()) reject(new Error(event.message || 'the layout thread failed'))
        open.clear()
        worker = null
      }
    }
    const id = ++last
    worker.postMessage({ id, input } satisfies LayoutQuestion)
    return new Promise((resolve, reject) => open.set(id, { resolve, reject }))
  }
}

/** `variant`: whose optimised and quantised graphs are shown. */
export function createGraphs(api: StudioApi, view: Accessor<ProjectView | null>, variant: Accessor<string | null>) {
  const layout = createLayouter()
  const [which, setWhich] = createSignal<Which>('original')
  const [failed, setFailed] = createSignal<string | null>(null)
  const kept = new Map<string, Prepared>()
  const drawn = new WeakMap<ReadonlySet<number>, Drawing>()
  /** By graph; where nothing was folded or opened yet, as it is at first. */
  const [opened, setOpened] = createSignal<ReadonlyMap<string, ReadonlySet<number>>>(new Map())
  const id = () => view()?.id ?? null

  const key = createMemo(() => {
    const project = view()
    if (!project) return ''
    return JSON.stringify({ id: project.id, which: which(), variant: which() === 'original' ? null : variant() })
  })
  /** What `key` names, or null where it cannot be had. */
  async function prepared(text: string): Promise<Prepared | null> {
    const known = kept.get(text)
    if (known) return known
    const wanted = JSON.parse(text) as { id: string; which: Which; variant: string | null }
    const ask = async (part: Exclude<Which, 'difference'>) => {
      const graph = await api.graph(wanted.id, part, wanted.variant)
      if (!graph.ok) setFailed(graph.error.message)
      return graph.ok ? graph.value : null
    }
    setFailed(null)
    const differs = wanted.which === 'difference'
    const graph = await ask(wanted.which === 'difference' ? 'quantized' : wanted.which)
    const before = differs && graph ? await ask('original') : null
    if (!graph || (differs && !before)) return null
    const { prepare } = await import('../graph/prepared.ts')
    const made = prepare(graph, before)
    kept.set(text, made)
    return made
  }
  const [drawing] = createResource(
    () => ({ text: key(), open: opened().get(key()) }),
    async ({ text, open }): Promise<Drawing | null> => {
      const made = text === '' ? null : await prepared(text)
      if (!made) return null
      const now = open ?? made.firstOpen
      const known = drawn.get(now)
      if (known) return known
      const shown = shownOf(made.scene, made.groups, now)
      const { which } = JSON.parse(text) as { which: Which }
      const drawing = { ...made, which, opened: now, shown, layout: await layout(layoutInput(shown, nodeHeight)) }
      drawn.set(now, drawing)
      return drawing
    },
  )
  createEffect(
    on(id, () => {
      kept.clear()
      setOpened(new Map())
      setWhich('original')
    }),
  )
  const setOpen = (open: ReadonlySet<number>) => setOpened(now => new Map(now).set(key(), open))
  const change = (edit: (open: Set<number>) => void) => {
    const now = drawing.latest
    if (!now) return
    const open = new Set(now.opened)
    edit(open)
    setOpen(open)
  }
  return {
    which,
    setWhich,
    drawing,
    failed,
    open: (groups: readonly number[]) =>
      change(open => {
        for (const group of groups) open.add(group)
      }),
    fold: (group: number) => change(open => void open.delete(group)),
    openAll: () => setOpen(new Set(drawing.latest?.groups.list.keys())),
    foldAll: () => setOpen(new Set()),
  }
}
export type GraphsState = ReturnType<typeof createGraphs>
