// The parts of a network that are reconstructed together (BRECQ: Li et al., "Pushing the Limit of Post-Training Quantization by Block
// Reconstruction", 2021, section 3.2): what lies between two values through which everything passes, as a residual block does. Where a
// part has too many layers or operators without a gradient, its layers are taken one by one.
import { type Graph, type Node, reads, requiredInputs, type ValueName } from '../../../ir/model.ts'
import type { Training } from '../../../ir/training.ts'
import { weightOf } from '../../../ops/facts.ts'
import type { Layer } from './refit-moments.ts'

export interface Block {
  layers: Layer[]
  /** What depends on the layers' weights and leads to the output, in order. */
  nodes: Node[]
  /** What these nodes read and do not make, constants aside. */
  inputs: ValueName[]
  output: ValueName
}

// More values than those of a long block would not fit into memory.
const mostLayers = 8

export function blocksOf(graph: Graph, layers: readonly Layer[], training: Training): Block[] {
  const layerOf = new Map(layers.map(layer => [layer.node.id, layer]))
  // Layers are those of the float model; a repair before may have given one of them another bias.
  const nodeOf = new Map(graph.nodes.map(node => [node.id, node]))
  const inside = (nodes: readonly Node[]): Layer[] => nodes.flatMap(n => layerOf.get(n.id) ?? [])
  return stretches(graph, node => layerOf.has(node.id), training).flatMap(nodes => {
    const own = inside(nodes)
    const whole = own.length === 0 ? null : blockOf(own, nodes, nodes.at(-1)!.outputs[0]!, graph)
    if (whole && own.length <= mostLayers && !training.refusal(whole.nodes)) return [whole]
    return own
      .map(layer => blockOf([layer], [nodeOf.get(layer.node.id)!], layer.output, graph))
      .filter(block => !training.refusal(block.nodes))
  })
}

function blockOf(layers: Layer[], nodes: readonly Node[], output: ValueName, graph: Graph): Block {
  const active = new Set(layers.map(l => l.output))
  for (const node of nodes) if (reads(node).some(name => active.has(name))) for (const o of node.outputs) active.add(o!)
  const needed = new Set([output])
  for (const node of nodes.toReversed())
    if (node.outputs.some(o => needed.has(o!))) for (const name of reads(node)) needed.add(name)
  const kept = nodes.filter(node => node.outputs.some(o => active.has(o!) && needed.has(o!)))
  const made = new Set(kept.flatMap(n => n.outputs))
  const read = new Set(kept.flatMap(reads))
  const inputs = [...read].filter(name => !made.has(name) && !graph.values.get(name)?.data)
  return { layers, nodes: kept, inputs, output }
}

/**
 * Runs of nodes that end where a single value is alive, each with at least one layer. What follows on a layer's stretch without weights
 * belongs to it, so that activations and pools are in the loss, up to what has no gradient; a depthwise layer is joined to the next.
 */
function stretches(graph: Graph, isLayer: (node: Node) => boolean, training: Training): Node[][] {
  const found: Node[][] = []
  let current: Node[] = []
  for (const piece of pieces(graph)) {
    const weighted = piece.some(isLayer)
    const last = current.findLast(isLayer)
    const closed = last !== undefined && !weightOf(last, graph)?.depthwise
    const starts = weighted || piece.some(normalizes) || training.refusal(piece) !== null
    if (closed && starts) {
      found.push(current)
      current = []
    }
    if (weighted || current.some(isLayer)) current.push(...piece)
  }
  return current.some(isLayer) ? [...found, current] : found
}

/** The nodes in order, parted wherever one value alone is alive. */
function* pieces(graph: Graph): Iterable<Node[]> {
  const lastRead = new Map<ValueName, number>()
  for (const [i, node] of graph.nodes.entries()) for (const name of reads(node)) lastRead.set(name, i)
  for (const name of graph.outputs) lastRead.set(name, graph.nodes.length)
  let alive = new Set<ValueName>(requiredInputs(graph))
  const fed = new Set(alive)
  let piece: Node[] = []
  for (const [i, node] of graph.nodes.entries()) {
    piece.push(node)
    // What comes of constants alone can be had anywhere.
    if (reads(node).some(name => fed.has(name))) for (const o of node.outputs) if (o !== null) fed.add(o)
    for (const o of node.outputs) if (o !== null && fed.has(o)) alive.add(o)
    alive = new Set([...alive].filter(name => (lastRead.get(name) ?? -1) > i))
    if (alive.size > 1 || !node.outputs.some(o => o !== null && alive.has(o))) continue
    yield piece
    piece = []
  }
  if (piece.length > 0) yield piece
}

const normalizes = ({ op }: Node): boolean => op === 'Softmax' || op === 'LogSoftmax'

/** The outputs, or what they are computed from where that has no gradient or only makes shares of them, as a Softmax at the end. */
export function endsOf(graph: Graph, training: Training): ValueName[] {
  const refuses = (node: Node): boolean => normalizes(node) || training.refusal([node]) !== null
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)))
  return graph.outputs.map(output => {
    let name = output
    for (let node = makers.get(name); node && refuses(node) && node.inputs[0]; node = makers.get(name))
      name = node.inputs[0]
    return name
  })
}
