// Operators that compute: convolutions, matrix products, pools, norms, reductions, resizing.
import type { Data, Port } from './net.ts'
import { constantOf, type Lowering, type NodeWriter } from './node.ts'
import { weightAt } from './weights.ts'

const numpy = { auto_broadcast: 'numpy' }
const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

/** Strides, dilations and pads over so many spatial axes. */
function windows(n: NodeWriter, spatial: number): Record<string, string | readonly number[]> {
  const ones = new Array<number>(spatial).fill(1)
  const pads = n.ints('pads') ?? new Array<number>(2 * spatial).fill(0)
  const mode = n.string('auto_pad', 'NOTSET')
  return {
    strides: n.ints('strides') ?? ones,
    dilations: n.ints('dilations') ?? ones,
    pads_begin: pads.slice(0, spatial),
    pads_end: pads.slice(spatial),
    auto_pad: mode === 'NOTSET' ? 'explicit' : mode.toLowerCase(),
  }
}

/** The layer, and the bias added to its channels. */
function giveWithBias(n: NodeWriter, type: string, inputs: readonly Port[], data: Data, bias: number): void {
  if (!n.has(bias)) {
    n.give(type, inputs, data)
    return
  }
  const product = n.layer(type, inputs, data, 1, { dims: n.output(0).dims })
  n.give('Add', [product, perChannel(n, bias, n.rank(0))], numpy)
}

/** A vector over the channels, as [1, C, 1, ...]. */
function perChannel(n: NodeWriter, input: number, rank: number): Port {
  const [count] = n.dims(input)
  if (typeof count !== 'number') n.refuse(`the length of its input ${input} is not known`)
  const shape = range(0, rank).map(i => (i === 1 ? count : 1))
  const tensor = n.tensor(input)
  return tensor ? constantOf(n.name(input), tensor, n.writing, shape) : n.reshaped(n.port(input), shape)
}

const conv: Lowering = n => {
  const groups = n.int('group', 1)
  const data = windows(n, n.rank(1) - 2)
  if (groups === 1) return giveWithBias(n, 'Convolution', [n.port(0), n.port(1)], data, 2)
  giveWithBias(n, 'GroupConvolution', [n.port(0), grouped(n, groups)], data, 2)
}

function grouped(n: NodeWriter, groups: number): Port {
  const dims = n.dims(1)
  if (!dims.every(dim => typeof dim === 'number')) n.refuse('the shape of its weights is not known')
  const known = dims as readonly number[]
  return (
    weightAt(n, 1, { kind: 'groups', groups }) ?? n.reshaped(n.port(1), [groups, known[0] / groups, ...known.slice(1)])
  )
}

const convTranspose: Lowering = n => {
  if (n.string('auto_pad', 'NOTSET').startsWith('SAME')) n.refuse('it pads to keep its size')
  const groups = n.int('group', 1)
  const spatial = n.rank(1) - 2
  const data = {
    ...windows(n, spatial),
    output_padding: n.ints('output_padding') ?? new Array<number>(spatial).fill(0),
  }
  const wanted = n.ints('output_shape')
  const inputs = [n.port(0), groups === 1 ? n.port(1) : grouped(n, groups), ...(wanted ? [n.whole(wanted)] : [])]
  giveWithBias(n, groups === 1 ? 'ConvolutionBackpropData' : 'GroupConvolutionBackpropData', inputs, data, 2)
}

const matmul: Lowering = n => {
  // Codes lie as the runtime's kernels for packed weights want them: a row for each output.
  const turned = n.rank(1) === 2 ? weightAt(n, 1, { kind: 'turned' }) : null
  n.give('MatMul', [n.port(0), turned ?? n.port(1)], { transpose_a: false, transpose_b: turned !== null })
}

const gemm: Lowering = n => {
  const transposeB = n.int('transB', 0) === 1
  const turned = transposeB ? null : weightAt(n, 1, { kind: 'turned' })
  const data = { transpose_a: n.int('transA', 0) === 1, transpose_b: transposeB || turned !== null }
  const inputs = [n.port(0), turned ?? n.port(1)]
  const [alpha, beta] = [n.float('alpha', 1), n.float('beta', 1)]
  const { dims } = n.output(0)
  const adds = n.has(2) && beta !== 0
  if (alpha === 1 && !adds) return n.give('MatMul', inputs, data)
  let x = n.layer('MatMul', inputs, data, 1, { dims })
  if (alpha !== 1 && !adds) return n.give('Multiply', [x, n.real(alpha)], numpy)
  if (alpha !== 1) x = n.layer('Multiply', [x, n.real(alpha)], numpy, 1, { dims })
  const bias = beta === 1 ? n.widened(2, 2) : n.layer('Multiply', [n.port(2), n.real(beta)], numpy)
  n.give('Add', [x, bias], numpy)
}

