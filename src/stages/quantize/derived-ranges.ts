// Ranges of values that have none of their own, from those of values that are the same numbers moved, or shifted by a constant: what a
// runtime rounds only where a product reads it is often one step away from what another has to round.
import type { Graph, Model, Node, ValueName } from '../../ir/model.ts'
import { contentOf } from '../../ops/content.ts'
import type { Grid } from './strip.ts'

/** `ranges` with what follows from them. */
export function derivedRanges({ graph }: Model, ranges: ReadonlyMap<ValueName, Grid>): Map<ValueName, Grid> {
  const found = new Map(ranges)
  const from = (known: ValueName, wanted: ValueName, map: (grid: Grid) => Grid): boolean => {
    const grid = found.get(known)
    if (!grid || found.has(wanted)) return false
    found.set(wanted, map(grid))
    return true
  }
  for (let again = true; again; ) {
    again = false
    for (const node of graph.nodes) {
      const step = stepOf(node, graph)
      const [y] = node.outputs
      if (!step || !y) continue
      const forth = from(step.x, y, step.forth)
      const back = step.back !== null && from(y, step.x, step.back)
      again ||= forth || back
    }
  }
  return found
}

interface Step {
  x: ValueName
  forth(grid: Grid): Grid
  back: ((grid: Grid) => Grid) | null
}

const same = (grid: Grid): Grid => grid

/** What a node does to the one value that it moves; null for one that computes. */
function stepOf(node: Node, graph: Graph): Step | null {
  const [x, other] = node.inputs
  if (x == null) return null
  if (whole.has(node.op)) return { x, forth: same, back: same }
  if (parts.has(node.op)) return { x, forth: same, back: null }
  if (node.op === 'Pad') {
    const border = node.inputs[2] == null ? 0 : number(graph, node.inputs[2])
    if (border === null) return null
    return { x, forth: g => ({ ...g, min: Math.min(g.min, border), max: Math.max(g.max, border) }), back: same }
  }
  if (other == null || (node.op !== 'Add' && node.op !== 'Sub')) return null
  const [left, right] = [number(graph, x), number(graph, other)]
  if (right !== null) {
    const by = node.op === 'Add' ? right : -right
    return { x, forth: shifted(by), back: shifted(-by) }
  }
  if (left === null) return null
  return node.op === 'Add'
    ? { x: other, forth: shifted(left), back: shifted(-left) }
    : { x: other, forth: mirrored(left), back: mirrored(left) }
}

// Every number of one side is on the other.
const whole = new Set(['Identity', 'Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'DepthToSpace'])
const parts = new Set(['Slice', 'Gather', 'MaxPool', 'GlobalMaxPool', 'Expand', 'Tile'])

const shifted =
  (by: number) =>
  ({ min, max, scale }: Grid): Grid => ({ min: min + by, max: max + by, scale })
const mirrored =
  (at: number) =>
  ({ min, max, scale }: Grid): Grid => ({ min: at - max, max: at - min, scale })

function number(graph: Graph, name: ValueName): number | null {
  const tensor = graph.values.get(name)?.data
  const content = tensor ? contentOf(tensor) : null
  return content?.length === 1 ? content[0] : null
}
