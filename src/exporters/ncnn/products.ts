// Products with weights as ncnn layers, in floats or int8. Tencent/ncnn: src/layer/convolution.cpp, convolutiondepthwise.cpp,
// deconvolution.cpp, innerproduct.cpp.
import { floatParam, floatsParam, intParam, type NcnnParam } from '../../formats/ncnn-param.ts'
import { attrFloat, attrInt, attrInts, type Node, type ValueName } from '../../ir/model.ts'
import { elements, type Tensor } from '../../ir/tensor.ts'
import { type GraphView, Refused } from '../graph-view.ts'
import { type Window, windowOf } from '../window.ts'
import type { Order, Part, Planner, PlanOps } from './types.ts'
import { handedOn, shiftOf, unshifted } from './zero-point.ts'

type Params = [number, NcnnParam][]

/** Numbers of what is computed on the way out of a product: parameters 9 and 10. */
function activationOf(node: Node, view: GraphView): Params | null {
  const end = (type: number, ...values: number[]): Params =>
    values.length === 0
      ? [[9, intParam(type)]]
      : [
          [9, intParam(type)],
          [10, floatsParam(values)],
        ]
  if (node.op === 'Relu') return end(1)
  if (node.op === 'LeakyRelu') return end(2, attrFloat(node, 'alpha', 0.01))
  if (node.op === 'Sigmoid') return end(4)
  if (node.op === 'HardSwish') return end(6, 1 / 6, 0.5)
  if (node.op !== 'Clip' || view.ofPairs.has(node.id)) return null
  const [min, max] = [view.numbers(node.inputs[1]), view.numbers(node.inputs[2])]
  return min?.length === 1 && max?.length === 1 ? end(3, min[0], max[0]) : null
}

/** The value that a product gives with the activation after it, that activation, and its parameters. */
interface End {
  output: ValueName
  next: Node | null
  params: Params
}

export function endOf(node: Node, view: GraphView): End {
  const output = node.outputs[0]!
  const next = view.onlyReader(output)
  const params = next && next.inputs[0] === output ? activationOf(next, view) : null
  return next && params ? { output: next.outputs[0]!, next, params } : { output, next: null, params: [] }
}

function ending(node: Node, planner: Planner): End {
  const end = endOf(node, planner.view)
  if (end.next) planner.took(end.next)
  return end
}

const within = (bounds: readonly number[]): Params => [
  [9, intParam(3)],
  [10, floatsParam(bounds)],
]

interface Weighted {
  /** The value with the weights and, in its shape, the axis of the output channels. */
  weight: ValueName
  axis: number
  order?: Order
  bias: ValueName | null
  outputs: number
  /** How many scales the layer takes, and the code that says so. */
  scales: number
  code: 1 | 2
}

/** A layer's blobs; whether it has a bias, 8 and the activation as parameters; what it pads with; weights, bias and scales. */
interface Product {
  input: string
  output: string
  biased: boolean
  params: Params
  pad: number
  parts: Part[]
}

function weighted(
  node: Node,
  planner: Planner,
  { weight, axis, order, bias, outputs, scales, code }: Weighted,
  { output, next, params }: End,
): Product {
  const { view } = planner
  const x = node.inputs[0]!
  const floats = view.constant(weight)
  const rounded = view.rounded(x)
  const codes = view.codes(weight, axis)
  const biasTensor = bias === null ? null : view.constant(bias)
  if (
    bias !== null &&
    (!biasTensor ||
      !/^float/.test(biasTensor.dtype) ||
      (elements(biasTensor) !== outputs && elements(biasTensor) !== 1))
  )
    throw new Refused(
      'its bias is no constant float for each output channel',
      'Quantise it for this target, from the float model.',
    )
  if (!rounded && !codes) {
    if (!floats) throw new Refused('its weights are computed at run time', 'Give it constant weights.')
    const parts: Part[] = [{ kind: 'weight', tensor: floats, order }]
    if (biasTensor) parts.push({ kind: 'raw', tensor: biasTensor, count: outputs })
    const input = planner.blob(x)
    return { input, output: planner.blob(output), biased: biasTensor !== null, params, pad: 0, parts }
  }
  if (!rounded || !codes)
    throw new Refused(
      'of its input and weights only one has few bits, in a form that ncnn has',
      'Quantise weights and activations to int8.',
    )
  if (elements(codes.scale) !== 1 && elements(codes.scale) !== outputs)
    throw new Refused('its weights have other scales than one for each output channel', 'Quantise them by channel.')
  const input = planner.codes(rounded)
  const handed = handedOn(node, output, next, view)
  const requantises = handed?.requantises ?? false
  const bounds = handed?.bounds ?? null
  const [from, to] = [shiftOf(rounded), bounds ? shiftOf(handed!.rounded) : unshifted]
  const end: Params = bounds === null ? params : bounds.length > 0 ? within(bounds) : []
  const biased = biasTensor !== null || from.offset !== 0 || to.offset !== 0
  const { scale } = codes
  return {
    input,
    output: bounds ? planner.shifted(handed!.rounded) : planner.blob(output),
    biased,
    params: [[8, intParam(code + (requantises ? 100 : 0))], ...end],
    pad: Math.abs(rounded.zero),
    parts: [
      { kind: 'codes', tensor: codes.codes, order, negated: from.sign !== to.sign },
      ...(biased ? [{ kind: 'bias' as const, bias: biasTensor, count: outputs, scale, from, to }] : []),
      { kind: 'multipliers', tensor: scale, count: scales },
      { kind: 'input', rounded },
      ...(requantises ? [{ kind: 'numbers' as const, values: [1 / handed!.rounded.scale] }] : []),
    ],
  }
}