function kernelOf(n: NodeWriter): number[] {
  return n.ints('kernel_shape') ?? n.refuse('it has no kernel_shape')
}

/** No window begins in the padding behind: so newer layers round up. */
function rounding(n: NodeWriter, plain: number): { version: number; rounding_type: string } {
  const up = n.int('ceil_mode', 0) === 1
  return up ? { version: 14, rounding_type: 'ceil_torch' } : { version: plain, rounding_type: 'floor' }
}

const maxPool: Lowering = n => {
  const kernel = kernelOf(n)
  if (n.int('storage_order', 0) !== 0 && n.used(1)) n.refuse('its indices are in column order')
  const { version, rounding_type } = rounding(n, 8)
  const data = { ...windows(n, kernel.length), kernel, rounding_type, index_element_type: 'i64', axis: 0 }
  const values = n.output(0)
  n.give('MaxPool', [n.port(0)], data, version, [values, { ...values, dtype: 'int64' }])
}

const averagePool: Lowering = n => {
  const kernel = kernelOf(n)
  const { dilations, ...data } = windows(n, kernel.length)
  if ((dilations as readonly number[]).some(d => d !== 1)) n.refuse('it has dilations')
  const { version, rounding_type } = rounding(n, 1)
  const excludes = n.int('count_include_pad', 0) === 0
  n.give('AvgPool', [n.port(0)], { ...data, kernel, 'exclude-pad': excludes, rounding_type }, version)
}

const globalPool =
  (type: 'ReduceMean' | 'ReduceMax'): Lowering =>
  n =>
    n.give(type, [n.port(0), n.whole(range(2, n.rank(0)))], { keep_dims: true })

/** Axes are an attribute or an input; without any, all are meant, or none where the node says so. */
function axesOf(n: NodeWriter): Port {
  const given = n.ints('axes')
  if (given) return n.whole(given)
  if (n.has(1) && n.numbers(1)?.length !== 0) return n.port(1)
  return n.whole(n.int('noop_with_empty_axes', 0) === 1 ? [] : range(0, n.rank(0)))
}

const reduce =
  (type: string, version = 1): Lowering =>
  n => {
    if (n.port(0).dtype === 'bool') n.refuse('its input is of truth values')
    n.give(type, [n.port(0), axesOf(n)], { keep_dims: n.int('keepdims', 1) === 1 }, version)
  }

const softmax =
  (type: 'SoftMax' | 'LogSoftmax', version: number): Lowering =>
  n => {
    const axis = n.int('axis', n.opset < 13 ? 1 : -1)
    const behind = n.opset < 13 ? n.dims(0).slice(axis < 0 ? axis + n.rank(0) + 1 : axis + 1) : []
    // Until opset 13 all axes from this one on were one.
    if (behind.some(dim => dim !== 1)) n.refuse('it goes over several axes')
    n.give(type, [n.port(0)], { axis }, version)
  }

const batchNorm: Lowering = n => {
  if (n.int('training_mode', 0) === 1) n.refuse('it is in training mode')
  const inputs = [0, 1, 2, 3, 4].map(i => n.port(i))
  n.give('BatchNormInference', inputs, { epsilon: n.float('epsilon', 1e-5) }, 5, [n.output(0)])
}

const variance = (epsilon: number): Data => ({ normalize_variance: true, eps: epsilon, eps_mode: 'inside_sqrt' })

const layerNorm: Lowering = n => {
  if (n.used(1) || n.used(2)) n.refuse('its mean or deviation is used')
  const rank = n.rank(0)
  const axis = n.int('axis', -1)
  const axes = range(axis < 0 ? axis + rank : axis, rank)
  const like = { dims: n.port(0).dims }
  const normal = n.layer('MVN', [n.port(0), n.whole(axes)], variance(n.float('epsilon', 1e-5)), 6, like)
  if (!n.has(2)) return n.give('Multiply', [normal, n.port(1)], numpy, 1, [n.output(0)])
  n.give('Add', [n.layer('Multiply', [normal, n.port(1)], numpy, 1, like), n.port(2)], numpy, 1, [n.output(0)])
}

const instanceNorm: Lowering = n => {
  const rank = n.rank(0)
  const normal = n.layer('MVN', [n.port(0), n.whole(range(2, rank))], variance(n.float('epsilon', 1e-5)), 6)
  n.give('Add', [n.layer('Multiply', [normal, perChannel(n, 1, rank)], numpy), perChannel(n, 2, rank)], numpy)
}

