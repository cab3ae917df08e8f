// Elementwise, normalising and reducing operators as ncnn layers. Tencent/ncnn: docs/developer-guide/operators.md and src/layer.
import { floatParam, intParam, intsParam, type NcnnParam } from '../../formats/ncnn-param.ts'
import { attrFloat, attrInt, attrInts, attrString, type Node } from '../../ir/model.ts'
import { elements } from '../../ir/tensor.ts'
import { type GraphView, Refused } from '../graph-view.ts'
import { axisOf, sizesOf } from './blob-shapes.ts'
import type { Planner, PlanOp, PlanOps } from './types.ts'

type Params = readonly (readonly [number, NcnnParam])[]

const layer =
  (type: string, params: (node: Node, view: GraphView) => Params = () => []): PlanOp =>
  (node, planner) =>
    planner.add(type, [planner.blob(node.inputs[0]!)], [planner.blob(node.outputs[0]!)], params(node, planner.view))

const unary = (type: number): PlanOp => layer('UnaryOp', () => [[0, intParam(type)]])

// UnaryOp's numbers.
const unaryTypes = {
  Abs: 0,
  Neg: 1,
  Floor: 2,
  Ceil: 3,
  Sqrt: 5,
  Exp: 7,
  Log: 8,
  Sin: 9,
  Cos: 10,
  Tan: 11,
  Asin: 12,
  Acos: 13,
  Atan: 14,
  Round: 18,
}
// BinaryOp's, as they are and with the sides swapped.
const binaryTypes: Record<string, readonly [number, number]> = {
  ...{ Add: [0, 0], Sub: [1, 7], Mul: [2, 2], Div: [3, 8], Max: [4, 4], Min: [5, 5], Pow: [6, 9] },
}

// BinaryOp takes powers by logarithms, which negative numbers have not.
const powers = new Map([
  [2, 4],
  [0.5, 5],
])

function binary(node: Node, planner: Planner): void {
  const { view } = planner
  const [a, b, ...others] = node.inputs as string[]
  if (b === undefined || others.length > 0) throw new Refused('it has other than two inputs', 'Write it as pairs.')
  const [straight, swapped] = binaryTypes[node.op]
  const output = planner.blob(node.outputs[0]!)
  const scalar = (name: string): number | null => {
    const tensor = view.constant(name)
    return tensor && elements(tensor) === 1 ? (view.numbers(name)?.[0] ?? null) : null
  }
  for (const [x, constant, type] of [
    [a, scalar(b), straight],
    [b, scalar(a), swapped],
  ] as const) {
    if (constant === null || view.constant(x)) continue
    const own = node.op === 'Pow' && type === straight ? powers.get(constant) : undefined
    if (own !== undefined) {
      planner.add('UnaryOp', [planner.blob(x)], [output], [[0, intParam(own)]])
      return
    }
    if (node.op === 'Pow' && type === straight && Number.isInteger(constant))
      throw new Refused('powers of negative numbers are no numbers in ncnn', 'Write it as products.')
    planner.withNumber(type, planner.blob(x), constant, output)
    return
  }
  const rank = view.shape(node.outputs[0]!).length
  const inputs = [a, b].map(name => sameRank(name, rank, planner))
  planner.add('BinaryOp', inputs, [output], [[0, intParam(straight)]])
}

/** A blob with as many dimensions as the output, which ncnn broadcasts as ONNX does. */
function sameRank(name: string, rank: number, planner: Planner): string {
  const shape = planner.view.shape(name)
  if (shape.length === rank) return planner.blob(name)
  const wide = [...new Array<number>(rank - shape.length).fill(1), ...shape]
  const tensor = planner.view.constant(name)
  if (tensor) {
    const held = planner.fresh(name)
    planner.add('MemoryData', [], [held], sizesOf(wide.slice(1)), [{ kind: 'raw', tensor, count: elements(tensor) }])
    return held
  }
  const blob = planner.fresh(`${planner.blob(name)}_wide`)
  planner.add('Reshape', [planner.blob(name)], [blob], sizesOf(wide.slice(1)))
  return blob
}

const batchNorm: PlanOp = (node, planner) => {
  const [x, scale, bias, mean, variance] = node.inputs as string[]
  const terms = [scale, mean, variance, bias].map(name => planner.view.constant(name))
  const count = terms[0] ? elements(terms[0]) : 0
  if (terms.some(t => t === null)) throw new Refused('its statistics are computed at run time', 'Fold it.')
  planner.add(
    'BatchNorm',
    [planner.blob(x)],
    [planner.blob(node.outputs[0]!)],
    [
      [0, intParam(count)],
      [1, floatParam(attrFloat(node, 'epsilon', 1e-5))],
    ],
    terms.map(tensor => ({ kind: 'raw', tensor: tensor!, count })),
  )
}

const prelu: PlanOp = (node, planner) => {
  const slope = planner.view.constant(node.inputs[1])
  const channels = planner.view.shape(node.inputs[0]!)[1]
  const count = slope ? elements(slope) : 0
  if (!slope || (count !== 1 && !(count === channels && slope.shape.some(d => d === channels))))
    throw new Refused('its slopes are not one for each channel', 'Write it as ReLU and factors.')
  const parts = [{ kind: 'raw' as const, tensor: slope, count }]
  planner.add('PReLU', [planner.blob(node.inputs[0]!)], [planner.blob(node.outputs[0]!)], [[0, intParam(count)]], parts)
}

