// A layered drawing of a network in near-linear time: layers, order, places, routes. Pure; runs in a worker of its own.
import { layered } from './layers.ts'
import { order } from './order.ts'
import { place } from './place.ts'
import { route } from './route.ts'
import type { GraphLayout, LayoutInput } from './types.ts'

export function layout(input: LayoutInput): GraphLayout {
  const graph = layered(input)
  order(graph)
  const centre = place(graph, input.widths)
  const { rowTop, ...drawn } = route(graph, input, centre)
  const layer = graph.layerOf.slice(0, graph.nodes)
  return { x: centre.slice(0, graph.nodes), y: Float32Array.from(layer, row => rowTop[row]), layer, ...drawn }
}
