// Layers that compute: convolutions, matrix products, pools, norms, reductions, resizing, attention.
import { onnxCode } from '../../base/dtype.ts'
import { dtypeOfElement } from '../../formats/openvino.ts'
import { float, string } from '../../ir/model.ts'
import type { Attributes, Layer, Lowering } from './layer.ts'
import { regroupWeights } from './weights.ts'

/** Strides, dilations and pads of convolutions and pools. */
function windows(layer: Layer): Attributes {
  const kernel = layer.list('kernel')
  const dilations = layer.list('dilations')
  const autoPad = {
    explicit: 'NOTSET',
    notset: 'NOTSET',
    valid: 'VALID',
    same_upper: 'SAME_UPPER',
    same_lower: 'SAME_LOWER',
  }
  const mode = layer.text('auto_pad', 'explicit')
  if (!Object.hasOwn(autoPad, mode)) layer.refuse(`its auto_pad is ${mode}`)
  const explicit = mode === 'explicit' || mode === 'notset'
  return {
    ...(kernel.length > 0 ? { kernel_shape: kernel } : {}),
    strides: layer.list('strides'),
    ...(dilations.length > 0 ? { dilations } : {}),
    ...(explicit
      ? { pads: [...layer.list('pads_begin'), ...layer.list('pads_end')] }
      : { auto_pad: string(autoPad[mode as keyof typeof autoPad]) }),
  }
}

const convolution: Lowering = layer => layer.give('Conv', [layer.input(0), layer.input(1)], windows(layer))

/** Weights [groups, outputs of one, inputs of one, ...]; ONNX has the first two as one. */
const groupConvolution: Lowering = async layer => {
  const group = groupsOf(layer)
  const weight = await regroupWeights(layer, 1, [0, 1])
  layer.give('Conv', [layer.input(0), weight], { ...windows(layer), group })
}

function groupsOf(layer: Layer): number {
  const [groups] = layer.dims(1)
  return typeof groups === 'number' ? groups : layer.refuse('the number of its groups is not known')
}

const transposed =
  (grouped: boolean): Lowering =>
  async layer => {
    const { pads, ...rest } = windows(layer)
    const wanted = layer.inputs > 2 ? await layer.must(2, 'output shape') : null
    const padding = layer.list('output_padding')
    const attributes = {
      ...rest,
      ...(wanted ? { output_shape: wanted } : pads === undefined ? {} : { pads }),
      ...(padding.some(n => n !== 0) ? { output_padding: padding } : {}),
      ...(grouped ? { group: groupsOf(layer) } : {}),
    }
    const weight = grouped ? await regroupWeights(layer, 1, [0, 1]) : layer.input(1)
    layer.give('ConvTranspose', [layer.input(0), weight], attributes)
  }

const averagePool: Lowering = layer =>
  layer.give('AveragePool', [layer.input(0)], {
    ...windows(layer),
    count_include_pad: layer.flag('exclude-pad', false) ? 0 : 1,
    ceil_mode: ceils(layer),
  })

const ceils = (layer: Layer): number => (layer.text('rounding_type', 'floor').startsWith('ceil') ? 1 : 0)

const maxPool: Lowering = layer => {
  const attributes = { ...windows(layer), ceil_mode: ceils(layer) }
  if (layer.outputs === 1 || !layer.used(1)) return layer.giveAt(0, 'MaxPool', [layer.input(0)], attributes)
  if (layer.number('axis', 0) !== 0) layer.refuse('its indices count from an axis other than 0')
  if (layer.text('index_element_type', 'i64') === 'i64') return layer.give('MaxPool', [layer.input(0)], attributes)
  const [values, indices] = layer.nodes('MaxPool', [layer.input(0)], 2, attributes)
  layer.giveAt(0, 'Identity', [values])
  layer.giveAt(1, 'Cast', [indices], { to: onnxCode('int32') })
}

/** To one element, or by windows where the sizes divide; otherwise they overlap, which no ONNX operator does. */
const adaptivePool =
  (kind: 'Average' | 'Max'): Lowering =>
  async layer => {
    if (layer.outputs > 1 && layer.used(1)) layer.refuse('its indices are used')
    const wanted = await layer.must(1, 'output shape')
    if (wanted.every(n => n === 1)) return layer.giveAt(0, `Global${kind}Pool`, [layer.input(0)])
    const spatial = layer.dims(0).slice(2)
    const windows = spatial.map((n, i) => (typeof n === 'number' && n % wanted[i] === 0 ? n / wanted[i] : 0))
    if (windows.includes(0)) layer.refuse(`its input [${layer.dims(0)}] does not divide into [${wanted}]`)
    layer.giveAt(0, `${kind}Pool`, [layer.input(0)], { kernel_shape: windows, strides: windows })
  }

