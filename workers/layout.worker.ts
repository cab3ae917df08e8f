// Lays out graphs on a thread of its own, so that the page stays fluid with thousands of nodes.
import { layout } from '../src/ui/graph/layout.ts'
import type { GraphLayout, LayoutInput } from '../src/ui/graph/types.ts'

export interface LayoutQuestion {
  id: number
  input: LayoutInput
}
export interface LayoutAnswer {
  id: number
  layout: GraphLayout
}

addEventListener('message', ({ data }: MessageEvent<LayoutQuestion>) => {
  const drawn = layout(data.input)
  const own = [drawn.x, drawn.y, drawn.layer, drawn.points, drawn.start, drawn.frames].map(
    array => array.buffer as ArrayBuffer,
  )
  postMessage({ id: data.id, layout: drawn } satisfies LayoutAnswer, { transfer: own })
})
