// Layers with weights of their own. BVLC/caffe: src/caffe/layers.
import { flagOf, messageOf, numberOf, numbersOf, type ProtoMessage } from '../../formats/prototxt.ts'
import { float, int, ints } from '../../ir/model.ts'
import { elements, type Tensor } from '../../ir/tensor.ts'
import type { LayerGraph } from '../layer-graph.ts'
import type { CaffeReader, CaffeReaders } from './types.ts'

/** Sizes given once for all axes, once for each, or as *_h and *_w. */
export function perAxis(
  param: ProtoMessage | null,
  name: string,
  axes: number,
  fallback: number,
  prefix = name,
): number[] {
  const given = numbersOf(param, name)
  const byName = ['h', 'w'].map(axis => numberOf(param, `${prefix}_${axis}`, Number.NaN))
  if (axes === 2 && !byName.every(Number.isNaN)) return byName.map(n => (Number.isNaN(n) ? fallback : n))
  if (given.length === axes) return given
  return new Array<number>(axes).fill(given[0] ?? fallback)
}

/** A blob in the shape that the layer wants; old files say [1, 1, 1, n] for n. */
function shaped(graph: LayerGraph, tensor: Tensor, shape: readonly number[], what: string): Tensor {
  if (elements(tensor) !== shape.reduce((n, d) => n * d, 1))
    throw graph.refuse(
      `its ${what} has the shape [${tensor.shape}] where [${shape}] is wanted`,
      'Open the .caffemodel that was trained with this .prototxt.',
    )
  return { ...tensor, shape }
}

const convolution =
  (op: 'Conv' | 'ConvTranspose'): CaffeReader =>
  (layer, { graph, weights, blobCount }) => {
    const param = messageOf(layer.message, 'convolution_param')
    const [x] = layer.inputs
    const axes = graph.rank(x) - 2
    const channels = graph.shape(x)?.[1]
    if (numberOf(param, 'axis', 1) !== 1 || typeof channels !== 'number')
      throw graph.refuse('its channels are not on axis 1, or their number is not known', 'Export the network again.')
    const outputs = numberOf(param, 'num_output', 0)
    // Of a depthwise layer's type in forks of Caffe, the group is the number of channels.
    const group = layer.type === 'Convolution' || op === 'ConvTranspose' ? numberOf(param, 'group', 1) : channels
    const kernel = perAxis(param, 'kernel_size', axes, 0, 'kernel')
    const sizes = op === 'Conv' ? [outputs, channels / group] : [channels, outputs / group]
    if (!sizes.every(size => Number.isInteger(size) && size > 0) || kernel.some(k => k < 1))
      throw graph.refuse(`${channels} channels do not make ${outputs} in ${group} groups`, 'Mend the .prototxt.')
    const pads = perAxis(param, 'pad', axes, 0)
    const weight = graph.constant('weight', shaped(graph, weights(0, 'weight'), [...sizes, ...kernel], 'weight'))
    const biased = flagOf(param, 'bias_term', true) && blobCount > 1
    const bias = biased ? [graph.constant('bias', shaped(graph, weights(1, 'bias'), [outputs], 'bias'))] : []
    graph.node(op, [x, weight, ...bias], layer.outputs, {
      kernel_shape: ints(kernel),
      strides: ints(perAxis(param, 'stride', axes, 1)),
      dilations: ints(perAxis(param, 'dilation', axes, 1)),
      pads: ints([...pads, ...pads]),
      group: int(group),
    })
  }

const innerProduct: CaffeReader = (layer, { graph, weights, blobCount }) => {
  const param = messageOf(layer.message, 'inner_product_param')
  const [x] = layer.inputs
  const rank = graph.rank(x)
  const given = numberOf(param, 'axis', 1)
  const axis = given < 0 ? rank + given : given
  const outputs = numberOf(param, 'num_output', 0)
  const blob = weights(0, 'weight')
  const inputs = elements(blob) / outputs
  if (!Number.isInteger(inputs))
    throw graph.refuse(`${elements(blob)} weights do not make ${outputs} outputs`, 'Mend the .prototxt.')
  const transposed = flagOf(param, 'transpose', false)
  const weight = graph.constant('weight', { ...blob, shape: transposed ? [inputs, outputs] : [outputs, inputs] })
  const biased = flagOf(param, 'bias_term', true) && blobCount > 1
  const bias = biased ? [graph.constant('bias', shaped(graph, weights(1, 'bias'), [outputs], 'bias'))] : []
  if (axis === 1) {
    const flat = rank === 2 ? x : graph.node('Flatten', [x], undefined, { axis: int(1) })
    graph.node('Gemm', [flat, weight, ...bias], layer.outputs, { transB: int(transposed ? 0 : 1) })
    return
  }
  if (axis !== rank - 1) throw graph.refuse(`it multiplies over several axes from ${axis} on`, 'Flatten them before.')
  const turned = transposed ? weight : graph.node('Transpose', [weight], undefined, { perm: ints([1, 0]) })
  if (bias.length === 0) graph.node('MatMul', [x, turned], layer.outputs)
  else graph.node('Add', [graph.node('MatMul', [x, turned]), ...bias], layer.outputs)
}

