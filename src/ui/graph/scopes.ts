// The scopes that exporters leave in names, `/layer1/layer1.0/conv1/Conv` or `encoder.0.attention`, as runs of the file's order. What lies
// between two places of a topological order can be drawn as one box without closing a cycle, whatever else the graph holds.
import type { Scene, SceneNode } from './scene.ts'

/** Part of a scene's order, both ends within. */
export interface Scope {
  label: string
  first: number
  last: number
  inner: Scope[]
}

interface Named {
  path: readonly string[]
  own: boolean // the name itself says it, rather than what the node reads
}

/** A TensorFlow converter joins the names of what it fused by `;`: the first is the node's own. */
function pathOf(item: SceneNode): Named {
  const name = (item.node?.origin[0] ?? item.id).split(';')[0]
  const separator = name.includes('/') ? '/' : '.'
  const parts = name.split(separator)
  return { path: parts.slice(0, -1).filter(Boolean), own: parts.length > 1 }
}

/** A number alone names nothing: `layer1.0`, not `0`. */
function labelOf(path: readonly string[], depth: number): string {
  const name = path[depth]
  return /^\d+$/.test(name) && depth > 0 ? `${path[depth - 1]}.${name}` : name
}

/** Whether a run of nodes hangs together by its own edges. */
export function connected({ before }: Scene, first: number, last: number): boolean {
  const root = Int32Array.from({ length: last - first + 1 }, (_, k) => k)
  const find = (k: number): number => {
    while (root[k] !== k) k = root[k] = root[root[k]]
    return k
  }
  let parts = root.length
  for (let k = first; k <= last; k++)
    for (const from of before[k]) {
      if (from < first || from > last) continue
      const [a, b] = [find(k - first), find(from - first)]
      if (a !== b) {
        root[a] = b
        parts--
      }
    }
  return parts === 1
}

const fewest = 3 // nodes of a scope: fewer are as soon read as their name

/** Scopes that hang together. One that holds the whole network says nothing; of two that hold the same, the inner says more. */
export function scopesOf(scene: Scene): Scope[] {
  const named: Named[] = []
  scene.nodes.forEach((item, k) => {
    if (item.kind !== 'node') named.push({ path: [], own: true })
    else {
      const found = pathOf(item)
      const maker = scene.before[k].find(from => from < k)
      named.push(found.own || maker === undefined ? found : { path: named[maker].path, own: false })
    }
  })
  /** `p2o.Add.3` counts the operators of a kind; that is no scope. */
  const counted = (name: string, first: number, last: number): boolean =>
    scene.nodes.slice(first, last + 1).every(({ op }) => op === name)
  const within = (first: number, last: number, depth: number, all: boolean): Scope[] => {
    const found: Scope[] = []
    for (let k = first; k <= last; k++) {
      const name = named[k].path[depth]
      if (name === undefined) continue
      const start = k
      while (k < last && named[k + 1].path[depth] === name) k++
      const whole = all && start === first && k === last
      const inner = within(start, k, depth + 1, whole)
      const same = inner.length === 1 && inner[0].first === start && inner[0].last === k
      const scope = k - start + 1 >= fewest && !counted(name, start, k) && connected(scene, start, k)
      if (whole || same || !scope) found.push(...inner)
      else found.push({ label: labelOf(named[start].path, depth), first: start, last: k, inner })
    }
    return found
  }
  const real = scene.nodes.flatMap((item, k) => (item.kind === 'node' ? [k] : []))
  return real.length === 0 ? [] : within(real[0], real.at(-1)!, 0, true)
}
