// Moving through a graph by keys: down and up along edges, left and right along a layer.
import type { Scene } from './scene.ts'
import type { GraphLayout } from './types.ts'

export type Direction = 'up' | 'down' | 'left' | 'right'

/** The node to go to, or the same one where there is none in that direction. */
export function neighbour(scene: Scene, layout: GraphLayout, from: number, direction: Direction): number {
  if (from < 0) return scene.nodes.length > 0 ? 0 : -1
  if (direction === 'up' || direction === 'down') {
    const near = direction === 'up' ? scene.before[from] : scene.after[from]
    // The straightest edge: the main path rather than its bypass.
    const away = (k: number) => Math.abs(layout.y[k] - layout.y[from]) + Math.abs(layout.x[k] - layout.x[from])
    return near.length === 0 ? from : near.reduce((best, k) => (away(k) < away(best) ? k : best))
  }
  const side = direction === 'left' ? -1 : 1
  let best = from
  for (let k = 0; k < scene.nodes.length; k++) {
    if (layout.layer[k] !== layout.layer[from] || k === from) continue
    const distance = (layout.x[k] - layout.x[from]) * side
    if (distance > 0 && (best === from || distance < (layout.x[best] - layout.x[from]) * side)) best = k
  }
  return best
}