/** Mean and variance as running sums, and by what they are to be divided. A Scale right after it becomes part of it. */
const batchNorm: CaffeReader = async (layer, ctx) => {
  const { graph, weights, read } = ctx
  const factor = (await read(weights(2, 'factor')))[0]
  const divided = async (at: number, what: string): Promise<Float32Array> =>
    (await read(weights(at, what))).map(v => (factor === 0 ? 0 : v / factor))
  const mean = await divided(0, 'mean')
  const variance = await divided(1, 'variance')
  const next = ctx.after[0]
  const param = messageOf(next?.message ?? null, 'scale_param')
  const follows =
    next?.type === 'Scale' &&
    next.inputs.length === 1 &&
    next.inputs[0] === layer.outputs[0] &&
    !ctx.after.slice(1).some(other => other.inputs.includes(next.inputs[0])) &&
    numberOf(param, 'axis', 1) === 1 &&
    elements(ctx.weightsOf(next)(0, 'scale')) === mean.length
  const ofScale = follows ? ctx.weightsOf(next) : null
  const term = (at: number, what: string, fill: number): string =>
    ofScale && (at === 0 || flagOf(param, 'bias_term', false))
      ? graph.constant(what, shaped(graph, ofScale(at, what), [mean.length], what))
      : graph.floats(what, new Float32Array(mean.length).fill(fill))
  const terms = [term(0, 'scale', 1), term(1, 'bias', 0)]
  const moments = [graph.floats('mean', mean), graph.floats('var', variance)]
  const outputs = ofScale ? next.outputs : layer.outputs
  graph.node('BatchNormalization', [layer.inputs[0], ...terms, ...moments], outputs, {
    epsilon: float(numberOf(messageOf(layer.message, 'batch_norm_param'), 'eps', 1e-5)),
  })
  if (ofScale) ctx.taken.add(next)
}

/** Numbers of a blob laid along an axis of x. */
function along(graph: LayerGraph, x: string, tensor: Tensor, axis: number, what: string): string {
  const rank = graph.rank(x)
  const from = axis < 0 ? rank + axis : axis
  const size = elements(tensor)
  // Old files say [1, 1, 1, n] for n.
  const dims = tensor.shape.slice(tensor.shape.findIndex(d => d !== 1))
  const shape = [...dims, ...new Array<number>(Math.max(0, rank - from - dims.length)).fill(1)]
  return graph.constant(what, { ...tensor, shape: size === 1 ? [] : shape })
}

/** A second bottom laid along an axis of the first. */
function blobAlong(graph: LayerGraph, x: string, y: string, axis: number): string {
  const rank = graph.rank(x)
  const own = graph.rank(y)
  const from = axis < 0 ? rank + axis : axis
  const missing = rank - from - own
  if (missing <= 0) return y
  return graph.node('Unsqueeze', [
    y,
    graph.ints(
      'axes',
      Array.from({ length: missing }, (_, i) => own + i),
    ),
  ])
}

const scale: CaffeReader = (layer, { graph, weights }) => {
  const param = messageOf(layer.message, 'scale_param')
  const axis = numberOf(param, 'axis', 1)
  const [x, other] = layer.inputs
  const biased = flagOf(param, 'bias_term', false)
  const factor =
    other === undefined ? along(graph, x, weights(0, 'scale'), axis, 'scale') : blobAlong(graph, x, other, axis)
  const product = graph.node('Mul', [x, factor], biased ? undefined : layer.outputs)
  if (!biased) return
  const bias = along(graph, x, weights(other === undefined ? 1 : 0, 'bias'), axis, 'bias')
  graph.node('Add', [product, bias], layer.outputs)
}

const bias: CaffeReader = (layer, { graph, weights }) => {
  const axis = numberOf(messageOf(layer.message, 'bias_param'), 'axis', 1)
  const [x, other] = layer.inputs
  const addend =
    other === undefined ? along(graph, x, weights(0, 'bias'), axis, 'bias') : blobAlong(graph, x, other, axis)
  graph.node('Add', [x, addend], layer.outputs)
}

const prelu: CaffeReader = (layer, { graph, weights }) => {
  const slope = weights(0, 'slope')
  graph.channelwise('PRelu', layer.inputs[0], 'slope', { ...slope, shape: [elements(slope)] }, layer.outputs[0])
}

/** SSD's: over the channels, or channels and positions, to length 1, then a factor for each channel. */
const normalize: CaffeReader = (layer, { graph, weights }) => {
  const param = messageOf(layer.message, 'norm_param')
  const [x] = layer.inputs
  const rank = graph.rank(x)
  const axes = flagOf(param, 'across_spatial', true) ? Array.from({ length: rank - 1 }, (_, i) => i + 1) : [1]
  const squares = graph.node('ReduceSumSquare', [x], undefined, { axes: ints(axes), keepdims: int(1) })
  const guarded = graph.node('Add', [squares, graph.floats('eps', [numberOf(param, 'eps', 1e-10)], [])])
  const normal = graph.node('Div', [x, graph.node('Sqrt', [guarded])])
  const factors = weights(0, 'scale')
  graph.channelwise('Mul', normal, 'scale', { ...factors, shape: [elements(factors)] }, layer.outputs[0])
}

export const weighted: CaffeReaders = {
  Convolution: convolution('Conv'),
  ConvolutionDepthwise: convolution('Conv'),
  DepthwiseConvolution: convolution('Conv'),
  Deconvolution: convolution('ConvTranspose'),
  InnerProduct: innerProduct,
  BatchNorm: batchNorm,
  Scale: scale,
  Bias: bias,
  PReLU: prelu,
  Normalize: normalize,
}
