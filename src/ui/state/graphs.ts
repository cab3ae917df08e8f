// The graphs of the open project and their drawings, each fetched and laid out once; a new result makes them anew.
import { type Accessor, createEffect, createMemo, createResource, createSignal, on } from 'solid-js'
import type { ProjectView, StudioApi } from '../../../workers/api.ts'
import type { LayoutAnswer, LayoutQuestion } from '../../../workers/layout.worker.ts'
import { nodeHeight, type Scene, sceneOf } from '../graph/scene.ts'
import type { GraphLayout, LayoutInput } from '../graph/types.ts'

export type Which = 'original' | 'optimized' | 'quantized'
export interface Drawing {
  which: Which
  scene: Scene
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
  const kept = new Map<string, Drawing>()
  const id = createMemo(() => view()?.id ?? null)

  const key = () => {
    const project = view()
    if (!project) return null
    return { id: project.id, which: which(), variant: which() === 'original' ? null : variant() }
  }
  const [drawing] = createResource(
    () => JSON.stringify(key()),
    async text => {
      const wanted = JSON.parse(text) as ReturnType<typeof key>
      if (!wanted) return null
      const known = kept.get(text)
      if (known) return known
      setFailed(null)
      const graph = await api.graph(wanted.id, wanted.which, wanted.variant)
      if (!graph.ok) {
        setFailed(graph.error.message)
        return null
      }
      const scene = sceneOf(graph.value)
      const made = {
        which: wanted.which,
        scene,
        layout: await layout({ widths: scene.widths, height: nodeHeight, edges: scene.edges }),
      }
      kept.set(text, made)
      return made
    },
  )
  createEffect(
    on(id, () => {
      kept.clear()
      setWhich('original')
    }),
  )
  return { which, setWhich, drawing, failed }
}
export type GraphsState = ReturnType<typeof createGraphs>
