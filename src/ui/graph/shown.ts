// What is drawn of a scene: its nodes, but one item for each folded group; flat arrays that the layout thread is given.
import type { Groups } from './groups.ts'
import { around } from './groups.ts'
import { keyOf, type Scene, textWidth } from './scene.ts'
import type { LayoutInput } from './types.ts'

export interface Item {
  node: number // of the scene; of a folded group its first
  group: number // the folded group, or -1
}
export interface Shown {
  items: readonly Item[]
  /** The item that shows each node of the scene. */
  of: Int32Array
  widths: Float32Array
  edges: Uint32Array
  before: readonly number[][]
  after: readonly number[][]
  /** Groups that stand open, and so have a frame; the innermost of each item, or -1; the one around each, or -1. */
  open: readonly number[]
  frameOf: Int32Array
  frameParent: Int32Array
}

/** What the selection is kept as while it is a group. */
export const groupKey = (group: number): string => `group ${group}`
export const groupOfKey = (key: string | null): number => (key?.startsWith('group ') ? Number(key.slice(6)) : -1)

export const timesOf = (times: number): string => (times > 1 ? `×${times}` : '')

export function shownOf(scene: Scene, groups: Groups, opened: ReadonlySet<number>): Shown {
  const { list, of: inner } = groups
  const closed: number[] = []
  for (const [k, { parent }] of list.entries())
    closed.push(parent >= 0 && closed[parent] >= 0 ? closed[parent] : opened.has(k) ? -1 : k)
  const items: Item[] = []
  const itemOf = new Int32Array(scene.nodes.length)
  for (let k = 0; k < scene.nodes.length; k++) {
    const group = inner[k] >= 0 ? closed[inner[k]] : -1
    if (group < 0 || list[group].first === k) items.push({ node: k, group })
    itemOf[k] = items.length - 1
  }
  const edges: number[] = []
  const before: number[][] = items.map(() => [])
  const after: number[][] = items.map(() => [])
  const seen = new Set<number>()
  for (let k = 0; k < scene.edges.length; k += 2) {
    const [from, to] = [itemOf[scene.edges[k]], itemOf[scene.edges[k + 1]]]
    const key = from * items.length + to
    if (from === to || seen.has(key)) continue
    seen.add(key)
    edges.push(from, to)
    before[to].push(from)
    after[from].push(to)
  }
  const open = [...list.keys()].filter(k => closed[k] < 0)
  const frame = new Map(open.map((group, k) => [group, k]))
  const frameOfGroup = (group: number) => frame.get(group) ?? -1
  return {
    items,
    of: itemOf,
    widths: Float32Array.from(items, ({ node, group }) => (group < 0 ? scene.widths[node] : groupWidth(list[group]))),
    edges: Uint32Array.from(edges),
    before,
    after,
    open,
    frameOf: Int32Array.from(items, ({ node, group }) => frameOfGroup(group < 0 ? inner[node] : list[group].parent)),
    frameParent: Int32Array.from(open, group => frameOfGroup(list[group].parent)),
  }
}

const groupWidth = ({ label, times, first, last }: Groups['list'][number]): number =>
  Math.min(340, Math.max(140, textWidth(label) + textWidth(timesOf(times)) + textWidth(String(last - first + 1)) + 156))

export const layoutInput = ({ widths, edges, frameOf, frameParent }: Shown, height: number): LayoutInput => ({
  widths,
  height,
  edges,
  frameOf,
  frameParent,
})

/** The item that a selection is shown on: itself, or the folded group around it. */
export function itemOf(scene: Scene, groups: Groups, shown: Shown, key: string | null): number {
  const group = groupOfKey(key)
  if (group >= 0 && group < groups.list.length) {
    const at = shown.of[groups.list[group].first]
    return shown.items[at].group >= 0 ? at : -1
  }
  const node = scene.index.get(key ?? '')
  return node === undefined ? -1 : shown.of[node]
}

export const keyOfItem = (scene: Scene, { node, group }: Item): string =>
  group >= 0 ? groupKey(group) : keyOf(scene.nodes[node])

/** The groups that hide a node, so that opening them shows it. */
export const hiding = (groups: Groups, opened: ReadonlySet<number>, node: number): number[] =>
  around(groups, node).filter(group => !opened.has(group))