const coordinates = ['half_pixel', 'pytorch_half_pixel', 'asymmetric', 'align_corners']
const resizeModes: Readonly<Record<string, string>> = { nearest: 'nearest', linear: 'linear_onnx', cubic: 'cubic' }

const resize: Lowering = n => {
  const rank = n.rank(0)
  const single = n.node.op === 'Upsample' || n.opset < 11 // scales at input 1, coordinates not scaled by halves
  const [scalesAt, sizesAt] = single ? [1, 3] : [2, 3]
  const mode = n.string('mode', 'nearest')
  const way = n.string('coordinate_transformation_mode', single ? 'asymmetric' : 'half_pixel')
  const nearest = n.string('nearest_mode', single ? 'floor' : 'round_prefer_floor')
  if (!Object.hasOwn(resizeModes, mode)) n.refuse(`its mode is ${mode}`)
  if (!coordinates.includes(way)) n.refuse(`its coordinate_transformation_mode is ${way}`)
  if (n.int('exclude_outside', 0) === 1) n.refuse('it leaves out what lies outside')
  if (n.string('keep_aspect_ratio_policy', 'stretch') !== 'stretch') n.refuse('it keeps the aspect ratio')
  const bySizes = n.has(sizesAt)
  const values = n.numbers(bySizes ? sizesAt : scalesAt) ?? attrScales(n)
  const given = n.ints('axes') ?? range(0, rank)
  // Batch and channels are not resized; the runtime's fast kernels want them left out.
  const picked = given.flatMap((_, i) => (values && (bySizes ? n.dims(0).at(given[i]) : 1) === values[i] ? [] : [i]))
  const axes = values ? picked.map(i => given[i]) : given
  const list = values ? picked.map(i => values[i]) : null
  const wanted = list ? (bySizes ? n.whole(list) : n.real(list)) : n.port(bySizes ? sizesAt : scalesAt)
  const data = {
    mode: resizeModes[mode],
    shape_calculation_mode: bySizes ? 'sizes' : 'scales',
    coordinate_transformation_mode: way,
    nearest_mode: nearest,
    antialias: n.int('antialias', 0) === 1,
    pads_begin: [0],
    pads_end: [0],
    cube_coeff: n.float('cubic_coeff_a', -0.75),
  }
  if (axes.length === 0) return n.set(n.port(0))
  n.give('Interpolate', [n.port(0), wanted, n.whole(axes)], data, 11)
}

function attrScales(n: NodeWriter): readonly number[] | null {
  const attr = n.node.attrs.get('scales')
  return attr?.kind === 'floats' ? attr.value : null
}

export const network: Readonly<Record<string, Lowering>> = {
  AveragePool: averagePool,
  BatchNormalization: batchNorm,
  Conv: conv,
  ConvTranspose: convTranspose,
  CumSum: n =>
    n.give(
      'CumSum',
      [n.port(0), n.port(1)],
      { exclusive: n.int('exclusive', 0) === 1, reverse: n.int('reverse', 0) === 1 },
      3,
    ),
  Einsum: n =>
    n.give(
      'Einsum',
      n.node.inputs.map((_, i) => n.port(i)),
      { equation: n.string('equation', '').replaceAll(' ', '') },
      7,
    ),
  Gemm: gemm,
  GlobalAveragePool: globalPool('ReduceMean'),
  GlobalMaxPool: globalPool('ReduceMax'),
  InstanceNormalization: instanceNorm,
  LRN: n =>
    n.give('LRN', [n.port(0), n.whole([1])], {
      alpha: n.float('alpha', 0.0001),
      beta: n.float('beta', 0.75),
      bias: n.float('bias', 1),
      size: n.int('size', 1),
    }),
  LayerNormalization: layerNorm,
  LogSoftmax: softmax('LogSoftmax', 5),
  MatMul: matmul,
  MaxPool: maxPool,
  ReduceL1: reduce('ReduceL1', 4),
  ReduceL2: reduce('ReduceL2', 4),
  ReduceMax: reduce('ReduceMax'),
  ReduceMean: reduce('ReduceMean'),
  ReduceMin: reduce('ReduceMin'),
  ReduceProd: reduce('ReduceProd'),
  ReduceSum: reduce('ReduceSum'),
  ReduceSumSquare: n =>
    n.give('ReduceSum', [n.layer('Multiply', [n.port(0), n.port(0)], numpy), axesOf(n)], {
      keep_dims: n.int('keepdims', 1) === 1,
    }),
  Resize: resize,
  Softmax: softmax('SoftMax', 8),
  Upsample: resize,
}
