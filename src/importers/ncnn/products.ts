// Layers that multiply by weights: convolutions, inner products and Gemm. Tencent/ncnn: docs/developer-guide/operators.md and src/layer.
import { type NcnnLayer, paramFloat, paramInt } from '../../formats/ncnn-param.ts'
import { int, ints, string } from '../../ir/model.ts'
import { floats as floatArray, type Tensor, tensorOf } from '../../ir/tensor.ts'
import type { AttrList, LayerGraph } from '../layer-graph.ts'
import { fusedActivation, isFused } from './activation.ts'
import { int8Scales, inverse, quantizedInput, quantizedWeight, requantized } from './int8.ts'
import type { NcnnContext, NcnnReader, NcnnReaders } from './types.ts'

/** Parameters that are given for w and, unless they are the same, for h. */
const pair = (layer: NcnnLayer, w: number, h: number, fallback: number): [h: number, w: number] => {
  const ofW = paramInt(layer, w, fallback)
  return [paramInt(layer, h, ofW), ofW]
}

interface Window {
  kernel: number[]
  attrs: AttrList
}

/** Window of a convolution over `axes` axes. */
function windowOf(layer: NcnnLayer, graph: LayerGraph, axes: 1 | 2): Window {
  const spatial = ([h, w]: [number, number]): number[] => (axes === 2 ? [h, w] : [w])
  const kernel = spatial(pair(layer, 1, 11, 0))
  const left = paramInt(layer, 4, 0)
  const top = paramInt(layer, 14, left)
  const right = paramInt(layer, 15, left)
  const bottom = paramInt(layer, 16, top)
  const attrs: AttrList = {
    kernel_shape: ints(kernel),
    dilations: ints(spatial(pair(layer, 2, 12, 1))),
    strides: ints(spatial(pair(layer, 3, 13, 1))),
  }
  const same = { [-233]: 'SAME_UPPER', [-234]: 'SAME_LOWER' }[left]
  if (same) attrs.auto_pad = string(same)
  else if (axes === 1) attrs.pads = ints([left, right])
  else attrs.pads = ints([top, left, bottom, right])
  if (kernel.some(k => k < 1)) throw graph.refuse('its kernel has no size', 'Convert the model again.')
  return { kernel, attrs }
}

/** Where weights come as an input, the layer is not what Conv computes. */
function refuseUnusual(layer: NcnnLayer, graph: LayerGraph): void {
  if (paramInt(layer, 19, 0) !== 0)
    throw graph.refuse('its weights come from another layer', 'Convert the model with constant weights.')
}

/** Padding with a number other than 0 is a node of its own, before the convolution. An int8 layer pads with codes, of which `unit` is one. */
function padded(layer: NcnnLayer, graph: LayerGraph, x: string, attrs: AttrList, unit: number): [string, AttrList] {
  const value = paramFloat(layer, 18, 0) * unit
  const pads = attrs.pads?.kind === 'ints' ? attrs.pads.value.map(Number) : null
  if (value === 0 || pads?.every(n => n === 0)) return [x, attrs]
  if (!pads)
    throw graph.refuse('it pads with a number other than 0, and by itself', 'Write the padding as a layer of its own.')
  const half = pads.length / 2
  const all = [0, 0, ...pads.slice(0, half), 0, 0, ...pads.slice(half)]
  const given = graph.node('Pad', [x, graph.ints('pads', all), graph.floats('border', [value], [])])
  return [given, { ...attrs, pads: ints(pads.map(() => 0)) }]
}

function sizesOf(layer: NcnnLayer, graph: LayerGraph, kernel: readonly number[], group: number): [number, number] {
  const outputs = paramInt(layer, 0, 0)
  const count = paramInt(layer, 6, 0)
  const inputs = count / kernel.reduce((n, k) => n * k, 1) / outputs
  if (!(outputs > 0 && Number.isInteger(inputs) && inputs > 0 && outputs % group === 0))
    throw graph.refuse(
      `${count} weights do not make ${outputs} channels of a kernel of ${kernel.join('x')} in ${group} groups`,
      'Convert the model again.',
    )
  return [outputs, inputs]
}

