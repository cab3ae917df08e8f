// Moving through a graph by keys: down and up along edges, left and right along a layer.
import type { Shown } from './shown.ts'
import type { GraphLayout } from './types.ts'

export type Direction = 'up' | 'down' | 'left' | 'right'

/** The item to go to, or the same one where there is none in that direction. */
export function neighbour(shown: Shown, layout: GraphLayout, from: number, direction: Direction): number {
  const count = shown.items.length
  if (from < 0) return count > 0 ? 0 : -1
  if (direction === 'up' || direction === 'down') {
    const near = direction === 'up' ? shown.before[from] : shown.after[from]
    // The straightest edge: the main path rather than its bypass.
    const away = (k: number) => Math.abs(layout.y[k] - layout.y[from]) + Math.abs(layout.x[k] - layout.x[from])
    return near.length === 0 ? from : near.reduce((best, k) => (away(k) < away(best) ? k : best))
  }
  const side = direction === 'left' ? -1 : 1
  let best = from
  for (let k = 0; k < count; k++) {
    if (layout.layer[k] !== layout.layer[from] || k === from) continue
    const distance = (layout.x[k] - layout.x[from]) * side
    if (distance > 0 && (best === from || distance < (layout.x[best] - layout.x[from]) * side)) best = k
  }
  return best
}
