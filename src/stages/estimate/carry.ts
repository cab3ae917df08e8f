// How channels taken for clipped normals go through operators. What is summed is taken for independent; averages over positions keep the
// deviation, for neighbours are alike. An operator that is not here ends what is known.
import { type ChannelNormals, fromMoments, momentsOf, unclipped } from '../../ir/channel-normals.ts'
import type { Graph, Node } from '../../ir/model.ts'
import { contentOf } from '../../ops/content.ts'
import { layerNormals } from './layers.ts'
import { moving } from './moving.ts'
import { constantOf, first, floatsOf, type Rule, type Surroundings, shapeOf } from './surroundings.ts'

/** Of the first output of `node`; null where nothing is known of it. */
export async function carry(
  node: Node,
  graph: Graph,
  known: Surroundings['known'],
  bytes: Surroundings['bytes'],
): Promise<ChannelNormals | null> {
  return (await rules[node.op]?.(node, { graph, known, bytes })) ?? null
}

const clippedTo = (x: ChannelNormals, low: number, high: number): ChannelNormals => {
  const within = (bound: number): number => Math.min(high, Math.max(low, bound))
  return { ...x, low: x.low.map(within), high: x.high.map(within) }
}

const clip: Rule = (node, around) => {
  const x = first(node, around)
  const bounds = [1, 2].map(i => {
    if (node.inputs[i] == null) return i === 1 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
    const tensor = constantOf(around.graph, node.inputs[i])
    return tensor ? (contentOf(tensor)?.[0] ?? null) : null
  })
  return x && bounds[0] !== null && bounds[1] !== null ? clippedTo(x, bounds[0], bounds[1]) : null
}

/** The same channels, so long as the output has them along the same axis. */
const same: Rule = (node, around) => {
  const x = first(node, around)
  return x && shapeOf(around.graph, node.outputs[0])?.[x.axis] === x.mean.length ? x : null
}

/** Operators of which only the bounds are taken for known, and all in between for equally likely. */
const bounded =
  (low: number, high: number): Rule =>
  (node, around) => {
    const x = first(node, around)
    if (!x) return null
    const spread = fromMoments(
      x.axis,
      x.mean.map(() => (low + high) / 2),
      x.mean.map(() => ((high - low) * (high - low)) / 12),
    )
    return clippedTo(spread, low, high)
  }

/** Each operand as channels along one axis of the output: a value, or a constant that has one number for each or for all. */
async function operandsOf(node: Node, { graph, known, bytes }: Surroundings): Promise<ChannelNormals[] | null> {
  const rank = shapeOf(graph, node.outputs[0])?.length
  const lead = node.inputs.map(name => known.get(name ?? '')).find(x => x !== undefined)
  const leadRank = shapeOf(
    graph,
    node.inputs.find(name => known.has(name ?? '')),
  )?.length
  if (!lead || rank === undefined || leadRank === undefined) return null
  const fromEnd = leadRank - lead.axis
  const width = lead.mean.length
  const operands: ChannelNormals[] = []
  for (const name of node.inputs) {
    const value = known.get(name ?? '')
    const shape = shapeOf(graph, name)
    const tensor = constantOf(graph, name)
    if (value && shape && shape.length - value.axis === fromEnd && value.mean.length === width) operands.push(value)
    else if (tensor && shape) {
      const data = await floatsOf(tensor, bytes)
      const per = data && (data.length === 1 || (data.length === width && shape[shape.length - fromEnd] === width))
      if (!per) return null
      const mean = Float64Array.from({ length: width }, (_, c) => data[data.length === 1 ? 0 : c])
      operands.push({ axis: 0, mean, deviation: mean.map(() => 0), low: mean, high: mean })
    } else return null
  }
  return operands.map(o => ({ ...o, axis: rank - fromEnd }))
}

const sum =
  (signs: (i: number) => 1 | -1): Rule =>
  async (node, around) => {
    const operands = await operandsOf(node, around)
    if (!operands) return null
    const total = unclipped(
      operands[0].axis,
      operands[0].mean.map(() => 0),
      operands[0].mean.map(() => 0),
    )
    const variance = total.mean.slice()
    total.low.fill(0)
    total.high.fill(0)
    for (const [i, operand] of operands.entries()) {
      const moments = momentsOf(operand)
      const [low, high] = signs(i) > 0 ? [operand.low, operand.high] : [operand.high, operand.low]
      for (const c of variance.keys()) {
        total.mean[c] += signs(i) * moments.mean[c]
        variance[c] += moments.variance[c]
        total.low[c] += signs(i) * low[c]
        total.high[c] += signs(i) * high[c]
      }
    }
    return { ...total, deviation: variance.map(v => Math.sqrt(v)) }
  }

const product: Rule = async (node, around) => {
  const operands = await operandsOf(node, around)
  if (operands?.length !== 2) return null
  const fixed = operands.findIndex(o => o.deviation.every((d, c) => d === 0 && o.low[c] === o.high[c]))
  if (fixed >= 0) return scaled(operands[1 - fixed], operands[fixed].mean)
  const [a, b] = operands.map(momentsOf)
  const square = (m: number, v: number): number => m * m + v
  return fromMoments(
    operands[0].axis,
    a.mean.map((m, c) => m * b.mean[c]),
    a.mean.map((m, c) => square(m, a.variance[c]) * square(b.mean[c], b.variance[c]) - m * b.mean[c] * m * b.mean[c]),
  )
}

const quotient: Rule = async (node, around) => {
  const operands = await operandsOf(node, around)
  if (operands?.length !== 2) return null
  const [x, by] = operands
  const fixed = by.deviation.every((d, c) => d === 0 && by.low[c] === by.high[c] && by.mean[c] !== 0)
  return fixed
    ? scaled(
        x,
        by.mean.map(m => 1 / m),
      )
    : null
}

function scaled(x: ChannelNormals, by: Float64Array): ChannelNormals {
  const times = (of: Float64Array): Float64Array => of.map((v, c) => (by[c] === 0 ? 0 : v * by[c]))
  const [low, high] = [times(x.low), times(x.high)]
  return {
    axis: x.axis,
    mean: times(x.mean),
    deviation: times(x.deviation).map(Math.abs),
    low: low.map((v, c) => Math.min(v, high[c])),
    high: high.map((v, c) => Math.max(v, low[c])),
  }
}

const rules: Readonly<Record<string, Rule>> = {
  ...moving,
  Relu: (node, around) => {
    const x = first(node, around)
    return x && clippedTo(x, 0, Number.POSITIVE_INFINITY)
  },
  Clip: clip,
  Identity: same,
  Dropout: same,
  MaxPool: same,
  AveragePool: same,
  GlobalAveragePool: same,
  GlobalMaxPool: same,
  Resize: same,
  Add: sum(() => 1),
  Sum: sum(() => 1),
  Sub: sum(i => (i === 0 ? 1 : -1)),
  Mul: product,
  Div: quotient,
  Sigmoid: bounded(0, 1),
  HardSigmoid: bounded(0, 1),
  Softmax: bounded(0, 1),
  Tanh: bounded(-1, 1),
  Conv: layerNormals,
  Gemm: layerNormals,
  MatMul: layerNormals,
}
