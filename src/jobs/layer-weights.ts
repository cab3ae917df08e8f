// The weights of a layer as they are looked at: their histogram, and for each output channel the five figures of a box plot.
import { readFloats } from '../ir/bytes.ts'
import type { Bytes } from '../ir/context.ts'
import type { Graph, Model, Node } from '../ir/model.ts'
import { weightOf } from '../ops/facts.ts'
import { groupsOf } from '../stages/quantize/weight-scales.ts'
import type { Bins } from './bins.ts'

export interface LayerWeights {
  value: string
  shape: readonly number[]
  /** Elements that are zero, and all. */
  zeros: number
  count: number
  bins: Bins
  /** Smallest, lower quartile, median, upper quartile and largest of each output channel; null where there are none. */
  channels: Float32Array | null
}

export const figuresPerChannel = 5
const binCount = 64

/** The node of that name, or else the first that came from it. */
export const nodeNamed = ({ nodes }: Graph, names: readonly string[]): Node | undefined =>
  nodes.find(node => names.includes(node.id)) ?? nodes.find(node => node.origin.some(name => names.includes(name)))

/** null where no such node has weights. */
export async function layerWeights(
  { graph }: Model,
  names: readonly string[],
  bytes: Bytes,
): Promise<LayerWeights | null> {
  const node = nodeNamed(graph, names)
  const fact = node && weightOf(node, graph)
  if (!fact) return null
  const tensor = graph.values.get(fact.name)!.data!
  const data = await readFloats(bytes, tensor)
  const { axis } = fact
  return {
    value: fact.name,
    shape: tensor.shape,
    count: data.length,
    ...counted(data),
    channels: axis === null ? null : boxes(data, tensor.shape, axis),
  }
}

function counted(data: Float32Array): Pick<LayerWeights, 'zeros' | 'bins'> {
  let [low, high, zeros] = [0, 0, 0]
  for (const x of data) {
    if (x < low) low = x
    if (x > high) high = x
    if (x === 0) zeros++
  }
  const counts = new Float64Array(binCount)
  const perUnit = high > low ? binCount / (high - low) : 0
  for (const x of data) counts[Math.min(binCount - 1, Math.floor((x - low) * perUnit))]++
  return { zeros, bins: { low, high, counts } }
}

function boxes(data: Float32Array, shape: readonly number[], axis: number): Float32Array {
  const groups = groupsOf(data, shape, { granularity: { kind: 'channel', axis } })
  const figures = new Float32Array(figuresPerChannel * groups.length)
  for (const [channel, group] of groups.entries()) {
    group.sort()
    for (let k = 0; k < figuresPerChannel; k++)
      figures[figuresPerChannel * channel + k] = sortedQuantile(group, k / (figuresPerChannel - 1))
  }
  return figures
}

/** Linear between neighbours, as NumPy has it. */
function sortedQuantile(sorted: Float32Array, q: number): number {
  const at = q * (sorted.length - 1)
  const low = Math.floor(at)
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low])
}