const swapped = (rank: number): number[] => {
  const order = Array.from({ length: rank }, (_, i) => i)
  return [...order.slice(0, -2), rank - 1, rank - 2]
}

const matmul: Lowering = layer => {
  const flags = [layer.flag('transpose_a', false), layer.flag('transpose_b', false)]
  const ranks = [layer.dims(0).length, layer.dims(1).length]
  const [a, b] = [layer.input(0), layer.input(1)]
  if (ranks.every(r => r === 2) && flags.includes(true))
    return layer.give('Gemm', [a, b], { transA: flags[0] ? 1 : 0, transB: flags[1] ? 1 : 0 })
  const turned = [a, b].map((name, i) =>
    flags[i] && ranks[i] > 1 ? layer.node('Transpose', [name], { perm: swapped(ranks[i]) }) : name,
  )
  layer.give('MatMul', turned)
}

const reduce =
  (op: string): Lowering =>
  async layer =>
    layer.give(op, await reduced(layer, layer.input(0)), keeps(layer))

/** An empty list of axes leaves the input as it is. */
const reduced = async (layer: Layer, x: string): Promise<string[]> => [
  x,
  layer.inputs > 1 ? await axesOf(layer) : layer.whole64([]),
]
const keeps = (layer: Layer): Attributes => ({
  keepdims: layer.flag('keep_dims', false) ? 1 : 0,
  noop_with_empty_axes: 1,
})

async function axesOf(layer: Layer): Promise<string> {
  const known = await layer.numbers(1)
  if (known) return layer.whole64(known)
  const given = await layer.whole(1)
  return layer.dims(1).length === 0 ? layer.node('Reshape', [given, layer.whole64([-1])]) : given
}

/** All or any, by the smallest or largest of 0 and 1. */
const reduceLogical =
  (op: 'ReduceMin' | 'ReduceMax'): Lowering =>
  async layer => {
    const numbers = layer.node('Cast', [layer.input(0)], { to: onnxCode('int32') })
    layer.give('Cast', [layer.node(op, await reduced(layer, numbers), keeps(layer))], { to: onnxCode('bool') })
  }

/** Less the mean, and divided by the deviation. */
const meanVariance: Lowering = async layer => {
  const x = layer.input(0)
  const axes = await axesOf(layer)
  const whole = { keepdims: 1 }
  const mean = layer.node('ReduceMean', [x, axes], whole)
  if (!layer.flag('normalize_variance', true)) return layer.give('Sub', [x, mean])
  const centred = layer.node('Sub', [x, mean])
  const variance = layer.node('ReduceMean', [layer.node('Mul', [centred, centred]), axes], whole)
  const eps = layer.scalar(layer.number('eps', 0), layer.dtype(0))
  const inside = layer.text('eps_mode', 'INSIDE_SQRT').toUpperCase() === 'INSIDE_SQRT'
  const deviation = inside
    ? layer.node('Sqrt', [layer.node('Add', [variance, eps])])
    : layer.node('Add', [layer.node('Sqrt', [variance]), eps])
  layer.give('Div', [centred, deviation])
}

const normalizeL2: Lowering = async layer => {
  const x = layer.input(0)
  const sum = layer.node('ReduceSumSquare', [x, await axesOf(layer)], { keepdims: 1, noop_with_empty_axes: 1 })
  const eps = layer.scalar(layer.number('eps', 0), layer.dtype(0))
  const safe = layer.node(layer.text('eps_mode', 'add') === 'max' ? 'Max' : 'Add', [sum, eps])
  layer.give('Div', [x, layer.node('Sqrt', [safe])])
}

const localResponse: Lowering = async layer => {
  const axes = await layer.must(1, 'axes')
  if (axes.length !== 1 || axes[0] !== 1) layer.refuse(`it goes over the axes [${axes}], not over the channels`)
  layer.give('LRN', [layer.input(0)], {
    alpha: float(layer.number('alpha', 1)),
    beta: float(layer.number('beta', 1)),
    bias: float(layer.number('bias', 1)),
    size: layer.number('size', 1),
  })
}