const pads = ({ begins, ends }: Window): boolean => [...begins, ...ends].some(n => n !== 0)

/** Parameters of a window: those of w, and of h where there is one. */
function windowParams({ kernel, strides, dilations, begins, ends }: Window): Params {
  const last = kernel.length - 1
  const params: Params = [
    [1, intParam(kernel[last])],
    [2, intParam(dilations[last])],
    [3, intParam(strides[last])],
    [4, intParam(begins[last])],
    [15, intParam(ends[last])],
  ]
  if (last === 0) return params
  return [
    ...params,
    [11, intParam(kernel[0])],
    [12, intParam(dilations[0])],
    [13, intParam(strides[0])],
    [14, intParam(begins[0])],
    [16, intParam(ends[0])],
  ]
}

function shapeOfWeight(node: Node, view: GraphView): number[] {
  const weight = node.inputs[1]!
  const shape = view.codes(weight, 0)?.codes.shape ?? view.constant(weight)?.shape
  if (!shape) throw new Refused('its weights are computed at run time', 'Give it constant weights.')
  return [...shape]
}

const conv = (node: Node, planner: Planner): void => {
  const { view } = planner
  const shape = shapeOfWeight(node, view)
  const axes = shape.length - 2
  if (axes !== 1 && axes !== 2) throw new Refused('it is over other than one or two axes', 'Replace it.')
  const [outputs] = shape
  const group = attrInt(node, 'group', 1)
  const rounded = view.rounded(node.inputs[0]!)
  if (axes === 1 && rounded) throw new Refused('ncnn has no int8 kernel for it', 'Leave it in float.')
  const window = windowOf(
    node,
    shape.slice(2),
    view.shape(node.inputs[0]!).slice(2),
    view.shape(node.outputs[0]!).slice(2),
  )
  const depthwise = group > 1
  const each = depthwise && group === outputs
  if (depthwise && rounded && !each && elements(view.codes(node.inputs[1]!, 0)!.scale) !== 1)
    throw new Refused(
      'ncnn has one scale a group for it, not one a channel',
      'Quantise its weights as a whole, or leave it in float.',
    )
  const bias = node.inputs[2] ?? null
  const scales = depthwise ? group : outputs
  const { input, output, biased, params, pad, parts } = weighted(
    node,
    planner,
    { weight: node.inputs[1]!, axis: 0, bias, outputs, scales, code: depthwise ? 1 : 2 },
    ending(node, planner),
  )
  planner.add(
    `Convolution${depthwise ? 'DepthWise' : ''}${axes === 1 ? '1D' : ''}`,
    [input],
    [output],
    [
      [0, intParam(outputs)],
      ...windowParams(window),
      [5, intParam(biased ? 1 : 0)],
      [6, intParam(shape.reduce((n, d) => n * d, 1))],
      ...(depthwise ? ([[7, intParam(group)]] as Params) : []),
      ...params,
      ...(pad === 0 || !pads(window) ? [] : ([[18, floatParam(pad)]] as Params)),
    ],
    parts,
  )
}

