// Blocks that follow each other and are the same: operators, attributes, shapes, costs and wiring. Found as repetitions in a row of
// signatures, of which the wiring is told by how far back each value was made.
import type { Scene } from './scene.ts'

/** A part of the row that is drawn as one thing: a node or a group, by the nodes that it holds, both ends within. */
export interface Part {
  first: number
  last: number
}
export interface Repeat {
  start: number // in the row
  period: number // parts of one block
  times: number
}

const longestPeriod = 256
const smallestBlock = 3 // nodes

/** Equal numbers for nodes that are the same but for their names. */
export function signatures(scene: Scene): Int32Array {
  const known = new Map<string, number>()
  return Int32Array.from(scene.nodes, (item, k) => {
    const back = scene.before[k].map(from => k - from).sort((a, b) => a - b)
    const attrs = item.node?.attrs.map(({ name, text }) => `${name}=${text}`).sort()
    const text = JSON.stringify([
      item.kind,
      item.op,
      item.change,
      attrs,
      item.detail,
      item.node?.macs,
      item.node?.bytes,
      back,
    ])
    const found = known.get(text) ?? known.size
    known.set(text, found)
    return found
  })
}

/** How many values are made before each node and read there or later: what a cut above it would cross. */
export function crossed({ nodes, after }: Scene): Int32Array {
  const change = new Int32Array(nodes.length + 2)
  after.forEach((readers, k) => {
    const last = readers.reduce((far, to) => Math.max(far, to), k)
    change[k + 1]++
    change[last + 1]--
  })
  let open = 0
  return change.map(by => (open += by))
}

/** The repetitions that save the most nodes, none within another; the shortest block wherever two save as much. */
export function repeatsIn(scene: Scene, row: readonly Part[], signature: Int32Array, cut: Int32Array): Repeat[] {
  const known = new Map<string, number>()
  const same = row.map(({ first, last }) => {
    const text = signature.subarray(first, last + 1).join()
    const found = known.get(text) ?? known.size
    known.set(text, found)
    return found
  })
  const sizes = [0]
  for (const { first, last } of row) sizes.push(sizes.at(-1)! + last - first + 1)
  const candidates: (Repeat & { saved: number })[] = []
  for (let period = 1; period <= Math.min(longestPeriod, row.length >> 1); period++)
    for (let from = 0; from + 2 * period <= row.length; from++) {
      if (same[from] !== same[from + period]) continue
      let end = from + period
      while (end < row.length && same[end - period] === same[end]) end++
      const block = sizes[from + period] - sizes[from]
      if (end - from >= 2 * period && block >= smallestBlock) {
        const start = cleanest(scene, row, cut, { from, end, period })
        const times = Math.floor((end - start) / period)
        candidates.push({ start, period, times, saved: (times - 1) * block })
      }
      from = end - period
    }
  candidates.sort((a, b) => b.saved - a.saved || a.period - b.period || a.start - b.start)
  const taken = new Uint8Array(row.length)
  const chosen: Repeat[] = []
  for (const { start, period, times } of candidates) {
    const end = start + period * times
    if (taken.subarray(start, end).includes(1)) continue
    taken.fill(1, start, end)
    chosen.push({ start, period, times })
  }
  return chosen.sort((a, b) => a.start - b.start)
}

/** Where in a repetition a block had best begin: where the fewest values are under way, then for the most blocks, then with a layer. */
function cleanest(
  { nodes }: Scene,
  row: readonly Part[],
  cut: Int32Array,
  { from, end, period }: { from: number; end: number; period: number },
): number {
  const rank = (k: number): number[] => [
    cut[row[k].first],
    -Math.floor((end - k) / period),
    nodes[row[k].first].family === 'compute' ? 0 : 1,
  ]
  let best = from
  for (let k = from + 1; k <= Math.min(from + period - 1, end - 2 * period); k++) {
    const [now, before] = [rank(k), rank(best)]
    const differ = now.findIndex((value, i) => value !== before[i])
    if (differ >= 0 && now[differ] < before[differ]) best = k
  }
  return best
}
