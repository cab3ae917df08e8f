// Operators that move channels about and compute nothing, or average over what is not a channel.
import type { ChannelNormals } from '../../ir/channel-normals.ts'
import { attrInt, attrInts, attrString, type Dim, type ValueName } from '../../ir/model.ts'
import { contentOf } from '../../ops/content.ts'
import { constantOf, first, type Rule, type Surroundings, shapeOf } from './surroundings.ts'

/** The channels that are numbered, in that order; null is one that is always zero. */
function picked(x: ChannelNormals, axis: number, from: readonly (number | null)[]): ChannelNormals {
  const of = (values: Float64Array): Float64Array => Float64Array.from(from, c => (c === null ? 0 : values[c]))
  return { axis, mean: of(x.mean), deviation: of(x.deviation), low: of(x.low), high: of(x.high) }
}

const all = ({ mean }: ChannelNormals): number[] => [...mean.keys()]

const transpose: Rule = (node, around) => {
  const x = first(node, around)
  const rank = shapeOf(around.graph, node.inputs[0])?.length
  if (!x || rank === undefined) return null
  const perm = attrInts(node, 'perm') ?? [...Array(rank).keys()].reverse()
  return { ...x, axis: perm.indexOf(x.axis) }
}

/** Elements of one channel stay in one run: [N, C, H, W] to [N, C * H * W], or dimensions of 1 come and go. */
const reshape: Rule = (node, { graph, known }) => {
  const x = known.get(node.inputs[0] ?? '')
  const [from, to] = [shapeOf(graph, node.inputs[0]), shapeOf(graph, node.outputs[0])]
  if (!x || !from || !to) return null
  const size = (shape: readonly Dim[]): number =>
    shape.reduce<number>((n, d) => n * (typeof d === 'number' ? d : Number.NaN), 1)
  const inner = size(from.slice(x.axis + 1))
  for (const [axis, d] of to.entries()) {
    if (typeof d !== 'number' || d % x.mean.length !== 0) continue
    const repeat = d / x.mean.length
    if (repeat * size(to.slice(axis + 1)) !== inner) continue
    return picked(
      x,
      axis,
      Array.from({ length: d }, (_, i) => Math.floor(i / repeat)),
    )
  }
  return null
}

const reduceMean: Rule = (node, around) => {
  const x = first(node, around)
  const rank = shapeOf(around.graph, node.inputs[0])?.length
  const axes = attrInts(node, 'axes') ?? numbers(node.inputs[1], around)
  if (!x || !axes || rank === undefined) return null
  const at = axes.map(a => (a < 0 ? a + rank : a))
  if (at.includes(x.axis)) return null
  return attrInt(node, 'keepdims', 1) ? x : { ...x, axis: x.axis - at.filter(a => a < x.axis).length }
}

const concat: Rule = (node, { graph, known }) => {
  const parts = node.inputs.map(name => known.get(name ?? '') ?? null)
  const rank = shapeOf(graph, node.outputs[0])?.length
  if (rank === undefined || !parts.every(p => p !== null)) return null
  const along = attrInt(node, 'axis', 1)
  const { axis } = parts[0]
  if (parts.some(p => p.axis !== axis) || (along < 0 ? along + rank : along) !== axis) return null
  const joined = (of: (p: ChannelNormals) => Float64Array): Float64Array =>
    Float64Array.from(parts.flatMap(p => [...of(p)]))
  return {
    axis,
    mean: joined(p => p.mean),
    deviation: joined(p => p.deviation),
    low: joined(p => p.low),
    high: joined(p => p.high),
  }
}

/** Zeros around a plane are between what is there in any case; zeros beside the channels are channels. */
const pad: Rule = (node, around) => {
  const x = first(node, around)
  const rank = shapeOf(around.graph, node.inputs[0])?.length
  const pads = numbers(node.inputs[1], around)
  const fill = node.inputs[2] == null ? [0] : numbers(node.inputs[2], around)
  if (!x || rank === undefined || pads?.length !== 2 * rank || fill?.[0] !== 0) return null
  if (node.inputs[3] != null || attrString(node, 'mode', 'constant') !== 'constant') return null
  const [before, after] = [pads[x.axis], pads[x.axis + rank]]
  if (before < 0 || after < 0) return null
  const zeros = (n: number): null[] => new Array<null>(n).fill(null)
  return picked(x, x.axis, [...zeros(before), ...all(x), ...zeros(after)])
}

const slice: Rule = (node, around) => {
  const x = first(node, around)
  const rank = shapeOf(around.graph, node.inputs[0])?.length
  const [starts, ends] = [1, 2].map(i => numbers(node.inputs[i], around))
  if (!x || rank === undefined || !starts || !ends) return null
  const axes = node.inputs[3] == null ? [...starts.keys()] : numbers(node.inputs[3], around)
  const steps = node.inputs[4] == null ? starts.map(() => 1) : numbers(node.inputs[4], around)
  if (!axes || !steps) return null
  const at = axes.findIndex(a => (a < 0 ? a + rank : a) === x.axis)
  if (at < 0) return x
  if (steps[at] < 1) return null
  const width = x.mean.length
  const within = (i: number): number => Math.max(0, Math.min(width, i < 0 ? i + width : i))
  const [from, to] = [within(starts[at]), within(ends[at])]
  return picked(
    x,
    x.axis,
    all(x).filter(c => c >= from && c < to && (c - from) % steps[at] === 0),
  )
}

function numbers(name: ValueName | null | undefined, { graph }: Surroundings): number[] | null {
  const tensor = constantOf(graph, name)
  return tensor && contentOf(tensor)
}

export const moving: Readonly<Record<string, Rule>> = {
  Transpose: transpose,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  ReduceMean: reduceMean,
  Concat: concat,
  Pad: pad,
  Slice: slice,
}
