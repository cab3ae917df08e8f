// Activation functions, as layers of their own and as ends of products (parameters 9 and 10). Tencent/ncnn: src/layer/fused_activation.h.
import { type NcnnLayer, paramFloat, paramFloats, paramInt } from '../../formats/ncnn-param.ts'
import { float } from '../../ir/model.ts'
import type { LayerGraph } from '../layer-graph.ts'
import type { NcnnReader, NcnnReaders } from './types.ts'

/** clamp(alpha x + beta, 0, 1), and times x. */
const hardSigmoid = (graph: LayerGraph, x: string, alpha: number, beta: number, output?: string): string =>
  graph.node('HardSigmoid', [x], output === undefined ? undefined : [output], {
    alpha: float(alpha),
    beta: float(beta),
  })

const hardSwish = (graph: LayerGraph, x: string, alpha: number, beta: number, output: string): string => {
  const isStandard = Math.abs(alpha - 1 / 6) < 1e-7 && beta === 0.5
  return isStandard
    ? graph.node('HardSwish', [x], [output])
    : graph.node('Mul', [x, hardSigmoid(graph, x, alpha, beta)], [output])
}

const mish = (graph: LayerGraph, x: string, output: string): string =>
  graph.node('Mul', [x, graph.node('Tanh', [graph.node('Softplus', [x])])], [output])

/** Whether a product ends in an activation function. */
export const isFused = (layer: NcnnLayer): boolean => paramInt(layer, 9, 0) !== 0

/** The activation at the end of a product. */
export function fusedActivation(layer: NcnnLayer, graph: LayerGraph, x: string, output: string): void {
  const type = paramInt(layer, 9, 0)
  const [a = 0, b = 0] = paramFloats(layer, 10)
  if (type === 1) graph.leakyRelu(x, 0, output)
  else if (type === 2) graph.leakyRelu(x, a, output)
  else if (type === 3) graph.clip(x, a, b, output)
  else if (type === 4) graph.node('Sigmoid', [x], [output])
  else if (type === 5) mish(graph, x, output)
  else if (type === 6) hardSwish(graph, x, a, b, output)
  else throw graph.refuse(`its activation is of the type ${type}`, 'Write the activation as a layer of its own.')
}

const unary =
  (op: string): NcnnReader =>
  ({ inputs: [x], outputs: [y] }, { graph }) => {
    graph.node(op, [x], [y])
  }

const unaryOps = [
  ...[
    'Abs',
    'Neg',
    'Floor',
    'Ceil',
    'square',
    'Sqrt',
    'rsqrt',
    'Exp',
    'Log',
    'Sin',
    'Cos',
    'Tan',
    'Asin',
    'Acos',
    'Atan',
  ],
  ...['Reciprocal', 'Tanh', 'log10', 'Round', 'trunc'],
]

/** y = f(scale x + shift) */
const affine = (graph: LayerGraph, x: string, scale: number, shift: number): string => {
  const scaled = scale === 1 ? x : graph.node('Mul', [x, graph.floats('scale', [scale], [])])
  return shift === 0 ? scaled : graph.node('Add', [scaled, graph.floats('shift', [shift], [])])
}