/** Weights lie by input channel in ONNX, and by output channel in ncnn. */
const convTranspose = (node: Node, planner: Planner): void => {
  const { view } = planner
  const weight = view.constant(node.inputs[1])
  const group = attrInt(node, 'group', 1)
  if (weight?.shape.length !== 4) throw new Refused('its weights are no constant of two spatial axes', 'Replace it.')
  if (attrInts(node, 'output_shape'))
    throw new Refused('the shape of its output is given', 'Export it with padding instead.')
  const [channels, perGroup, ...kernel] = weight.shape
  const outputs = perGroup * group
  const ins = channels / group
  const area = kernel[0] * kernel[1]
  const order: Order = at => {
    const k = at % area
    const i = Math.floor(at / area) % ins
    const o = Math.floor(at / area / ins)
    const g = Math.floor(o / perGroup)
    return ((g * ins + i) * perGroup + (o % perGroup)) * area + k
  }
  // Of the automatic paddings none leaves its sizes open here: what is said is used.
  const window = windowOf(
    { ...node, attrs: new Map([...node.attrs].filter(([name]) => name !== 'auto_pad')) },
    kernel,
    [1, 1],
    [1, 1],
  )
  if (node.attrs.has('auto_pad')) throw new Refused('its padding is automatic', 'Export it with explicit padding.')
  const [padH, padW] = attrInts(node, 'output_padding') ?? [0, 0]
  const { output, params: end } = ending(node, planner)
  const bias = view.constant(node.inputs[2])
  planner.add(
    `Deconvolution${group > 1 ? 'DepthWise' : ''}`,
    [planner.blob(node.inputs[0]!)],
    [planner.blob(output)],
    [
      [0, intParam(outputs)],
      ...windowParams(window),
      [5, intParam(bias ? 1 : 0)],
      [6, intParam(elements(weight))],
      ...(group > 1 ? ([[7, intParam(group)]] as Params) : []),
      [18, intParam(padW)],
      [19, intParam(padH)],
      ...end,
    ],
    [
      { kind: 'weight', tensor: weight, order },
      ...(bias ? [{ kind: 'raw' as const, tensor: bias, count: outputs }] : []),
    ],
  )
}

/** x [1, inputs], or rows of such, times a matrix; `byOutput` says which of its axes is that of the outputs. */
function innerProduct(node: Node, planner: Planner, byOutput: 0 | 1, bias: ValueName | null): void {
  const { view } = planner
  const weight = node.inputs[1]!
  const tensor: Tensor | null = view.codes(weight, byOutput)?.codes ?? view.constant(weight)
  if (tensor?.shape.length !== 2)
    throw new Refused('its second factor is no constant matrix', 'Give it constant weights.')
  const [outputs, inputs] = byOutput === 0 ? tensor.shape : [tensor.shape[1], tensor.shape[0]]
  const rank = view.shape(node.inputs[0]!).length
  if (rank !== 2 && rank !== 3)
    throw new Refused('its input has other than one or two dimensions beside the batch', 'Flatten it.')
  const order: Order | undefined = byOutput === 0 ? undefined : at => (at % inputs) * outputs + Math.floor(at / inputs)
  const { input, output, biased, params, parts } = weighted(
    node,
    planner,
    { weight, axis: byOutput, order, bias, outputs, scales: outputs, code: 2 },
    ending(node, planner),
  )
  planner.add(
    'InnerProduct',
    [input],
    [output],
    [[0, intParam(outputs)], [1, intParam(biased ? 1 : 0)], [2, intParam(inputs * outputs)], ...params],
    parts,
  )
}

const gemm = (node: Node, planner: Planner): void => {
  if (attrFloat(node, 'alpha', 1) !== 1 || attrFloat(node, 'beta', 1) !== 1 || attrInt(node, 'transA', 0) !== 0)
    throw new Refused('alpha, beta or transA is not the default', 'Fold them into the weights.')
  innerProduct(node, planner, attrInt(node, 'transB', 0) === 1 ? 0 : 1, node.inputs[2] ?? null)
}

const matMul = (node: Node, planner: Planner): void => {
  const { view } = planner
  if (view.constant(node.inputs[1]) || view.rounded(node.inputs[0]!)) {
    innerProduct(node, planner, 1, null)
    return
  }
  const ranks = [node.inputs[0]!, node.inputs[1]!].map(name => view.shape(name).length)
  if (ranks[0] < 3 || ranks[0] !== ranks[1])
    throw new Refused('its factors are no matrices beside the batch', 'Reshape them.')
  planner.add(
    'MatMul',
    node.inputs.map(name => planner.blob(name!)),
    [planner.blob(node.outputs[0]!)],
    [],
  )
}

export const products: PlanOps = { Conv: conv, ConvTranspose: convTranspose, Gemm: gemm, MatMul: matMul }
