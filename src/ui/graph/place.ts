// Horizontal places. Items that one line can join become a block with one x, so the main path and every long edge are
// straight (the idea of Brandes and Köpf 2001, with one alignment chosen by priority); blocks are then packed and centred.
import type { Layered } from './types.ts'

export const wayPointWidth = 14
const apart = 22

/** Nodes on the longest path through each item: the spine of the network has the most. Way-points are none. */
function spine({ rows, up, down, nodes }: Layered): Uint32Array {
  const own = (item: number) => Number(item < nodes)
  const above = new Uint32Array(up.length)
  const below = new Uint32Array(up.length)
  for (const row of rows)
    for (const item of row) for (const to of down[item]) above[to] = Math.max(above[to], above[item] + own(to))
  for (let k = rows.length - 1; k >= 0; k--)
    for (const item of rows[k])
      for (const from of up[item]) below[from] = Math.max(below[from], below[item] + own(item))
  return above.map((depth, item) => depth + below[item])
}

/** Joins items of neighbouring layers into straight blocks; joined pairs never cross. Returns the block of each item. */
function align(graph: Layered): { blockOf: Int32Array; blocks: number } {
  const { rows, down, nodes } = graph
  const length = spine(graph)
  const position = new Uint32Array(down.length)
  for (const row of rows) for (let k = 0; k < row.length; k++) position[row[k]] = k
  const below = new Int32Array(down.length).fill(-1)
  const taken = new Uint8Array(down.length)
  for (const row of rows) {
    const pairs: { a: number; b: number; rank: number }[] = []
    for (const a of row)
      for (const b of down[a]) {
        const points = Number(a >= nodes) + Number(b >= nodes)
        // Spine first, then the inside of long edges, then whatever else fits.
        const rank = points === 0 ? 2 + Math.min(length[a], length[b]) : points === 2 ? 1 : 0
        pairs.push({ a, b, rank })
      }
    pairs.sort((p, q) => q.rank - p.rank || position[p.a] - position[q.a])
    // Kept pairs are in the same order above and below, so a new one need only fit between its two neighbours.
    const kept: { above: number; below: number }[] = []
    for (const { a, b } of pairs) {
      if (below[a] >= 0 || taken[b]) continue
      const pair = { above: position[a], below: position[b] }
      let low = 0
      let high = kept.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (kept[middle].above < pair.above) low = middle + 1
        else high = middle
      }
      if ((low > 0 && kept[low - 1].below > pair.below) || (low < kept.length && kept[low].below < pair.below)) continue
      below[a] = b
      taken[b] = 1
      kept.splice(low, 0, pair)
    }
  }
  const blockOf = new Int32Array(down.length).fill(-1)
  let blocks = 0
  for (const row of rows)
    for (const item of row) {
      if (blockOf[item] >= 0) continue
      for (let at = item; at >= 0; at = below[at]) blockOf[at] = blocks
      blocks++
    }
  return { blockOf, blocks }
}

const rounds = 8

/** The centre of every item, the leftmost edge at zero. */
export function place(graph: Layered, widths: Float32Array): Float32Array {
  const { rows, up, down, nodes } = graph
  const { blockOf, blocks } = align(graph)
  const half = (item: number) => (item < nodes ? widths[item] : wayPointWidth) / 2
  const right: { to: number; gap: number }[][] = Array.from({ length: blocks }, () => [])
  const left: { to: number; gap: number }[][] = Array.from({ length: blocks }, () => [])
  const waiting = new Uint32Array(blocks)
  for (const row of rows)
    for (let k = 1; k < row.length; k++) {
      const [a, b] = [blockOf[row[k - 1]], blockOf[row[k]]]
      const gap = half(row[k - 1]) + half(row[k]) + (row[k - 1] >= nodes && row[k] >= nodes ? 4 : apart)
      right[a].push({ to: b, gap })
      left[b].push({ to: a, gap })
      waiting[b]++
    }
  const sorted: number[] = []
  for (let block = 0; block < blocks; block++) if (waiting[block] === 0) sorted.push(block)
  for (let k = 0; k < sorted.length; k++)
    for (const { to } of right[sorted[k]]) if (--waiting[to] === 0) sorted.push(to)

  // Packed to the left and to the right; their mean keeps every distance, since the constraints are convex.
  const low = new Float64Array(blocks)
  for (const block of sorted) for (const { to, gap } of right[block]) low[to] = Math.max(low[to], low[block] + gap)
  const edge = low.reduce((far, x) => Math.max(far, x), 0)
  const high = new Float64Array(blocks).fill(edge)
  for (let k = sorted.length - 1; k >= 0; k--)
    for (const { to, gap } of left[sorted[k]]) high[to] = Math.min(high[to], high[sorted[k]] - gap)
  const x = low.map((value, block) => (value + high[block]) / 2)

  // Each block then moves towards its neighbours, as far as its own neighbours to the left and right let it.
  const members: number[][] = Array.from({ length: blocks }, () => [])
  for (let item = 0; item < blockOf.length; item++) members[blockOf[item]].push(item)
  for (let round = 0; round < rounds; round++)
    for (let k = 0; k < sorted.length; k++) {
      const block = sorted[round % 2 === 0 ? k : sorted.length - 1 - k]
      let sum = 0
      let count = 0
      for (const item of members[block])
        for (const near of [up[item], down[item]])
          for (const other of near)
            if (blockOf[other] !== block) {
              sum += x[blockOf[other]]
              count++
            }
      if (count === 0) continue
      let from = Number.NEGATIVE_INFINITY
      let until = Number.POSITIVE_INFINITY
      for (const { to, gap } of left[block]) from = Math.max(from, x[to] + gap)
      for (const { to, gap } of right[block]) until = Math.min(until, x[to] - gap)
      x[block] = Math.max(from, Math.min(until, sum / count))
    }

  const centre = new Float32Array(blockOf.length)
  let leftmost = Number.POSITIVE_INFINITY
  for (let item = 0; item < centre.length; item++) leftmost = Math.min(leftmost, x[blockOf[item]] - half(item))
  for (let item = 0; item < centre.length; item++) centre[item] = x[blockOf[item]] - leftmost
  return centre
}
