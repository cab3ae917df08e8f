// Layers without weights that compute: activations, pooling, arithmetic. BVLC/caffe: src/caffe/layers.
import { flagOf, messageOf, numberOf, numbersOf, wordOf } from '../../formats/prototxt.ts'
import { float, int, ints } from '../../ir/model.ts'
import type { AttrList, LayerGraph } from '../layer-graph.ts'
import { eltwiseOf } from '../ncnn/arithmetic.ts'
import type { CaffeReader, CaffeReaders } from './types.ts'
import { perAxis } from './weighted.ts'

const unary =
  (op: string): CaffeReader =>
  ({ inputs: [x], outputs }, { graph }) => {
    graph.node(op, [x], outputs)
  }

/** scale x + shift, where these are not 1 and 0. */
function affine(graph: LayerGraph, x: string, scale: number, shift: number, output?: readonly string[]): string {
  const parts: [op: string, by: number][] = []
  if (scale !== 1) parts.push(['Mul', scale])
  if (shift !== 0 || (output && parts.length === 0)) parts.push(['Add', shift])
  return parts.reduce(
    (value, [op, by], i) =>
      graph.node(op, [value, graph.floats('constant', [by], [])], i === parts.length - 1 ? output : undefined),
    x,
  )
}

const power: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'power_param')
  const [x] = layer.inputs
  const exponent = numberOf(param, 'power', 1)
  const [scale, shift] = [numberOf(param, 'scale', 1), numberOf(param, 'shift', 0)]
  if (exponent === 1) affine(graph, x, scale, shift, layer.outputs)
  else graph.node('Pow', [affine(graph, x, scale, shift), graph.floats('power', [exponent], [])], layer.outputs)
}

const exp: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'exp_param')
  const inner = affine(graph, layer.inputs[0], numberOf(param, 'scale', 1), numberOf(param, 'shift', 0))
  const base = numberOf(param, 'base', -1)
  if (base === -1) graph.node('Exp', [inner], layer.outputs)
  else graph.node('Pow', [graph.floats('base', [base], []), inner], layer.outputs)
}

const log: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'log_param')
  if (numberOf(param, 'base', -1) !== -1) throw graph.refuse('its base is not e', 'Write it as Log and Power.')
  const inner = affine(graph, layer.inputs[0], numberOf(param, 'scale', 1), numberOf(param, 'shift', 0))
  graph.node('Log', [inner], layer.outputs)
}

const eltwise: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'eltwise_param')
  const operation = wordOf(param, 'operation', 'SUM')
  const op = { SUM: 'Add', PROD: 'Mul', MAX: 'Max' }[operation]
  if (!op) throw graph.refuse(`its operation is ${operation}`, 'Use SUM, PROD or MAX.')
  eltwiseOf(graph, op, layer.inputs, operation === 'SUM' ? numbersOf(param, 'coeff') : [], layer.outputs)
}

/** Sizes are rounded up unless the layer says otherwise, but a window that would begin in the padding at the end is left out. */
const pooling: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'pooling_param')
  const [x] = layer.inputs
  const kind = wordOf(param, 'pool', 'MAX')
  const op = { MAX: 'MaxPool', AVE: 'AveragePool' }[kind]
  if (!op || layer.outputs.length > 1) throw graph.refuse(`it pools by ${kind} or gives positions`, 'Use MAX or AVE.')
  if (flagOf(param, 'global_pooling', false)) {
    graph.node(`Global${op}`, [x], layer.outputs)
    return
  }
  const kernel = perAxis(param, 'kernel_size', 2, 0, 'kernel')
  const strides = perAxis(param, 'stride', 2, 1)
  const pads = perAxis(param, 'pad', 2, 0)
  if (kernel.some(k => k < 1)) throw graph.refuse('its kernel has no size', 'Mend the .prototxt.')
  const up = wordOf(param, 'round_mode', 'CEIL') === 'CEIL' && flagOf(param, 'ceil_mode', true)
  const tails = kernel.map((k, i) => {
    const size = graph.shape(x)?.[2 + i]
    if (!up || strides[i] === 1) return 0
    if (typeof size !== 'number') return null
    const rest = (size + 2 * pads[i] - k) % strides[i]
    const windows = Math.floor((size + 2 * pads[i] - k) / strides[i]) + 1
    // Rounded up there is one window more, if it does not begin past the image and the padding before it.
    return rest === 0 || windows * strides[i] >= size + pads[i] ? 0 : strides[i] - rest
  })
  const attrs = { kernel_shape: ints(kernel), strides: ints(strides) }
  if (tails.includes(null)) {
    const open: AttrList = { ...attrs, pads: ints([...pads, ...pads]), ceil_mode: int(1) }
    if (op === 'AveragePool') open.count_include_pad = int(1)
    graph.node(op, [x], layer.outputs, open)
    return
  }
  const ends = pads.map((pad, i) => pad + (tails[i] ?? 0))
  const padded = pads.some(pad => pad > 0)
  const reaches = tails.some(tail => tail !== 0)
  if (op === 'AveragePool' && padded && reaches) {
    // Padding counts, and what lies past it does not: the zeros are made an image of their own.
    const zeros = graph.node('Pad', [x, graph.ints('pads', [0, 0, ...pads, 0, 0, ...pads])])
    graph.node(op, [zeros], layer.outputs, { ...attrs, pads: ints([0, 0, ...(tails as number[])]) })
    return
  }
  const all = { ...attrs, pads: ints([...pads, ...ends]) }
  graph.node(op, [x], layer.outputs, op === 'AveragePool' ? { ...all, count_include_pad: int(padded ? 1 : 0) } : all)
}