export const activations: NcnnReaders = {
  AbsVal: unary('Abs'),
  BNLL: unary('Softplus'),
  Erf: unary('Erf'),
  Sigmoid: unary('Sigmoid'),
  Softplus: unary('Softplus'),
  TanH: unary('Tanh'),
  ReLU: (layer, { graph }) => void graph.leakyRelu(layer.inputs[0], paramFloat(layer, 0, 0), layer.outputs[0]),
  PReLU: async (layer, { graph, weights }) => {
    const slope = weights.raw(paramInt(layer, 0, 0))
    graph.channelwise('PRelu', layer.inputs[0], 'slope', slope, layer.outputs[0])
  },
  Clip: (layer, { graph }) => {
    const largest = 3.4028234663852886e38
    graph.clip(layer.inputs[0], paramFloat(layer, 0, -largest), paramFloat(layer, 1, largest), layer.outputs[0])
  },
  ELU: (layer, { graph }) =>
    void graph.node('Elu', [layer.inputs[0]], layer.outputs, { alpha: float(paramFloat(layer, 0, 0.1)) }),
  SELU: (layer, { graph }) =>
    void graph.node('Selu', [layer.inputs[0]], layer.outputs, {
      alpha: float(paramFloat(layer, 0, 1.67326324)),
      gamma: float(paramFloat(layer, 1, 1.050700987)),
    }),
  HardSigmoid: (layer, { graph }) =>
    void hardSigmoid(graph, layer.inputs[0], paramFloat(layer, 0, 0.2), paramFloat(layer, 1, 0.5), layer.outputs[0]),
  HardSwish: (layer, { graph }) =>
    void hardSwish(graph, layer.inputs[0], paramFloat(layer, 0, 0.2), paramFloat(layer, 1, 0.5), layer.outputs[0]),
  Swish: ({ inputs: [x], outputs }, { graph }) => void graph.node('Mul', [x, graph.node('Sigmoid', [x])], outputs),
  Mish: ({ inputs: [x], outputs: [y] }, { graph }) => void mish(graph, x, y),
  GELU: (layer, { graph }) => {
    const [x] = layer.inputs
    const times = (a: string, b: string): string => graph.node('Mul', [a, b])
    const number = (value: number): string => graph.floats('constant', [value], [])
    const byTanh = (): string => {
      const cube = times(times(x, x), x)
      return graph.node('Tanh', [times(graph.node('Add', [x, times(cube, number(0.044715))]), number(0.79788452))])
    }
    const inner = paramInt(layer, 0, 0) === 1 ? byTanh() : graph.node('Erf', [times(x, number(Math.SQRT1_2))])
    graph.node('Mul', [times(x, number(0.5)), graph.node('Add', [inner, number(1)])], layer.outputs)
  },
  Threshold: (layer, { graph }) => {
    const above = graph.node('Greater', [layer.inputs[0], graph.floats('threshold', [paramFloat(layer, 0, 0)], [])])
    graph.node('Cast', [above], layer.outputs, { to: { kind: 'int', value: 1 } })
  },
  Power: (layer, { graph }) => {
    const inner = affine(graph, layer.inputs[0], paramFloat(layer, 1, 1), paramFloat(layer, 2, 0))
    const power = graph.floats('power', [paramFloat(layer, 0, 1)], [])
    graph.node('Pow', [inner, power], layer.outputs)
  },
  Exp: (layer, { graph }) => {
    const base = paramFloat(layer, 0, -1)
    const inner = affine(graph, layer.inputs[0], paramFloat(layer, 1, 1), paramFloat(layer, 2, 0))
    if (base === -1) graph.node('Exp', [inner], layer.outputs)
    else graph.node('Pow', [graph.floats('base', [base], []), inner], layer.outputs)
  },
  Log: (layer, { graph }) => {
    if (paramFloat(layer, 0, -1) !== -1) throw graph.refuse('its base is not e', 'Write it as Log and a factor.')
    const inner = affine(graph, layer.inputs[0], paramFloat(layer, 1, 1), paramFloat(layer, 2, 0))
    graph.node('Log', [inner], layer.outputs)
  },
  UnaryOp: (layer, { graph }) => {
    const type = paramInt(layer, 0, 0)
    const op = unaryOps[type]
    const [x] = layer.inputs
    if (op === 'square') graph.node('Mul', [x, x], layer.outputs)
    else if (op === 'rsqrt') graph.node('Reciprocal', [graph.node('Sqrt', [x])], layer.outputs)
    else if (op === 'log10')
      graph.node('Mul', [graph.node('Log', [x]), graph.floats('factor', [Math.LOG10E], [])], layer.outputs)
    else if (op === 'trunc')
      graph.node('Mul', [graph.node('Sign', [x]), graph.node('Floor', [graph.node('Abs', [x])])], layer.outputs)
    else if (op) graph.node(op, [x], layer.outputs)
    else throw graph.refuse(`its operation is of the type ${type}`, 'Replace the operation before converting.')
  },
  Softmax: (layer, { graph }) => {
    const axis = paramInt(layer, 0, 0)
    if (axis !== 0 && paramInt(layer, 1, 0) === 0)
      throw graph.refuse('its axis is meant in the old way, which ncnn refuses too', 'Convert the model again.')
    graph.node('Softmax', [layer.inputs[0]], layer.outputs, {
      axis: { kind: 'int', value: axis < 0 ? axis : axis + 1 },
    })
  },
  GLU: (layer, { graph }) => {
    const axis = paramInt(layer, 0, 0)
    const halves = [graph.fresh(`${layer.name}.a`), graph.fresh(`${layer.name}.b`)]
    graph.node('Split', [layer.inputs[0]], halves, { axis: { kind: 'int', value: axis < 0 ? axis : axis + 1 } })
    graph.node('Mul', [halves[0], graph.node('Sigmoid', [halves[1]])], layer.outputs)
  },
  /** Of inference only: a factor that is 1 but in old files. */
  Dropout: (layer, { graph }) => {
    const scale = paramFloat(layer, 0, 1)
    if (scale === 1) graph.alias(layer.outputs[0], layer.inputs[0])
    else graph.node('Mul', [layer.inputs[0], graph.floats('scale', [scale], [])], layer.outputs)
  },
}
