// A graph as it is drawn: nodes with one line of text, the graph's own inputs and outputs as terminals, edges by value.
import type { GraphView, NodeView } from '../../../workers/api.ts'
import type { LayerReport } from '../../jobs/report.ts'
import { shape } from '../format.ts'

export const nodeHeight = 26

export type Family = 'compute' | 'activate' | 'join' | 'move' | 'quantize' | 'terminal' | 'other'

export type Change = 'kept' | 'changed' | 'added' | 'removed'

export interface SceneNode {
  id: string // of the node, or the value of a terminal
  kind: 'node' | 'input' | 'output'
  op: string
  name: string
  detail: string // shape of the first output
  family: Family
  node: NodeView | null
  /** In a difference of two graphs: what became of it. */
  change: Change | null
}
export interface Scene {
  nodes: readonly SceneNode[]
  widths: Float32Array
  edges: Uint32Array
  /** Neighbours by edges, for keys. */
  before: readonly number[][]
  after: readonly number[][]
  /** By the node's id; then by the imported names it came from, and terminals by their value. */
  index: ReadonlyMap<string, number>
  /** Nodes that depend on constants only, left out like the weights that they are. */
  constants: number
}

const families: Record<string, Family> = {}
const group = (family: Family, ops: string) => {
  for (const op of ops.split(' ')) families[op] = family
}
group(
  'compute',
  'Conv ConvTranspose ConvInteger QLinearConv Gemm MatMul QLinearMatMul MatMulInteger LSTM GRU RNN Einsum Attention',
)
group(
  'activate',
  'Relu LeakyRelu PRelu Sigmoid Tanh Softmax LogSoftmax HardSwish HardSigmoid Gelu Clip Elu Selu Mish Erf',
)
group('join', 'Add Mul Sub Div Concat Sum Max Min')
group(
  'move',
  'Reshape Transpose Flatten Squeeze Unsqueeze Slice Gather Split Pad Expand Tile Resize Shape Identity Cast Constant',
)
group('quantize', 'QuantizeLinear DequantizeLinear DynamicQuantizeLinear')

/** What a selection is kept as: a node's id; a terminal's value marked as such, for values and nodes may share a name. */
export const keyOf = (item: SceneNode): string =>
  item.kind === 'node' ? item.id : item.kind === 'input' ? `input ${item.id}` : `output ${item.id}`

// Random operators make data of nothing; bodies of control flow read values that are not among their inputs.
const alwaysShown = /^(Random|Bernoulli|If$|Loop$|Scan$)/

/** Nodes that the model's inputs reach; the others only compute constants. */
export function livingNodes(graph: GraphView): NodeView[] {
  const fed = new Set(graph.inputs)
  return graph.nodes.filter(node => {
    const living = node.inputs.some(value => value !== null && fed.has(value)) || alwaysShown.test(node.op)
    if (living) for (const value of node.outputs) if (value !== null) fed.add(value)
    return living
  })
}

/** Width of a line of text at 12 px, by the mean advance of a proportional face; the canvas cuts what is longer. */
export const textWidth = (text: string): number => text.length * 7.4

/** What a difference says beside the graph: the change of each node by its id, and values that it reads as well. */
export interface Marks {
  changes: ReadonlyMap<string, Change>
  reads: ReadonlyMap<string, readonly string[]>
}

export function sceneOf(graph: GraphView, marks: Marks | null = null): Scene {
  const reached = livingNodes(graph)
  const living = reached.length > 0 ? reached : graph.nodes
  const values = new Map(graph.values.map(value => [value.name, value]))
  const detailOf = (value: string | null | undefined) => {
    const known = value ? values.get(value) : undefined
    // A long symbol would push everything else out of the node; the model's own tables have it in full.
    return known?.shape ? shape(known.shape.map(dim => (typeof dim === 'string' && dim.length > 8 ? '?' : dim))) : ''
  }
  const terminal = (kind: 'input' | 'output', value: string): SceneNode => ({
    id: value,
    kind,
    op: value,
    name: value,
    detail: detailOf(value),
    family: 'terminal',
    node: null,
    change: marks ? 'kept' : null,
  })
  const nodes: SceneNode[] = [
    ...graph.inputs.map(value => terminal('input', value)),
    ...living.map(
      (node): SceneNode => ({
        id: node.id,
        kind: 'node',
        op: node.op,
        name: node.id,
        detail: detailOf(node.outputs[0]),
        family: families[node.op] ?? 'other',
        node,
        change: marks?.changes.get(node.id) ?? null,
      }),
    ),
    ...graph.outputs.map(value => terminal('output', value)),
  ]
  const made = new Map<string, number>()
  nodes.forEach((item, k) => {
    if (item.kind === 'input') made.set(item.id, k)
    for (const output of item.node?.outputs ?? []) if (output) made.set(output, k)
  })
  const edges: number[] = []
  const before: number[][] = nodes.map(() => [])
  const after: number[][] = nodes.map(() => [])
  nodes.forEach((item, to) => {
    const read =
      item.kind === 'output' ? [item.id] : [...(item.node?.inputs ?? []), ...(marks?.reads.get(item.id) ?? [])]
    for (const from of new Set(read.map(value => (value ? made.get(value) : undefined)))) {
      if (from === undefined || from === to) continue
      edges.push(from, to)
      before[to].push(from)
      after[from].push(to)
    }
  })
  // Room for the figure is kept whether or not there is one yet, so that a result does not move the drawing.
  const widths = Float32Array.from(nodes, item =>
    Math.min(340, Math.max(72, textWidth(item.op) + textWidth(item.detail) + (item.kind === 'node' ? 118 : 44))),
  )
  const index = new Map<string, number>()
  const name = (key: string, k: number) => {
    if (!index.has(key)) index.set(key, k)
  }
  for (const [k, item] of nodes.entries()) if (item.kind === 'node') name(item.id, k)
  for (const [k, item] of nodes.entries()) for (const origin of item.node?.origin ?? []) name(origin, k)
  for (const [k, item] of nodes.entries()) if (item.kind !== 'node') name(keyOf(item), k)
  return {
    nodes,
    widths,
    edges: Uint32Array.from(edges),
    before,
    after,
    index,
    constants: graph.nodes.length - living.length,
  }
}

/** The report's row for each node: by its own name, or by the imported name that it came from. */
export function layersByNode(scene: Scene, layers: readonly LayerReport[]): Map<number, LayerReport> {
  const byName = new Map(layers.map(layer => [layer.node, layer]))
  const found = new Map<number, LayerReport>()
  scene.nodes.forEach((item, k) => {
    if (!item.node || item.family === 'quantize') return
    const names = [item.id, ...item.node.origin]
    const layer = names.map(name => byName.get(name)).find(row => row !== undefined && row.op === item.op)
    const loose = layer ?? byName.get(item.id)
    if (loose) found.set(k, loose)
  })
  return found
}

/** Nodes whose name, operator or origin has every word of the query. */
export function search(scene: Scene, query: string): number[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return []
  const found: number[] = []
  scene.nodes.forEach((item, k) => {
    const text = `${item.name} ${item.op} ${item.node?.origin.join(' ') ?? ''}`.toLowerCase()
    if (words.every(word => text.includes(word))) found.push(k)
  })
  return found
}
