// Layers that combine blobs, scale and normalise them, or reduce them. Tencent/ncnn: docs/developer-guide/operators.md and src/layer.
import { paramFloat, paramFloats, paramInt, paramInts } from '../../formats/ncnn-param.ts'
import { float, int, ints } from '../../ir/model.ts'
import type { LayerGraph } from '../layer-graph.ts'
import type { NcnnReader, NcnnReaders } from './types.ts'

/** Operator, and whether its sides are swapped. */
const binaryOps: readonly (readonly [op: string, swapped: boolean])[] = [
  ['Add', false],
  ['Sub', false],
  ['Mul', false],
  ['Div', false],
  ['Max', false],
  ['Min', false],
  ['Pow', false],
  ['Sub', true],
  ['Div', true],
  ['Pow', true],
]

const binaryOp: NcnnReader = (layer, { graph }) => {
  const type = paramInt(layer, 0, 0)
  const known = binaryOps[type]
  if (!known) throw graph.refuse(`its operation is of the type ${type}`, 'Replace the operation before converting.')
  const [op, swapped] = known
  const scalar = paramInt(layer, 1, 0) !== 0
  const a = layer.inputs[0]
  const b = scalar ? graph.floats('b', [paramFloat(layer, 2, 0)], []) : layer.inputs[1]
  const [left, right] = scalar ? [a, b] : aligned(graph, a, b)
  graph.node(op, swapped ? [right, left] : [left, right], layer.outputs)
}

/** A blob of fewer dimensions is spread over the inner ones, the other way round than in ONNX: it gets ones at its end. */
function aligned(graph: LayerGraph, a: string, b: string): [string, string] {
  const [rankA, rankB] = [graph.rank(a), graph.rank(b)]
  const spread = (x: string, from: number, to: number): string => {
    const shape = graph.shape(x) ?? []
    const wide = graph.shape(x === a ? b : a) ?? []
    // A vector that fits the innermost dimension and not the outermost runs along that one.
    const inner = from === 2 && shape[1] !== wide[1] && shape[1] === wide.at(-1)
    const axes = Array.from({ length: to - from }, (_, i) => (inner ? i + 1 : from + i))
    return graph.node('Unsqueeze', [x, graph.ints('axes', axes)])
  }
  if (rankA < rankB) return [spread(a, rankA, rankB), b]
  if (rankB < rankA) return [a, spread(b, rankB, rankA)]
  return [a, b]
}

/** Operation 0 product, 1 sum (with factors), 2 maximum. */
const eltwise: NcnnReader = (layer, { graph }) => {
  const type = paramInt(layer, 0, 0)
  const op = ['Mul', 'Add', 'Max'][type]
  if (op === undefined) throw graph.refuse(`its operation is of the type ${type}`, 'Replace the operation.')
  eltwiseOf(graph, op, layer.inputs, type === 1 ? paramFloats(layer, 1) : [], layer.outputs)
}

export function eltwiseOf(
  graph: LayerGraph,
  op: string,
  inputs: readonly string[],
  factors: readonly number[],
  outputs: readonly string[],
): void {
  const scaled = inputs.map((x, i) =>
    (factors[i] ?? 1) === 1 ? x : graph.node('Mul', [x, graph.floats('coefficient', [factors[i]], [])]),
  )
  let sum = scaled[0]
  for (let i = 1; i < scaled.length; i++)
    sum = graph.node(op, [sum, scaled[i]], i === scaled.length - 1 ? outputs : undefined)
  if (scaled.length === 1) graph.alias(outputs[0], sum)
}

const batchNorm: NcnnReader = (layer, { graph, weights }) => {
  const count = paramInt(layer, 0, 0)
  const [slope, mean, variance, bias] = [0, 1, 2, 3].map(() => weights.raw(count))
  const terms = [graph.constant('slope', slope), graph.constant('bias', bias)]
  const moments = [graph.constant('mean', mean), graph.constant('var', variance)]
  graph.node('BatchNormalization', [layer.inputs[0], ...terms, ...moments], layer.outputs, {
    epsilon: float(paramFloat(layer, 1, 0)),
  })
}

