// Order within layers: barycentre sweeps, the order with the fewest crossings kept. The number of sweeps is bounded.
import type { Layered } from './types.ts'

/** Crossings between two neighbouring layers by counting inversions with a Fenwick tree: O(E log V). */
function crossings(upper: number[], lower: number[], down: number[][], position: Uint32Array): number {
  const tree = new Uint32Array(lower.length + 1)
  let seen = 0
  let total = 0
  for (const item of upper) {
    const ends = down[item].map(to => position[to])
    for (const end of ends) {
      let notAfter = 0
      for (let k = end + 1; k > 0; k -= k & -k) notAfter += tree[k]
      total += seen - notAfter
    }
    for (const end of ends) for (let k = end + 1; k <= lower.length; k += k & -k) tree[k]++
    seen += ends.length
  }
  return total
}

const sweeps = 8

/** Reorders `rows` in place. */
export function order(graph: Layered): void {
  const { rows, up, down, layerOf } = graph
  const position = new Uint32Array(layerOf.length)
  const settle = (row: number[]) => {
    for (let k = 0; k < row.length; k++) position[row[k]] = k
  }

  // The first order follows the paths from the top, so that a branch starts out in one piece.
  const seen = new Uint8Array(layerOf.length)
  const first: number[][] = rows.map(() => [])
  const stack: number[] = []
  for (const row of rows)
    for (const root of row) {
      if (seen[root]) continue
      stack.push(root)
      while (stack.length > 0) {
        const item = stack.pop()!
        if (seen[item]) continue
        seen[item] = 1
        first[layerOf[item]].push(item)
        for (let k = down[item].length - 1; k >= 0; k--) if (!seen[down[item][k]]) stack.push(down[item][k])
      }
    }
  for (let row = 0; row < rows.length; row++) rows[row] = first[row]
  rows.forEach(settle)

  const count = () => {
    let total = 0
    for (let row = 0; row + 1 < rows.length; row++) total += crossings(rows[row], rows[row + 1], down, position)
    return total
  }
  let best = rows.map(row => row.slice())
  let fewest = count()
  const centre = new Float64Array(layerOf.length)
  const arrange = (row: number[], near: number[][]) => {
    if (row.length < 2) return
    for (const item of row) {
      const ends = near[item]
      let sum = 0
      for (const end of ends) sum += position[end]
      centre[item] = ends.length > 0 ? sum / ends.length : position[item]
    }
    row.sort((a, b) => centre[a] - centre[b] || position[a] - position[b])
    settle(row)
  }
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep++) {
    if (sweep % 2 === 0) for (let row = 1; row < rows.length; row++) arrange(rows[row], up)
    else for (let row = rows.length - 2; row >= 0; row--) arrange(rows[row], down)
    const now = count()
    if (now < fewest) {
      fewest = now
      best = rows.map(row => row.slice())
    }
  }
  for (let row = 0; row < rows.length; row++) rows[row] = best[row]
}