/** The first operator set had gamma and beta before the data. */
const batchNorm: Lowering = layer => {
  const order = layer.version < 5 ? [2, 0, 1, 3, 4] : [0, 1, 2, 3, 4]
  layer.give(
    'BatchNormalization',
    order.map(i => layer.input(i)),
    { epsilon: float(layer.number('epsilon', layer.number('eps', 1e-5))) },
  )
}

const coordinates: Readonly<Record<string, string>> = {
  half_pixel: 'half_pixel',
  pytorch_half_pixel: 'pytorch_half_pixel',
  asymmetric: 'asymmetric',
  align_corners: 'align_corners',
}
const resizeModes: Readonly<Record<string, string>> = {
  nearest: 'nearest',
  linear: 'linear',
  linear_onnx: 'linear',
  cubic: 'cubic',
}

/** From the eleventh operator set on, sizes or scales come in one input; before there were two. */
const interpolate: Lowering = async layer => {
  if (layer.version < 4) layer.refuse('it is of the first operator set')
  const word = (key: string, fallback: string, known: Readonly<Record<string, string>>): string => {
    const given = layer.text(key, fallback)
    return Object.hasOwn(known, given) ? known[given] : layer.refuse(`its ${key} is ${given}`)
  }
  if ([...layer.list('pads_begin'), ...layer.list('pads_end')].some(n => n !== 0)) layer.refuse('it pads')
  const bySizes = layer.text('shape_calculation_mode', 'scales') === 'sizes'
  const single = layer.version >= 11
  const axesAt = single ? 2 : 3
  const known = layer.inputs > axesAt ? await layer.must(axesAt, 'axes') : null
  const all = known === null || (known.length === layer.dims(0).length && known.every((axis, i) => axis === i))
  const axes: Attributes = all ? {} : { axes: known }
  const mode = word('mode', 'nearest', resizeModes)
  const nearest = layer.text('nearest_mode', 'round_prefer_floor')
  if (mode === 'nearest' && nearest === 'simple') layer.refuse('its nearest_mode is simple')
  const reads = bySizes
    ? [layer.input(0), null, null, await layer.whole(1)]
    : [layer.input(0), null, layer.input(single ? 1 : 2)]
  layer.give('Resize', reads, {
    mode: string(mode),
    coordinate_transformation_mode: string(word('coordinate_transformation_mode', 'half_pixel', coordinates)),
    ...(mode === 'nearest' ? { nearest_mode: string(nearest) } : {}),
    ...(mode === 'cubic' ? { cubic_coeff_a: float(layer.number('cube_coeff', -0.75)) } : {}),
    ...(layer.flag('antialias', false) ? { antialias: 1 } : {}),
    ...axes,
  })
}

/** softmax(q kᵀ scale + mask) v */
const attention: Lowering = async (layer: Layer) => {
  const [q, k, v] = [0, 1, 2].map(i => layer.input(i))
  const [length, width] = layer.dims(0).slice(-2)
  const keys = layer.dims(1).at(-2)
  const dtype = layer.dtype(0)
  let scores = layer.node('MatMul', [q, layer.node('Transpose', [k], { perm: swapped(layer.dims(1).length) })])
  if (layer.inputs > 4) scores = layer.node('Mul', [scores, layer.input(4)])
  else if (typeof width === 'number') scores = layer.node('Mul', [scores, layer.scalar(1 / Math.sqrt(width), dtype)])
  else layer.refuse('its width is not known')
  if (layer.flag('causal', false)) {
    if (typeof length !== 'number' || typeof keys !== 'number') layer.refuse('it is causal over an unknown length')
    const lowest = layer.node('Expand', [layer.scalar(Number.NEGATIVE_INFINITY, dtype), layer.whole64([length, keys])])
    const above = layer.node('Trilu', [lowest, layer.whole64([1])], { upper: 1 })
    scores = layer.node('Add', [scores, above])
  } else if (layer.inputs > 3) scores = masked(layer, scores)
  layer.give('MatMul', [layer.node('Softmax', [scores], { axis: -1 }), v])
}