const lrn: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'lrn_param')
  if (wordOf(param, 'norm_region', 'ACROSS_CHANNELS') !== 'ACROSS_CHANNELS')
    throw graph.refuse('it normalises within channels', 'Replace the normalisation before exporting.')
  graph.node('LRN', [layer.inputs[0]], layer.outputs, {
    size: int(numberOf(param, 'local_size', 5)),
    alpha: float(numberOf(param, 'alpha', 1)),
    beta: float(numberOf(param, 'beta', 0.75)),
    bias: float(numberOf(param, 'k', 1)),
  })
}

const reduction: CaffeReader = (layer, { graph }) => {
  const param = messageOf(layer.message, 'reduction_param')
  const [x] = layer.inputs
  const rank = graph.rank(x)
  const given = numberOf(param, 'axis', 0)
  const from = given < 0 ? rank + given : given
  const word = wordOf(param, 'operation', 'SUM')
  const op = { SUM: 'ReduceSum', ASUM: 'ReduceL1', SUMSQ: 'ReduceSumSquare', MEAN: 'ReduceMean' }[word]
  if (!op) throw graph.refuse(`its operation is ${word}`, 'Use SUM, ASUM, SUMSQ or MEAN.')
  const axes = Array.from({ length: rank - from }, (_, i) => from + i)
  const factor = numberOf(param, 'coeff', 1)
  const outputs = factor === 1 ? layer.outputs : undefined
  const reduced =
    op === 'ReduceSum'
      ? graph.node(op, [x, graph.ints('axes', axes)], outputs, { keepdims: int(0) })
      : graph.node(op, [x], outputs, { axes: ints(axes), keepdims: int(0) })
  if (factor !== 1) graph.node('Mul', [reduced, graph.floats('coeff', [factor], [])], layer.outputs)
}

export const simple: CaffeReaders = {
  AbsVal: unary('Abs'),
  BNLL: unary('Softplus'),
  Sigmoid: unary('Sigmoid'),
  TanH: unary('Tanh'),
  ReLU: (layer, { graph }) => {
    const slope = numberOf(messageOf(layer.message, 'relu_param'), 'negative_slope', 0)
    graph.leakyRelu(layer.inputs[0], slope, layer.outputs[0])
  },
  ReLU6: (layer, { graph }) => void graph.clip(layer.inputs[0], 0, 6, layer.outputs[0]),
  ELU: (layer, { graph }) => {
    const alpha = float(numberOf(messageOf(layer.message, 'elu_param'), 'alpha', 1))
    graph.node('Elu', [layer.inputs[0]], layer.outputs, { alpha })
  },
  Softmax: (layer, { graph }) => {
    const axis = int(numberOf(messageOf(layer.message, 'softmax_param'), 'axis', 1))
    graph.node('Softmax', [layer.inputs[0]], layer.outputs, { axis })
  },
  Power: power,
  Exp: exp,
  Log: log,
  Eltwise: eltwise,
  Pooling: pooling,
  LRN: lrn,
  Reduction: reduction,
}