const scale: NcnnReader = (layer, { graph, weights }) => {
  const count = paramInt(layer, 0, 0)
  const [x, other] = layer.inputs
  if (count === -233) {
    const [left, right] = aligned(graph, x, other)
    graph.node('Mul', [left, right], layer.outputs)
    return
  }
  const factors = weights.raw(count)
  if (paramInt(layer, 1, 0) === 0) graph.channelwise('Mul', x, 'scale', factors, layer.outputs[0])
  else {
    const bias = weights.raw(count)
    graph.channelwise('Add', graph.channelwise('Mul', x, 'scale', factors), 'bias', bias, layer.outputs[0])
  }
}

const bias: NcnnReader = (layer, { graph, weights }) => {
  graph.channelwise('Add', layer.inputs[0], 'bias', weights.raw(paramInt(layer, 0, 0)), layer.outputs[0])
}

const instanceNorm: NcnnReader = (layer, { graph, weights }) => {
  const count = paramInt(layer, 0, 0)
  const affine = paramInt(layer, 2, 1) !== 0
  const [gamma, beta] = affine
    ? [graph.constant('gamma', weights.raw(count)), graph.constant('beta', weights.raw(count))]
    : [graph.floats('gamma', new Float32Array(count).fill(1)), graph.floats('beta', new Float32Array(count))]
  graph.node('InstanceNormalization', [layer.inputs[0], gamma, beta], layer.outputs, {
    epsilon: float(paramFloat(layer, 1, 0.001)),
  })
}

/** Groups as instances of one channel each, and back. */
const groupNorm: NcnnReader = (layer, { graph, weights }) => {
  const group = paramInt(layer, 0, 1)
  const count = paramInt(layer, 1, 0)
  const [x] = layer.inputs
  const shape = graph.shape(x)?.slice(2) ?? []
  if (!shape.every(d => typeof d === 'number'))
    throw graph.refuse('the size of its input is not known', 'Give the shape of the input.')
  const affine = paramInt(layer, 3, 1) !== 0
  const grouped = graph.node('Reshape', [x, graph.ints('groups', [0, group, -1])])
  const one = [graph.floats('one', new Float32Array(group).fill(1)), graph.floats('zero', new Float32Array(group))]
  const normal = graph.node('InstanceNormalization', [grouped, ...one], undefined, {
    epsilon: float(paramFloat(layer, 2, 0.001)),
  })
  const back = graph.node(
    'Reshape',
    [normal, graph.ints('shape', [0, count, ...shape])],
    affine ? undefined : layer.outputs,
  )
  if (!affine) return
  const gamma = weights.raw(count)
  const beta = weights.raw(count)
  graph.channelwise('Add', graph.channelwise('Mul', back, 'gamma', gamma), 'beta', beta, layer.outputs[0])
}

/** Over the innermost dimension, or over as many as affine_size covers. */
const layerNorm: NcnnReader = (layer, { graph, weights }) => {
  const count = paramInt(layer, 0, 0)
  const [x] = layer.inputs
  const shape = graph.shape(x) ?? []
  let axis = shape.length
  for (let size = 1; size !== count; ) {
    const dim = shape[--axis]
    if (axis < 1 || typeof dim !== 'number')
      throw graph.refuse(
        `it normalises ${count} numbers, which no dimensions of its input are`,
        'Give the input shape.',
      )
    size *= dim
  }
  const affine = paramInt(layer, 2, 1) !== 0
  const ends = shape.slice(axis) as number[]
  const gamma = affine
    ? graph.constant('gamma', { ...weights.raw(count), shape: ends })
    : graph.floats('gamma', new Float32Array(count).fill(1), ends)
  const beta = affine ? [graph.constant('beta', { ...weights.raw(count), shape: ends })] : []
  graph.node('LayerNormalization', [x, gamma, ...beta], layer.outputs, {
    axis: int(axis),
    epsilon: float(paramFloat(layer, 1, 0.001)),
  })
}

