// Two graphs as one: the compressed graph, each node beside what it was in the original, and what is gone in its old place.
import type { GraphView, NodeView } from '../../../workers/api.ts'
import { bytes, type Locale, shape } from '../format.ts'
import { type Change, livingNodes, type Scene, sceneOf } from './scene.ts'

export const changes: readonly Change[] = ['kept', 'changed', 'added', 'removed']

/** What a node was and is: operators, the shape of what it gives, bytes of its weights; null where that is the same. */
export interface Became {
  ops: readonly [string, string] | null
  shapes: readonly [string, string] | null
  bytes: readonly [number, number] | null
  attrs: readonly string[] // attributes that differ, by name
}
export interface Difference {
  scene: Scene
  counts: Readonly<Record<Change, number>>
  /** Of the changed nodes, by id. */
  became: ReadonlyMap<string, Became>
}

const quantizing = /^(Dynamic)?(Quantize|Dequantize)Linear$/

const shapeOf = (graph: GraphView): ((node: NodeView) => string) => {
  const shapes = new Map(graph.values.map(value => [value.name, value.shape]))
  return node => shape(shapes.get(node.outputs[0] ?? '') ?? null)
}

/** The node that stands for each original one: of those that came from it the one with its operator, else the last that computes. */
function standIns(originals: ReadonlyMap<string, NodeView>, nodes: readonly NodeView[]): Map<string, NodeView> {
  const found = new Map<string, NodeView>()
  for (const node of nodes)
    for (const name of node.origin) {
      const was = originals.get(name)
      if (!was || (quantizing.test(node.op) && !quantizing.test(was.op))) continue
      if (found.get(name)?.op !== was.op) found.set(name, node)
    }
  return found
}

export function differenceOf(original: GraphView, compressed: GraphView): Difference {
  const before = livingNodes(original)
  const originals = new Map(before.map(node => [node.id, node]))
  const standIn = standIns(originals, compressed.nodes)
  const was = new Map<string, NodeView[]>()
  for (const [name, node] of standIn) was.set(node.id, [...(was.get(node.id) ?? []), originals.get(name)!])
  const [shapeBefore, shapeAfter] = [shapeOf(original), shapeOf(compressed)]

  const status = new Map<string, Change>()
  const became = new Map<string, Became>()
  for (const node of compressed.nodes) {
    const from = was.get(node.id)
    if (!from) {
      status.set(node.id, 'added')
      continue
    }
    const how = becomes(from, node, shapeBefore, shapeAfter)
    status.set(node.id, how ? 'changed' : 'kept')
    if (how) became.set(node.id, how)
  }

  // What is gone is read from where its inputs are made now, and leads to what reads its output now, as far as that is below it.
  const makerOf = new Map(before.flatMap(node => node.outputs.map(value => [value, node] as const)))
  const position = new Map(compressed.nodes.map((node, k) => [node.id, k]))
  const ghost = (value: string) => `removed ${value}`
  const gone = new Map<string, { node: NodeView; after: number }>()
  const reads = new Map<string, string[]>()
  for (const node of before) {
    if (standIn.has(node.id)) continue
    let after = -1
    const inputs = node.inputs.map(value => {
      const maker = value === null ? undefined : makerOf.get(value)
      if (!maker) return value
      const lost = gone.get(maker.id)
      const now = standIn.get(maker.id)
      after = Math.max(after, lost ? lost.after : now ? position.get(now.id)! : -1)
      return lost ? ghost(value!) : (now?.outputs[maker.outputs.indexOf(value)] ?? now?.outputs[0] ?? null)
    })
    const outputs = node.outputs.map(value => (value === null ? null : ghost(value)))
    gone.set(node.id, {
      node: { ...node, id: position.has(node.id) ? ghost(node.id) : node.id, inputs, outputs, origin: [node.id] },
      after,
    })
  }
  for (const node of before) {
    const now = standIn.get(node.id)
    if (!now) continue
    for (const value of node.inputs) {
      const lost = gone.get(makerOf.get(value)?.id ?? '')
      if (lost && lost.after < position.get(now.id)!) reads.set(now.id, [...(reads.get(now.id) ?? []), ghost(value!)])
    }
  }
  const behind = new Map<number, NodeView[]>()
  for (const { node, after } of gone.values()) {
    status.set(node.id, 'removed')
    behind.set(after, [...(behind.get(after) ?? []), node])
  }
  const nodes = [...(behind.get(-1) ?? []), ...compressed.nodes.flatMap((node, k) => [node, ...(behind.get(k) ?? [])])]
  const values = original.values.map(value => ({ ...value, name: ghost(value.name) }))
  const scene = sceneOf({ ...compressed, nodes, values: [...compressed.values, ...values] }, { changes: status, reads })
  const counts = { kept: 0, changed: 0, added: 0, removed: 0 }
  for (const { node, change } of scene.nodes) if (node && change) counts[change]++
  return { scene, counts, became }
}

function becomes(
  from: readonly NodeView[],
  node: NodeView,
  shapeBefore: (node: NodeView) => string,
  shapeAfter: (node: NodeView) => string,
): Became | null {
  const main = from.find(({ op }) => op === node.op) ?? from[0]
  const last = from.at(-1)!
  const ops = from.map(({ op }) => op).join(' + ')
  const shapes = [shapeBefore(last), shapeAfter(node)] as const
  const weights = [from.reduce((sum, one) => sum + one.bytes, 0), node.bytes] as const
  const before = new Map(main.attrs.map(({ name, text }) => [name, text]))
  const after = new Map(node.attrs.map(({ name, text }) => [name, text]))
  const names = [...new Set([...before.keys(), ...after.keys()])]
  const how: Became = {
    ops: ops === node.op ? null : [ops, node.op],
    shapes: shapes[0] === shapes[1] ? null : shapes,
    bytes: weights[0] === weights[1] ? null : weights,
    attrs: main.op === node.op ? names.filter(name => before.get(name) !== after.get(name)) : [],
  }
  return how.ops || how.shapes || how.bytes || how.attrs.length > 0 ? how : null
}

/** `Conv + Relu → Conv, 9.28 kB → 2.37 kB`; names and figures only, so that it reads the same in every language. */
export function becameText({ ops, shapes, bytes: size, attrs }: Became, locale: Locale): string {
  const arrow = ([was, is]: readonly [string, string]) => `${was} → ${is}`
  return [
    ...(ops ? [arrow(ops)] : []),
    ...(shapes ? [arrow(shapes)] : []),
    ...(size ? [arrow([bytes(size[0], locale), bytes(size[1], locale)])] : []),
    ...attrs,
  ].join(', ')
}
