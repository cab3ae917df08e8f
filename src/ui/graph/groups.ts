// The groups of a scene that can be folded: scopes by name, and equal blocks in a row as one; each is a run of the scene's order.
import { crossed, repeatsIn, signatures } from './repeats.ts'
import type { Scene } from './scene.ts'
import { connected, type Scope, scopesOf } from './scopes.ts'

export interface Group {
  label: string
  first: number // nodes of the scene, both ends within
  last: number
  parent: number // in the list, or -1
  depth: number
  times: number // of a repetition: how many blocks, which are its inner groups; else 1
}
export interface Groups {
  list: readonly Group[] // outer before inner
  /** The innermost group of each node of the scene, or -1. */
  of: Int32Array
}

interface Tree {
  label: string
  first: number
  last: number
  times: number
  inner: Tree[]
}

const labelled = 3

export function groupsOf(scene: Scene): Groups {
  const signature = signatures(scene)
  const cut = crossed(scene)

  /** What a block without a name does: its operators, each once. */
  const opsOf = (first: number, last: number): string => {
    const ops = new Set(scene.nodes.slice(first, last + 1).flatMap(item => (item.family === 'quantize' ? [] : item.op)))
    const few = [...ops].slice(0, labelled).join(' · ')
    return ops.size > labelled ? `${few} …` : few
  }
  const grown = ({ label, first, last, inner }: Scope): Tree => {
    const parts = within(first, last, inner.map(grown))
    const [only] = parts
    // A scope that is nothing but a repetition is that repetition by the scope's name.
    if (parts.length === 1 && only.first === first && only.last === last && only.times > 1) return { ...only, label }
    return { label, first, last, times: 1, inner: parts }
  }

  /** The groups of a stretch, with what repeats in it drawn together. */
  function within(first: number, last: number, groups: Tree[]): Tree[] {
    const byStart = new Map(groups.map(group => [group.first, group]))
    const row: (Tree | { first: number; last: number })[] = []
    for (let k = first; k <= last; k = row.at(-1)!.last + 1) row.push(byStart.get(k) ?? { first: k, last: k })
    const found: Tree[] = []
    let next = 0
    const keepUntil = (end: number) => {
      for (; next < end; next++) {
        const part = row[next]
        if ('inner' in part) found.push(part)
      }
    }
    for (const { start, period, times } of repeatsIn(scene, row, signature, cut)) {
      const blocks = Array.from({ length: times }, (_, k) => {
        const parts = row.slice(start + k * period, start + (k + 1) * period)
        return blockOf(parts)
      })
      if (!blocks.every(block => connected(scene, block.first, block.last))) continue
      keepUntil(start)
      const [a, z] = [blocks[0], blocks.at(-1)!]
      found.push({ label: fromTo(a.label, z.label), first: a.first, last: z.last, times, inner: blocks })
      next = start + period * times
    }
    keepUntil(row.length)
    return found
  }
  function blockOf(parts: (Tree | { first: number; last: number })[]): Tree {
    const [only] = parts
    if (parts.length === 1 && 'inner' in only) return only
    const [first, last] = [only.first, parts.at(-1)!.last]
    const groups = parts.filter((part): part is Tree => 'inner' in part)
    return { label: opsOf(first, last), first, last, times: 1, inner: within(first, last, groups) }
  }

  const real = scene.nodes.flatMap((item, k) => (item.kind === 'node' ? [k] : []))
  const list: Group[] = []
  const of = new Int32Array(scene.nodes.length).fill(-1)
  const add = (trees: readonly Tree[], parent: number, depth: number): void => {
    for (const { label, first, last, times, inner } of trees) {
      const at = list.length
      list.push({ label, first, last, parent, depth, times })
      of.fill(at, first, last + 1)
      add(inner, at, depth + 1)
    }
  }
  if (real.length > 0) add(within(real[0], real.at(-1)!, scopesOf(scene).map(grown)), -1, 0)
  return { list, of }
}

/** `layer2.1–3` for what counts on, else both names. */
function fromTo(first: string, last: string): string {
  if (first === last) return first
  const number = /\d+$/.exec(last)
  const counts = number !== null && /\d+$/.test(first) && first.replace(/\d+$/, '') === last.slice(0, number.index)
  return counts ? `${first}–${number[0]}` : `${first} … ${last}`
}

/** The groups around a node, the outermost first. */
export function around({ list, of }: Groups, node: number): number[] {
  const found: number[] = []
  for (let group = of[node] ?? -1; group >= 0; group = list[group].parent) found.unshift(group)
  return found
}

const inSight = 60
const foldedFrom = 150

/** What is open at first: of a small graph everything, of a large one as much as is taken in at a glance, the largest groups first. */
export function firstOpen({ list }: Groups, nodes: number): Set<number> {
  if (nodes <= foldedFrom) return new Set(list.keys())
  const parts = new Map<number, number>()
  const grouped = list.reduce((sum, { first, last, parent }) => (parent < 0 ? sum + last - first + 1 : sum), 0)
  let shown = nodes - grouped + list.filter(({ parent }) => parent < 0).length
  for (const [k, { first, last }] of list.entries()) parts.set(k, last - first + 1)
  for (const { first, last, parent } of list) if (parent >= 0) parts.set(parent, parts.get(parent)! - (last - first))
  const open = new Set<number>()
  const size = (k: number) => list[k].last - list[k].first
  for (const k of [...list.keys()].sort((a, b) => size(b) - size(a) || a - b)) {
    const { parent, times } = list[k]
    // What repeats is seen once: that is what it was found for.
    if (times > 1 || (parent >= 0 && !open.has(parent)) || shown + parts.get(k)! - 1 > inSight) continue
    open.add(k)
    shown += parts.get(k)! - 1
  }
  return open
}