const convolution =
  (axes: 1 | 2, depthwise: boolean): NcnnReader =>
  async (layer, ctx) => {
    const { graph, weights } = ctx
    refuseUnusual(layer, graph)
    const group = depthwise ? paramInt(layer, 7, 1) : 1
    const { kernel, attrs } = windowOf(layer, graph, axes)
    const [outputs, inputs] = sizesOf(layer, graph, kernel, group)
    const shape = [outputs, inputs, ...kernel]
    const weight = await weights.tagged(paramInt(layer, 6, 0))
    const bias = paramInt(layer, 5, 0) === 0 ? null : weights.raw(outputs)
    const ofWeight = (code: number): number => (!depthwise ? outputs : code === 1 ? group : 1)
    await product(layer, ctx, { weight, shape, bias, ofWeight }, (given, w, b, output, unit) => {
      const [x, window] = padded(layer, graph, given, attrs, unit)
      return graph.node('Conv', [x, w, ...(b === null ? [] : [b])], output, { ...window, group: int(group) })
    })
  }

interface Weighted {
  weight: Tensor
  shape: number[]
  bias: Tensor | null
  ofWeight: (code: number) => number
}

/** Weights, int8 or float, around the node that multiplies by them, and the activation after it. */
async function product(
  layer: NcnnLayer,
  ctx: NcnnContext,
  { weight, shape, bias, ofWeight }: Weighted,
  multiply: (x: string, w: string, b: string | null, output: string[] | undefined, unit: number) => string,
): Promise<void> {
  const { graph, weights } = ctx
  const scales = await int8Scales(layer, weights, graph, ofWeight)
  const [given] = layer.inputs
  const [output] = layer.outputs
  if (scales === null && weight.dtype === 'int8')
    throw graph.refuse('its weights are int8, and no scales come with them', 'Quantise the model again.')
  const x = scales ? quantizedInput(ctx, given, scales) : given
  const w = scales
    ? await quantizedWeight(ctx, weight, shape, scales.weight)
    : graph.constant('weight', { ...weight, shape })
  const b = bias && graph.constant('bias', bias)
  const requantises = scales !== null && scales.output !== null
  const ends = !requantises && !isFused(layer)
  const raw = multiply(x, w, b, ends ? [output] : undefined, scales ? inverse(scales.input) : 1)
  if (ends) return
  const activated = !isFused(layer) ? raw : requantises ? graph.fresh(`${layer.name}.activation`) : output
  if (isFused(layer)) fusedActivation(layer, graph, raw, activated)
  if (scales?.output != null) requantized(ctx, activated, output, scales.output)
}

const deconvolution =
  (depthwise: boolean): NcnnReader =>
  async (layer, { graph, weights }) => {
    const group = depthwise ? paramInt(layer, 7, 1) : 1
    const { kernel, attrs } = windowOf(layer, graph, 2)
    const [outputs, inputs] = sizesOf(layer, graph, kernel, group)
    const [sizeH, sizeW] = pair(layer, 20, 21, 0)
    if (attrs.auto_pad || sizeW !== 0 || sizeH !== 0)
      throw graph.refuse('the size of its output is given, not its padding', 'Convert the model again with pnnx.')
    const values = await weights.read(await weights.tagged(paramInt(layer, 6, 0)))
    const bias = paramInt(layer, 5, 0) === 0 ? [] : [graph.constant('bias', weights.raw(outputs))]
    const weight = graph.constant('weight', inputMajor(values, group, outputs / group, inputs, kernel))
    const [outH, outW] = pair(layer, 18, 19, 0)
    const fused = isFused(layer)
    const raw = graph.node(
      'ConvTranspose',
      [layer.inputs[0], weight, ...bias],
      fused ? undefined : layer.outputs,
      // Of output padding, the number for w has the lower id and that for h the higher one.
      { ...attrs, group: int(group), output_padding: ints([outH, outW]) },
    )
    if (fused) fusedActivation(layer, graph, raw, layer.outputs[0])
  }

/** [group, out, in, kernel] as [group * in, out, kernel], which is how ConvTranspose wants it. */
function inputMajor(values: Float32Array, group: number, out: number, ins: number, kernel: readonly number[]): Tensor {
  const area = kernel.reduce((n, k) => n * k, 1)
  const turned = new Float32Array(values.length)
  for (let g = 0; g < group; g++)
    for (let o = 0; o < out; o++)
      for (let i = 0; i < ins; i++) {
        const from = ((g * out + o) * ins + i) * area
        turned.set(values.subarray(from, from + area), ((g * ins + i) * out + o) * area)
      }
  return tensorOf(floatArray([group * ins, out, ...kernel], turned))
}