const lrn: NcnnReader = (layer, { graph }) => {
  if (paramInt(layer, 0, 0) !== 0)
    throw graph.refuse('it normalises within channels', 'Replace the normalisation before converting.')
  graph.node('LRN', [layer.inputs[0]], layer.outputs, {
    size: int(paramInt(layer, 1, 5)),
    alpha: float(paramFloat(layer, 2, 1)),
    beta: float(paramFloat(layer, 3, 0.75)),
    bias: float(paramFloat(layer, 4, 1)),
  })
}

/** Across the channels at each position: x / sqrt(sum of squares + eps) * scale. */
const normalize: NcnnReader = (layer, { graph, weights }) => {
  const [x] = layer.inputs
  if (paramInt(layer, 0, 0) !== 0 || paramInt(layer, 4, 0) !== 1 || paramInt(layer, 9, 0) !== 0)
    throw graph.refuse('it normalises over positions or guards its root otherwise', 'Replace it before converting.')
  const squares = graph.node('ReduceSumSquare', [x], undefined, { axes: ints([1]), keepdims: int(1) })
  const guarded = graph.node('Add', [squares, graph.floats('eps', [paramFloat(layer, 2, 0.0001)], [])])
  const normal = graph.node('Div', [x, graph.node('Sqrt', [guarded])])
  graph.channelwise('Mul', normal, 'scale', weights.raw(paramInt(layer, 3, 0)), layer.outputs[0])
}

const reductions = [
  ...['ReduceSum', 'ReduceL1', 'ReduceSumSquare', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd'],
  ...['ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp'],
]

const reduction: NcnnReader = (layer, { graph }) => {
  const [x] = layer.inputs
  const op = reductions[paramInt(layer, 0, 0)]
  if (op === undefined) throw graph.refuse('its operation is not known', 'Replace the operation before converting.')
  const rank = graph.rank(x)
  const all = paramInt(layer, 1, 1) !== 0
  if (!all && paramInt(layer, 5, 0) === 0)
    throw graph.refuse('its axes are meant in the old way, which ncnn refuses too', 'Convert the model again.')
  const axes = all
    ? Array.from({ length: rank - 1 }, (_, i) => i + 1)
    : paramInts(layer, 3).map(axis => (axis < 0 ? axis : axis + 1))
  const keep = paramInt(layer, 4, 0)
  // What is reduced to nothing stays a vector of one.
  const keepdims = all && keep === 0 ? 1 : keep
  const coefficient = paramFloat(layer, 2, 1)
  const vector = all && keep === 0 && rank > 2
  const done = coefficient === 1 && !vector
  const inputs = op === 'ReduceSum' ? [x, graph.ints('axes', axes)] : [x]
  const attrs = { keepdims: int(keepdims), ...(op === 'ReduceSum' ? {} : { axes: ints(axes) }) }
  let reduced = graph.node(op, inputs, done ? layer.outputs : undefined, attrs)
  if (coefficient !== 1)
    reduced = graph.node(
      'Mul',
      [reduced, graph.floats('coefficient', [coefficient], [])],
      vector ? undefined : layer.outputs,
    )
  if (vector) graph.node('Flatten', [reduced], layer.outputs, { axis: int(1) })
}

export const arithmetic: NcnnReaders = {
  BinaryOp: binaryOp,
  Eltwise: eltwise,
  BatchNorm: batchNorm,
  Scale: scale,
  Bias: bias,
  InstanceNorm: instanceNorm,
  GroupNorm: groupNorm,
  LayerNorm: layerNorm,
  LRN: lrn,
  Normalize: normalize,
  Reduction: reduction,
}
