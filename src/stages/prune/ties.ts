// Which positions along the axes of a graph's values can only go together: a union-find over all of them (Tarjan, Efficiency of a
// Good But Not Linear Set Union Algorithm, 1975). Positions that must stay take their whole set with them, and say why.
import type { NodeId } from '../../ir/model.ts'

/** The positions along one axis, by number; null for an axis of open length, along which nothing is ever removed. */
export type Axis = Int32Array | null

/** What keeps positions: the node and what it does to them, as the rest of a sentence that begins with it. */
export interface Block {
  node: NodeId | null // null: the model itself
  why: string
}

export interface Ties {
  axis(length: number): Int32Array
  /** `a[i]` and `b[at + i]` go together. Where one of both is open, the other must stay. */
  same(a: Axis, b: Axis, at: number, by: Block): void
  join(a: number, b: number): void
  fix(axis: Axis, by: Block): void
  set(position: number): number
  blockOf(position: number): Block | null
}

export function openTies(): Ties {
  let parents = new Int32Array(1024)
  let count = 0
  const blocks = new Map<number, Block>()

  const set = (position: number): number => {
    let root = position
    while (parents[root] !== root) root = parents[root]
    for (let at = position; at !== root; ) {
      const next = parents[at]
      parents[at] = root
      at = next
    }
    return root
  }
  const join = (a: number, b: number): void => {
    const [low, high] = [set(a), set(b)].sort((x, y) => x - y)
    if (low === high) return
    parents[high] = low
    const block = blocks.get(low) ?? blocks.get(high)
    if (block) blocks.set(low, block)
  }
  const fix = (axis: Axis, by: Block): void => {
    for (const position of axis ?? []) if (!blocks.has(set(position))) blocks.set(set(position), by)
  }
  return {
    axis(length) {
      while (count + length > parents.length) {
        const more = new Int32Array(2 * parents.length)
        more.set(parents)
        parents = more
      }
      const axis = Int32Array.from({ length }, (_, i) => count + i)
      for (const position of axis) parents[position] = position
      count += length
      return axis
    },
    same(a, b, at, by) {
      if (a && b && at + a.length <= b.length) for (let i = 0; i < a.length; i++) join(a[i], b[at + i])
      else {
        fix(a, by)
        fix(b, by)
      }
    },
    join,
    fix,
    set,
    blockOf: position => blocks.get(set(position)) ?? null,
  }
}
