// A layered drawing of a network in near-linear time: layers, order, places, routes. Pure; runs in a worker of its own.
import { frameRoom, framesOf } from './frames.ts'
import { layered } from './layers.ts'
import { order } from './order.ts'
import { place } from './place.ts'
import { route } from './route.ts'
import type { GraphLayout, LayoutInput } from './types.ts'

export function layout(input: LayoutInput): GraphLayout {
  const graph = layered(input)
  order(graph)
  const centre = place(graph, input.widths)
  const layer = graph.layerOf.slice(0, graph.nodes)
  const { rowTop, ...drawn } = route(graph, input, centre, frameRoom(input, layer, graph.rows.length))
  const x = centre.slice(0, graph.nodes)
  const y = Float32Array.from(layer, row => rowTop[row])
  const placed = { x, y, layer, ...drawn }
  return { ...placed, frames: framesOf(input, placed) }
}
