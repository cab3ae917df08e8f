// First half of a layered drawing (Sugiyama, Tagawa, Toda 1981): layers by longest path, way-points on long edges.
// Edges that leave one node share one trunk, so a value that is read far below costs its longest reach once.
import type { Layered, LayoutInput } from './types.ts'

/** Topological order; edges that close a cycle are left out of it. */
function topological(count: number, out: number[][], inDegree: Uint32Array): number[] {
  const waiting = Uint32Array.from(inDegree)
  const order: number[] = []
  const seen = new Uint8Array(count)
  const visit = (node: number) => {
    seen[node] = 1
    order.push(node)
  }
  for (let node = 0; node < count; node++) if (waiting[node] === 0) visit(node)
  let next = 0
  let scan = 0
  while (order.length < count) {
    for (; next < order.length; next++)
      for (const to of out[order[next]]) if (--waiting[to] === 0 && !seen[to]) visit(to)
    if (order.length === count) break
    while (seen[scan]) scan++
    visit(scan) // every node left waits for a cycle: break it at the first in file order
  }
  return order
}

function longestPath(order: number[], out: number[][], into: number[][]): Uint32Array {
  const layer = new Uint32Array(order.length)
  const at = new Uint32Array(order.length)
  for (let k = 0; k < order.length; k++) at[order[k]] = k
  for (const node of order)
    for (const to of out[node]) if (at[to] > at[node]) layer[to] = Math.max(layer[to], layer[node] + 1)
  // A node that nothing feeds belongs beside what reads it, not at the far top.
  for (let k = order.length - 1; k >= 0; k--) {
    const node = order[k]
    const below = out[node].filter(to => at[to] > k)
    if (into[node].length === 0 && below.length > 0)
      layer[node] = below.reduce((low, to) => Math.min(low, layer[to]), Number.MAX_SAFE_INTEGER) - 1
  }
  return layer
}

export function layered({ widths, edges }: LayoutInput): Layered {
  const count = widths.length
  const out: number[][] = Array.from({ length: count }, () => [])
  const into: number[][] = Array.from({ length: count }, () => [])
  const inDegree = new Uint32Array(count)
  for (let k = 0; k < edges.length; k += 2) {
    if (edges[k] === edges[k + 1]) continue
    out[edges[k]].push(edges[k + 1])
    into[edges[k + 1]].push(edges[k])
    inDegree[edges[k + 1]]++
  }
  const layer = longestPath(topological(count, out, inDegree), out, into)

  // The longest trunks beyond the budget go beside the graph, so work stays linear in the nodes.
  const reach = out.map((targets, node) => targets.reduce((far, to) => Math.max(far, layer[to]), layer[node]))
  const bySpan = out.map((_, node) => node).sort((a, b) => reach[a] - layer[a] - (reach[b] - layer[b]))
  let budget = 12 * count + 2000
  const aside = new Set<number>()
  for (const node of bySpan) {
    budget -= Math.max(0, reach[node] - layer[node] - 1)
    if (budget < 0) aside.add(node)
  }

  const layerOf = Array.from(layer)
  const up: number[][] = Array.from({ length: count }, () => [])
  const down: number[][] = Array.from({ length: count }, () => [])
  const trunk = new Map<number, number[]>()
  const join = (a: number, b: number) => {
    down[a].push(b)
    up[b].push(a)
  }
  for (let node = 0; node < count; node++) {
    const points: number[] = []
    if (!aside.has(node) && reach[node] > layer[node] + 1) {
      for (let row = layer[node] + 1; row < reach[node]; row++) {
        const point = layerOf.length
        layerOf.push(row)
        up.push([])
        down.push([])
        join(points.at(-1) ?? node, point)
        points.push(point)
      }
      trunk.set(node, points)
    }
    for (const to of new Set(out[node])) {
      const span = layer[to] - layer[node]
      if (span === 1) join(node, to)
      else if (span > 1 && !aside.has(node)) join(points[span - 2], to)
    }
  }
  const rows: number[][] = Array.from({ length: layer.reduce((top, row) => Math.max(top, row + 1), 0) }, () => [])
  for (let item = 0; item < layerOf.length; item++) rows[layerOf[item]].push(item)
  return { nodes: count, layerOf: Uint32Array.from(layerOf), rows, up, down, trunk, aside }
}