const clip: PlanOp = (node, planner) => {
  const bound = (i: number, fallback: number): number => {
    if (node.inputs[i] == null) return fallback
    const value = planner.view.numbers(node.inputs[i])
    if (value?.length !== 1) throw new Refused('its bounds are computed at run time', 'Give it constant bounds.')
    return value[0]
  }
  const largest = 3.4028234663852886e38
  planner.add(
    'Clip',
    [planner.blob(node.inputs[0]!)],
    [planner.blob(node.outputs[0]!)],
    [
      [0, floatParam(bound(1, -largest))],
      [1, floatParam(bound(2, largest))],
    ],
  )
}

const layerNorm: PlanOp = (node, planner) => {
  const { view } = planner
  const shape = view.shape(node.inputs[0]!)
  const axis = (attrInt(node, 'axis', -1) + shape.length) % shape.length
  const count = shape.slice(axis).reduce((n, d) => n * d, 1)
  const gamma = view.constant(node.inputs[1])
  const beta = view.constant(node.inputs[2])
  if (!gamma || axis < 1 || shape.length - axis > 2)
    throw new Refused('its axes or factors are not those of ncnn', 'Decompose it.')
  planner.add(
    'LayerNorm',
    [planner.blob(node.inputs[0]!)],
    [planner.blob(node.outputs[0]!)],
    [
      [0, intParam(count)],
      [1, floatParam(attrFloat(node, 'epsilon', 1e-5))],
    ],
    [
      { kind: 'raw', tensor: gamma, count },
      beta ? { kind: 'raw', tensor: beta, count } : { kind: 'numbers', values: new Array<number>(count).fill(0) },
    ],
  )
}

const instanceNorm: PlanOp = (node, planner) => {
  const terms = [1, 2].map(i => planner.view.constant(node.inputs[i]))
  if (!terms[0] || !terms[1]) throw new Refused('its factors are computed at run time', 'Give it constant factors.')
  const count = elements(terms[0])
  planner.add(
    'InstanceNorm',
    [planner.blob(node.inputs[0]!)],
    [planner.blob(node.outputs[0]!)],
    [
      [0, intParam(count)],
      [1, floatParam(attrFloat(node, 'epsilon', 1e-5))],
    ],
    terms.map(tensor => ({ kind: 'raw', tensor: tensor!, count })),
  )
}

// Reduction's numbers.
const reductions = {
  ReduceSum: 0,
  ReduceSumSquare: 2,
  ReduceMean: 3,
  ReduceMax: 4,
  ReduceMin: 5,
  ReduceProd: 6,
  ReduceL1: 7,
  ReduceL2: 8,
}

const reduction =
  (type: number): PlanOp =>
  (node, planner) => {
    const { view } = planner
    const rank = view.shape(node.inputs[0]!).length
    const given = node.inputs[1] == null ? attrInts(node, 'axes') : view.numbers(node.inputs[1])
    if (node.inputs[1] != null && !given) throw new Refused('its axes are computed at run time', 'Give constant axes.')
    const axes = (given ?? Array.from({ length: rank }, (_, i) => i)).map(axis => axisOf(axis, rank))
    const keep = attrInt(node, 'keepdims', 1)
    if (keep === 0 && axes.length === rank - 1) throw new Refused('it leaves no dimension', 'Keep the dimensions.')
    planner.add(
      'Reduction',
      [planner.blob(node.inputs[0]!)],
      [planner.blob(node.outputs[0]!)],
      [
        [0, intParam(type)],
        [1, intParam(0)],
        [3, intsParam(axes)],
        [4, intParam(keep)],
        [5, intParam(1)],
      ],
    )
  }

export const arithmetic: PlanOps = {
  ...Object.fromEntries(Object.entries(unaryTypes).map(([op, type]) => [op, unary(type)])),
  ...Object.fromEntries(Object.keys(binaryTypes).map(op => [op, binary])),
  ...Object.fromEntries(Object.entries(reductions).map(([op, type]) => [op, reduction(type)])),
  Reciprocal: unary(15),
  Relu: layer('ReLU'),
  LeakyRelu: layer('ReLU', node => [[0, floatParam(attrFloat(node, 'alpha', 0.01))]]),
  PRelu: prelu,
  Clip: clip,
  Sigmoid: layer('Sigmoid'),
  Tanh: layer('TanH'),
  Elu: layer('ELU', node => [[0, floatParam(attrFloat(node, 'alpha', 1))]]),
  Selu: layer('SELU', node => [
    [0, floatParam(attrFloat(node, 'alpha', 1.67326324))],
    [1, floatParam(attrFloat(node, 'gamma', 1.05070102))],
  ]),
  HardSigmoid: layer('HardSigmoid', node => [
    [0, floatParam(attrFloat(node, 'alpha', 0.2))],
    [1, floatParam(attrFloat(node, 'beta', 0.5))],
  ]),
  HardSwish: layer('HardSwish', () => [
    [0, floatParam(1 / 6)],
    [1, floatParam(0.5)],
  ]),
  Softplus: layer('Softplus'),
  Mish: layer('Mish'),
  Erf: layer('Erf'),
  Gelu: layer('GELU', node => [[0, intParam(attrString(node, 'approximate', 'none') === 'tanh' ? 1 : 0)]]),
  Softmax: layer('Softmax', (node, view) => [
    [0, intParam(axisOf(attrInt(node, 'axis', -1), view.shape(node.inputs[0]!).length))],
    [1, intParam(1)],
  ]),
  LRN: layer('LRN', node => [
    [0, intParam(0)],
    [1, intParam(attrInt(node, 'size', 1))],
    [2, floatParam(attrFloat(node, 'alpha', 0.0001))],
    [3, floatParam(attrFloat(node, 'beta', 0.75))],
    [4, floatParam(attrFloat(node, 'bias', 1))],
  ]),
  BatchNormalization: batchNorm,
  LayerNormalization: layerNorm,
  InstanceNormalization: instanceNorm,
}