/** A whole blob as one vector; of two dimensions whose rows have the length of the input, each row for itself. */
const innerProduct: NcnnReader = async (layer, ctx) => {
  const { graph, weights } = ctx
  const outputs = paramInt(layer, 0, 0)
  const count = paramInt(layer, 2, 0)
  const inputs = count / outputs
  if (!(outputs > 0 && Number.isInteger(inputs) && inputs > 0))
    throw graph.refuse(`${count} weights do not make ${outputs} outputs`, 'Convert the model again.')
  const [given] = layer.inputs
  const dims = graph.shape(given)
  const byRow = graph.rank(given) === 3 && dims?.[2] === inputs
  const weight = await weights.tagged(count)
  const bias = paramInt(layer, 1, 0) === 0 ? null : weights.raw(outputs)
  const shape = [outputs, inputs]
  await product(layer, ctx, { weight, shape, bias, ofWeight: () => outputs }, (x, w, b, output) => {
    const attrs = { transB: int(1) }
    const addends = b === null ? [] : [b]
    if (!byRow) {
      const flat = graph.rank(x) === 2 ? x : graph.node('Flatten', [x], undefined, { axis: int(1) })
      return graph.node('Gemm', [flat, w, ...addends], output, attrs)
    }
    const turned = graph.node('Transpose', [w], undefined, { perm: ints([1, 0]) })
    if (b === null) return graph.node('MatMul', [x, turned], output)
    return graph.node('Add', [graph.node('MatMul', [x, turned]), b], output)
  })
}

/** alpha * (A B + beta * C), of which A or B or both may be constant. */
const gemm: NcnnReader = async (layer, { graph, weights }) => {
  const flag = (id: number): boolean => paramInt(layer, id, 0) !== 0
  if (flag(18)) throw graph.refuse('its int8 form is not read', 'Take the float model, and quantise it here.')
  if (flag(14) || flag(11)) throw graph.refuse('it turns its output around', 'Convert the model again.')
  const [m, n, k] = [7, 8, 9].map(id => paramInt(layer, id, 0))
  const rest = [...layer.inputs]
  const operand = async (constant: boolean, turned: boolean, rows: number, columns: number, what: string) => {
    const shape = turned ? [columns, rows] : [rows, columns]
    const name = constant
      ? graph.constant(what, { ...(await weights.tagged(rows * columns)), shape })
      : (rest.shift() ?? '')
    if (!turned) return name
    const last = constant ? 2 : graph.rank(name)
    const perm = Array.from({ length: last }, (_, i) => (i === last - 1 ? last - 2 : i === last - 2 ? last - 1 : i))
    return graph.node('Transpose', [name], undefined, { perm: ints(perm) })
  }
  const a = await operand(flag(4), flag(2), m, k, 'a')
  const b = await operand(flag(5), flag(3), k, n, 'b')
  const kind = paramInt(layer, 10, 0)
  const shapes: Record<number, number[]> = { 0: [], 1: [m, 1], 2: [m, 1], 3: [m, n], 4: [1, n] }
  const shapeC = shapes[kind] ?? []
  const sizeC = shapeC.reduce((size, d) => size * d, 1)
  const hasC = flag(6) ? kind !== -1 : rest.length > 0
  const c = !hasC ? null : flag(6) ? graph.constant('c', { ...(await weights.tagged(sizeC)), shape: shapeC }) : rest[0]
  const factor = (x: string, value: number, output?: string[]): string =>
    value === 1 && output === undefined ? x : graph.node('Mul', [x, graph.floats('factor', [value], [])], output)
  const alpha = paramFloat(layer, 0, 1)
  const product = graph.node('MatMul', [a, b], c === null && alpha === 1 ? layer.outputs : undefined)
  if (c === null && alpha === 1) return
  const summed =
    c === null
      ? product
      : graph.node('Add', [product, factor(c, paramFloat(layer, 1, 1))], alpha === 1 ? layer.outputs : undefined)
  if (alpha !== 1) factor(summed, alpha, [...layer.outputs])
}

const matMul: NcnnReader = (layer, { graph }) => {
  const [a, b] = layer.inputs
  const turned = paramInt(layer, 0, 0) !== 0
  const rank = graph.rank(b)
  if (rank < 3) throw graph.refuse('one of its inputs is a vector', 'Reshape it to a matrix before.')
  const perm = Array.from({ length: rank }, (_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i))
  const right = turned ? graph.node('Transpose', [b], undefined, { perm: ints(perm) }) : b
  graph.node('MatMul', [a, right], layer.outputs)
}

export const products: NcnnReaders = {
  Convolution: convolution(2, false),
  ConvolutionDepthWise: convolution(2, true),
  Convolution1D: convolution(1, false),
  ConvolutionDepthWise1D: convolution(1, true),
  Deconvolution: deconvolution(false),
  DeconvolutionDepthWise: deconvolution(true),
  InnerProduct: innerProduct,
  Gemm: gemm,
  MatMul: matMul,
}