function masked(layer: Layer, scores: string): string {
  if (layer.dtype(3) !== 'bool') return layer.node('Add', [scores, layer.input(3)])
  return layer.node('Where', [layer.input(3), scores, layer.scalar(Number.NEGATIVE_INFINITY, layer.dtype(0))])
}

export const network: Readonly<Record<string, Lowering>> = {
  AdaptiveAvgPool: adaptivePool('Average'),
  AdaptiveMaxPool: adaptivePool('Max'),
  AvgPool: averagePool,
  BatchNormInference: batchNorm,
  Convolution: convolution,
  ConvolutionBackpropData: transposed(false),
  CumSum: async layer =>
    layer.give('CumSum', [layer.input(0), await layer.whole(1)], {
      exclusive: layer.flag('exclusive', false) ? 1 : 0,
      reverse: layer.flag('reverse', false) ? 1 : 0,
    }),
  Einsum: layer =>
    layer.give(
      'Einsum',
      Array.from({ length: layer.inputs }, (_, i) => layer.input(i)),
      { equation: string(layer.text('equation', '')) },
    ),
  GroupConvolution: groupConvolution,
  GroupConvolutionBackpropData: transposed(true),
  GroupNormalization: layer =>
    layer.give('GroupNormalization', [layer.input(0), layer.input(1), layer.input(2)], {
      epsilon: float(layer.number('epsilon', 1e-5)),
      num_groups: layer.number('num_groups', 1),
    }),
  Interpolate: interpolate,
  LRN: localResponse,
  LogSoftmax: layer => layer.give('LogSoftmax', [layer.input(0)], { axis: layer.number('axis', 1) }),
  MVN: meanVariance,
  MatMul: matmul,
  MaxPool: maxPool,
  NormalizeL2: normalizeL2,
  ROIAlign: async layer =>
    layer.give('RoiAlign', [layer.input(0), layer.input(1), await layer.whole(2)], {
      output_height: layer.number('pooled_h', 1),
      output_width: layer.number('pooled_w', 1),
      sampling_ratio: layer.number('sampling_ratio', 0),
      spatial_scale: float(layer.number('spatial_scale', 1)),
      mode: string(layer.text('mode', 'avg')),
      coordinate_transformation_mode: string(
        layer.text('aligned_mode', 'asymmetric') === 'asymmetric' ? 'output_half_pixel' : 'half_pixel',
      ),
    }),
  ReduceL1: reduce('ReduceL1'),
  ReduceL2: reduce('ReduceL2'),
  ReduceLogicalAnd: reduceLogical('ReduceMin'),
  ReduceLogicalOr: reduceLogical('ReduceMax'),
  ReduceMax: reduce('ReduceMax'),
  ReduceMean: reduce('ReduceMean'),
  ReduceMin: reduce('ReduceMin'),
  ReduceProd: reduce('ReduceProd'),
  ReduceSum: reduce('ReduceSum'),
  ScaledDotProductAttention: attention,
  SoftMax: layer => layer.give('Softmax', [layer.input(0)], { axis: layer.number('axis', 1) }),
  GridSample: layer =>
    layer.give('GridSample', [layer.input(0), layer.input(1)], {
      align_corners: layer.flag('align_corners', false) ? 1 : 0,
      mode: string({ bilinear: 'linear', bicubic: 'cubic' }[layer.text('mode', 'bilinear')] ?? 'nearest'),
      padding_mode: string(layer.text('padding_mode', 'zeros')),
    }),
  TopK: async layer => {
    if (layer.text('sort', 'value') === 'index') layer.refuse('it sorts by index')
    const k = await layer.numbers(1)
    const count = k ? layer.whole64(k) : layer.node('Reshape', [await layer.whole(1), layer.whole64([-1])])
    const attributes = {
      axis: layer.number('axis', -1),
      largest: layer.text('mode', 'max') === 'max' ? 1 : 0,
      sorted: layer.text('sort', 'value') === 'value' ? 1 : 0,
    }
    const type = dtypeOfElement(layer.text('index_element_type', 'i32')) ?? 'int32'
    if (type === 'int64') return layer.give('TopK', [layer.input(0), count], attributes)
    const [values, indices] = layer.nodes('TopK', [layer.input(0), count], 2, attributes)
    layer.giveAt(0, 'Identity', [values])
    layer.giveAt(1, 'Cast', [indices], { to: onnxCode(type) })
  },
}
