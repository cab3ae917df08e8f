// Edges as orthogonal lines: down from a node, along a track of the gap between two layers, down again. Verticals run
// only where a node or a way-point has its own column, horizontals only in gaps, so no line crosses a node.
import type { Layered, LayoutInput } from './types.ts'

const track = 8
const gapBase = 22
const mostTracks = 24
const port = 10

interface Turn {
  source: number
  from: number
  to: number
}

/** Tracks for the turns of one gap: turns of one source share a track, others share one only where they do not meet. */
function tracks(turns: Turn[]): Map<number, number> {
  const spans = new Map<number, { low: number; high: number }>()
  for (const { source, from, to } of turns) {
    const span = spans.get(source)
    const [low, high] = [Math.min(from, to), Math.max(from, to)]
    if (span) {
      span.low = Math.min(span.low, low)
      span.high = Math.max(span.high, high)
    } else spans.set(source, { low, high })
  }
  const ends: number[] = []
  const chosen = new Map<number, number>()
  for (const [source, { low, high }] of [...spans].sort((a, b) => a[1].low - b[1].low)) {
    let free = ends.findIndex(end => end + track < low)
    if (free < 0) free = ends.length < mostTracks ? ends.length : chosen.size % mostTracks
    ends[free] = Math.max(ends[free] ?? Number.NEGATIVE_INFINITY, high)
    chosen.set(source, free)
  }
  return chosen
}

/** `room`: extra space above and below each layer, for the frames that begin and end there. */
export function route(
  graph: Layered,
  input: LayoutInput,
  centre: Float32Array,
  room: { above: Float32Array; below: Float32Array },
) {
  const { layerOf, trunk, aside, nodes, rows } = graph
  const { edges, widths, height } = input
  const count = edges.length / 2

  // Where each edge enters its target: straight ones at the middle, the others on the side they come from.
  let width = 0
  for (let item = 0; item < centre.length; item++)
    width = Math.max(width, centre[item] + (item < nodes ? widths[item] / 2 : 0))
  const lane = new Map<number, number>()
  for (const source of aside) lane.set(source, width + track * (lane.size + 2))
  const path = (k: number): number[] => {
    const [from, to] = [edges[2 * k], edges[2 * k + 1]]
    return trunk.get(from)?.slice(0, Math.max(0, layerOf[to] - layerOf[from] - 1)) ?? []
  }
  const arriving: { edge: number; from: number; x: number }[][] = Array.from({ length: nodes }, () => [])
  for (let k = 0; k < count; k++) {
    const [from, to] = [edges[2 * k], edges[2 * k + 1]]
    const last = path(k).at(-1) ?? from
    if (layerOf[to] > layerOf[from]) arriving[to].push({ edge: k, from, x: lane.get(from) ?? centre[last] })
  }
  const entry = new Float32Array(count)
  arriving.forEach((list, node) => {
    list.sort((a, b) => a.x - b.x)
    const straight = (x: number) => Math.abs(x - centre[node]) < 1
    const reach = Math.max(0, widths[node] / 2 - 6)
    const alone = list.length === 1
    const lefts = list.filter(a => !straight(a.x) && a.x < centre[node])
    const rights = list.filter(a => !straight(a.x) && a.x > centre[node]).reverse()
    for (const side of [lefts, rights])
      side.forEach(({ edge }, k) => {
        const out = Math.min(reach, port * (side.length - k))
        entry[edge] = centre[node] + (alone ? 0 : side === lefts ? -out : out)
      })
    for (const { edge, x } of list) if (straight(x)) entry[edge] = centre[node]
  })

  // Every edge as a list of columns with the gap in which it changes from one to the next.
  const gaps: Turn[][] = rows.map(() => [])
  const moves: { gap: number; from: number; to: number }[][] = []
  for (let k = 0; k < count; k++) {
    const [source, target] = [edges[2 * k], edges[2 * k + 1]]
    const list: { gap: number; from: number; to: number }[] = []
    let x = centre[source]
    const turn = (gap: number, to: number) => {
      if (Math.abs(to - x) >= 0.5) {
        list.push({ gap, from: x, to })
        gaps[gap].push({ source, from: x, to })
      }
      x = to
    }
    if (layerOf[target] > layerOf[source]) {
      const side = lane.get(source)
      if (side !== undefined && layerOf[target] > layerOf[source] + 1) turn(layerOf[source], side)
      for (const point of path(k)) turn(layerOf[point] - 1, centre[point])
      turn(layerOf[target] - 1, entry[k])
    }
    moves.push(list)
  }

  const rowTop = new Float32Array(rows.length + 1)
  rowTop[0] = room.above[0] ?? 0
  const chosen = gaps.map(tracks)
  chosen.forEach((taken, row) => {
    const used = taken.size === 0 ? 0 : Math.max(...taken.values()) + 1
    rowTop[row + 1] = rowTop[row] + height + room.below[row] + gapBase + track * used + (room.above[row + 1] ?? 0)
  })

  const points: number[] = []
  const start = new Uint32Array(count + 1)
  for (let k = 0; k < count; k++) {
    const [source, target] = [edges[2 * k], edges[2 * k + 1]]
    points.push(centre[source], rowTop[layerOf[source]] + height)
    for (const { gap, from, to } of moves[k]) {
      const y = rowTop[gap] + height + room.below[gap] + gapBase / 2 + track * chosen[gap].get(source)!
      points.push(from, y, to, y)
    }
    points.push(moves[k].at(-1)?.to ?? centre[source], rowTop[layerOf[target]])
    start[k + 1] = points.length / 2
  }
  const lanes = lane.size === 0 ? 0 : track * (lane.size + 2)
  return {
    rowTop,
    width: width + lanes,
    height: rows.length === 0 ? 0 : rowTop[rows.length - 1] + height + room.below[rows.length - 1],
    points: Float32Array.from(points),
    start,
  }
}
