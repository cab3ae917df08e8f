// The layers of a model that a method can factor, why others stay, and their weights and statistics as its matrices want them.
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes } from '../../ir/context.ts'
import { attrInt, type Dim, type Graph, type Model, type Node, type NodeId } from '../../ir/model.ts'
import type { Moments } from '../../ir/moments.ts'
import { weightOf } from '../../ops/facts.ts'
import { layerShape, unfit } from '../../ops/patches.ts'
import { volume } from './matrix.ts'
import type { Layer, LayerCost, Method } from './types.ts'

export interface Found {
  layers: Layer[]
  skipped: { node: NodeId; why: string }[]
}

/** `model` with inferred shapes. Axes of open length count as 1. */
export function layersOf({ graph }: Model, method: Method): Found {
  const layers: Layer[] = []
  const skipped: Found['skipped'] = []
  for (const node of graph.nodes) {
    const weight = weightOf(node, graph)
    if (!weight || weight.lookup) continue
    const layer = layerOf(node, graph)
    const why = typeof layer === 'string' ? layer : method.unfit(layer)
    if (why !== null) skipped.push({ node: node.id, why })
    else layers.push(layer as Layer)
  }
  return { layers, skipped }
}

function layerOf(node: Node, graph: Graph): Layer | string {
  const why = unfit(node, graph)
  if (why !== null) return why
  const shape = layerShape(node, graph)!
  const weight = weightOf(node, graph)!
  if (shape.groups > 1) return 'its channels are in groups'
  if (attrInt(node, 'transA', 0) !== 0) return 'it turns its input round'
  const lengths = (name: string | null): number[] => (graph.values.get(name ?? '')?.shape ?? []).map(lengthOf)
  const [input, output] = [lengths(node.inputs[0]), lengths(node.outputs[0])]
  return {
    node,
    weight: weight.name,
    bias: weight.bias,
    shape,
    inputs: shape.conv ? graph.values.get(weight.name)!.data!.shape[1] : shape.columns,
    kernel: shape.conv?.kernel ?? [],
    inSize: shape.conv ? input.slice(2) : input.slice(0, -1),
    outSize: shape.conv ? output.slice(2) : output.slice(0, -1),
  }
}

const lengthOf = (d: Dim): number => (typeof d === 'number' ? d : 1)

/** [outputs, columns]. */
export async function weightsOf(layer: Layer, model: Model, bytes: Pick<Bytes, 'read'>): Promise<Float64Array> {
  const { channels, columns, at } = layer.shape
  const data = await readFloats(bytes, model.graph.values.get(layer.weight)!.data!)
  const rows = new Float64Array(channels * columns)
  for (let c = 0; c < channels; c++) for (let j = 0; j < columns; j++) rows[c * columns + j] = data[at(0, c, j)]
  return rows
}

/** Products of the columns, [k, k]; `centred` around their means, where a bias makes up for these. */
export function covarianceOf({ h, k, n }: Moments, centred: boolean): Float64Array {
  const out = new Float64Array(k * k)
  const mean = (i: number): number => (centred ? h[i * (k + 1) + k] / n : 0)
  for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) out[i * k + j] = h[i * (k + 1) + j] / n - mean(i) * mean(j)
  return out
}

/** What a layer costs as it is. */
export function wholeCost({ shape: { channels, columns }, outSize }: Layer): LayerCost {
  const parameters = channels * columns
  return { parameters, macs: parameters * volume(outSize) }
}
