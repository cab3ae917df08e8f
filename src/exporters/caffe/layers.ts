// Operators without products as Caffe layers: those of stock Caffe, and Permute, which SSD added and detection networks need.
// BVLC/caffe: src/caffe/layers.
import type { ProtoWord } from '../../formats/prototxt.ts'
import { attrFloat, attrInt, attrInts, attrString, type Node, type ValueName } from '../../ir/model.ts'
import { elements, type Tensor } from '../../ir/tensor.ts'
import { Refused } from '../graph-view.ts'
import { windowOf } from '../window.ts'
import { copying, perAxis } from './products.ts'
import type { CaffePlanner, PlanOp, PlanOps } from './types.ts'

const word = (text: string): ProtoWord => ({ word: text })

const ends = (node: Node, { blob }: CaffePlanner): [string[], string[]] => [
  [blob(node.inputs[0]!)],
  [blob(node.outputs[0]!)],
]

const layer =
  (type: string, param?: (node: Node) => readonly [string, Record<string, number>]): PlanOp =>
  (node, planner) =>
    planner.add(type, ...ends(node, planner), param?.(node))

/** (shift + scale x) ^ power */
const power = (planner: CaffePlanner, x: string, y: string, fields: Record<string, number>): void =>
  planner.add('Power', [x], [y], ['power_param', fields])

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i])

/** Numbers laid along the channels, or the same for all. */
function alongChannels(tensor: Tensor, shape: readonly number[]): boolean {
  const wide = [...new Array<number>(Math.max(0, shape.length - tensor.shape.length)).fill(1), ...tensor.shape]
  return wide.length === shape.length && wide.every((d, i) => d === 1 || (i === 1 && d === shape[1]))
}

/** y = scale x + bias for each channel. */
function affine(planner: CaffePlanner, x: ValueName, y: ValueName, scale: Tensor | null, bias: Tensor | null): void {
  const channels = planner.view.shape(x)[1]
  const blobOf = (tensor: Tensor | null) =>
    tensor ? { shape: [channels], tensor } : { shape: [channels], values: new Array<number>(channels).fill(1) }
  planner.add(
    'Scale',
    [planner.blob(x)],
    [planner.blob(y)],
    ['scale_param', { bias_term: bias !== null }],
    [blobOf(scale), ...(bias ? [{ shape: [channels], tensor: bias }] : [])],
  )
}

const eltwise = (operation: string, coeff?: readonly number[]) =>
  ['eltwise_param', { operation: word(operation), ...(coeff ? { coeff } : {}) }] as const

const binary =
  (op: 'Add' | 'Sub' | 'Mul' | 'Div' | 'Max'): PlanOp =>
  (node, planner) => {
    const { view } = planner
    const [a, b, ...others] = node.inputs as string[]
    if (b === undefined || others.length > 0) throw new Refused('it has other than two inputs', 'Write it as pairs.')
    const y = node.outputs[0]!
    const [x, constant, swapped] = view.constant(a) ? [b, view.constant(a)!, true] : [a, view.constant(b), false]
    if (constant && op !== 'Max') {
      withConstant(op, x, y, constant, swapped, planner, swapped ? a : b)
      return
    }
    if (constant) throw new Refused('one of its inputs is constant', 'Write it as a ReLU.')
    const inputs = [a, b].map(name => planner.blob(name))
    const [shapeA, shapeB] = [view.shape(a), view.shape(b)]
    if (sameShape(shapeA, shapeB) && op !== 'Div') {
      const param = { Add: eltwise('SUM'), Sub: eltwise('SUM', [1, -1]), Mul: eltwise('PROD'), Max: eltwise('MAX') }[op]
      planner.add('Eltwise', inputs, [planner.blob(y)], param)
      return
    }
    // A factor for each channel that is computed, as in squeeze and excitation.
    const [wide, narrow] = elements({ shape: shapeA }) >= elements({ shape: shapeB }) ? [a, b] : [b, a]
    const factor = view.shape(narrow)
    if (op !== 'Mul' || factor.slice(2).some(d => d !== 1) || factor[1] !== view.shape(wide)[1])
      throw new Refused(
        'its inputs have different shapes, which Caffe broadcasts for no layer but Scale',
        'Tile one of them.',
      )
    const flat = planner.fresh(`${planner.blob(narrow)}_flat`)
    planner.add('Flatten', [planner.blob(narrow)], [flat])
    planner.add('Scale', [planner.blob(wide), flat], [planner.blob(y)], ['scale_param', { axis: 0 }])
  }

function withConstant(
  op: 'Add' | 'Sub' | 'Mul' | 'Div',
  x: ValueName,
  y: ValueName,
  constant: Tensor,
  swapped: boolean,
  planner: CaffePlanner,
  name: ValueName,
): void {
  const single = elements(constant) === 1 ? planner.view.numbers(name)?.[0] : undefined
  const [from, to] = [planner.blob(x), planner.blob(y)]
  if (single !== undefined) {
    if (op === 'Add') power(planner, from, to, { shift: single })
    else if (op === 'Mul') power(planner, from, to, { scale: single })
    else if (op === 'Sub') power(planner, from, to, swapped ? { scale: -1, shift: single } : { shift: -single })
    else if (!swapped) power(planner, from, to, { scale: 1 / single })
    else {
      const inverse = planner.fresh(`${to}_inverse`)
      power(planner, from, inverse, { power: -1 })
      power(planner, inverse, to, { scale: single })
    }
    return
  }
  if (!alongChannels(constant, planner.view.shape(x)) || (op !== 'Add' && op !== 'Mul'))
    throw new Refused('its constant is not one number for each channel, added or multiplied', 'Fold it.')
  affine(planner, x, y, op === 'Mul' ? constant : null, op === 'Add' ? constant : null)
}

const clip: PlanOp = (node, planner) => {
  const bound = (i: number, open: number): number => {
    if (node.inputs[i] == null) return open
    const value = planner.view.numbers(node.inputs[i])?.[0]
    if (value === undefined) throw new Refused('its bounds are computed at run time', 'Give it constant bounds.')
    return value
  }
  const [[x], [y]] = ends(node, planner)
  clipped(planner, x, y, bound(1, Number.NEGATIVE_INFINITY), bound(2, Number.POSITIVE_INFINITY))
}

/** Between two bounds, by what ReLU lets through: max(x, min) = ReLU(x - min) + min and min(x, max) = x - ReLU(x - max). */
function clipped(planner: CaffePlanner, x: string, y: string, min: number, max: number): void {
  const step = (what: string): string => planner.fresh(`${y}_${what}`)
  const bounded = Number.isFinite(max) && max < 3e38
  let low = x
  if (Number.isFinite(min) && min > -3e38) {
    low = bounded ? step('low') : y
    const [shifted, kept] = min === 0 ? [x, low] : [step('shifted'), step('kept')]
    if (min !== 0) power(planner, x, shifted, { shift: -min })
    planner.add('ReLU', [shifted], [kept])
    if (min !== 0) power(planner, kept, low, { shift: min })
  }
  if (!bounded) {
    if (low === x) power(planner, x, y, {})
    return
  }
  const [above, over] = [step('above'), step('over')]
  power(planner, low, above, { shift: -max })
  planner.add('ReLU', [above], [over])
  planner.add('Eltwise', [low, over], [y], eltwise('SUM', [1, -1]))
}

const hardSigmoid: PlanOp = (node, planner) => {
  const [[x], [y]] = ends(node, planner)
  const line = planner.fresh(`${y}_line`)
  power(planner, x, line, { scale: attrFloat(node, 'alpha', 0.2), shift: attrFloat(node, 'beta', 0.5) })
  clipped(planner, line, y, 0, 1)
}

const pooling =
  (method: 'MAX' | 'AVE'): PlanOp =>
  (node, planner) => {
    const { view } = planner
    const kernel = attrInts(node, 'kernel_shape') ?? []
    if (kernel.length !== 2 || node.outputs.length > 1)
      throw new Refused('it pools over other than two axes, or gives positions', 'Replace it.')
    const [from, to] = [node.inputs[0]!, node.outputs[0]!].map(name => view.shape(name).slice(2))
    const { strides, begins, ends: stops, over, dilations } = windowOf(node, kernel, from, to)
    if (dilations.some(d => d !== 1)) throw new Refused('its window has holes', 'Replace it.')
    const counts = attrInt(node, 'count_include_pad', 0) === 1
    const padded = begins.some(p => p !== 0) || stops.some(p => p !== 0)
    const whole = kernel.every((k, i) => k === from[i]) && !padded
    if (whole) {
      planner.add('Pooling', ...ends(node, planner), ['pooling_param', { pool: word(method), global_pooling: true }])
      return
    }
    // Uneven padding at the end alone is what rounding up does by itself.
    const pads = begins
    const given = from.map((size, i) => {
      const windows = Math.ceil((size + 2 * pads[i] - kernel[i]) / strides[i]) + 1
      return pads[i] > 0 && (windows - 1) * strides[i] >= size + pads[i] ? windows - 1 : windows
    })
    const fits = sameShape(given, to)
    if (fits && method === 'AVE' && padded && (!counts || over.some(n => n > 0)) && begins.some(p => p !== 0))
      throw new Refused('its average leaves padding out, which Caffe counts', 'Export it with count_include_pad.')
    if (fits && method === 'AVE' && begins.every(p => p === 0) && stops.some(p => p !== 0) && counts)
      throw new Refused('its average counts padding at the end alone', 'Pad before it.')
    if (fits) {
      planner.add('Pooling', ...ends(node, planner), [
        'pooling_param',
        {
          pool: word(method),
          ...perAxis('kernel_size', kernel, 'kernel'),
          ...perAxis('stride', strides),
          ...(pads.some(p => p !== 0) ? perAxis('pad', pads) : {}),
        },
      ])
      return
    }
    if (method === 'MAX' || padded)
      throw new Refused(
        `it gives ${to.join(' x ')}, and Caffe, which rounds up, would give ${given.join(' x ')}`,
        'Choose an input size that comes out even.',
      )
    // An average whose last rows are left out is a convolution, which rounds down.
    const channels = view.shape(node.inputs[0]!)[1]
    planner.add(
      'Convolution',
      ...ends(node, planner),
      [
        'convolution_param',
        {
          num_output: channels,
          bias_term: false,
          group: channels,
          ...perAxis('kernel_size', kernel, 'kernel'),
          ...perAxis('stride', strides),
        },
      ],
      [
        {
          shape: [channels, 1, ...kernel],
          values: new Array<number>(channels * kernel[0] * kernel[1]).fill(1 / (kernel[0] * kernel[1])),
        },
      ],
    )
  }

const globalPool =
  (method: 'MAX' | 'AVE'): PlanOp =>
  (node, planner) =>
    planner.add('Pooling', ...ends(node, planner), ['pooling_param', { pool: word(method), global_pooling: true }])

const reduceMean: PlanOp = (node, planner) => {
  const { view } = planner
  const axes = node.inputs[1] == null ? attrInts(node, 'axes') : view.numbers(node.inputs[1])
  const rank = view.shape(node.inputs[0]!).length
  const positive = axes?.map(axis => (axis + rank) % rank).sort((a, b) => a - b)
  if (rank !== 4 || positive?.join() !== '2,3')
    throw new Refused('it is over other than rows and columns', 'Replace it.')
  if (attrInt(node, 'keepdims', 1) === 1) return globalPool('AVE')(node, planner)
  const pooled = planner.fresh(`${planner.blob(node.outputs[0]!)}_pooled`)
  planner.add(
    'Pooling',
    [planner.blob(node.inputs[0]!)],
    [pooled],
    ['pooling_param', { pool: word('AVE'), global_pooling: true }],
  )
  planner.add('Flatten', [pooled], [planner.blob(node.outputs[0]!)])
}

const batchNorm: PlanOp = (node, planner) => {
  const terms = [1, 2, 3, 4].map(i => planner.view.constant(node.inputs[i]))
  if (terms.some(t => t === null)) throw new Refused('its statistics are computed at run time', 'Fold it.')
  const [scale, bias, mean, variance] = terms as Tensor[]
  const count = elements(scale)
  const [[x], [y]] = ends(node, planner)
  const normal = planner.fresh(`${y}_normal`)
  planner.add(
    'BatchNorm',
    [x],
    [normal],
    ['batch_norm_param', { use_global_stats: true, eps: attrFloat(node, 'epsilon', 1e-5) }],
    [
      { shape: [count], tensor: mean },
      { shape: [count], tensor: variance },
      { shape: [1], values: [1] },
    ],
  )
  planner.add(
    'Scale',
    [normal],
    [y],
    ['scale_param', { bias_term: true }],
    [
      { shape: [count], tensor: scale },
      { shape: [count], tensor: bias },
    ],
  )
}

const prelu: PlanOp = (node, planner) => {
  const slope = planner.view.constant(node.inputs[1])
  const channels = planner.view.shape(node.inputs[0]!)[1]
  if (!slope || (elements(slope) !== 1 && elements(slope) !== channels))
    throw new Refused('its slopes are not one for each channel', 'Replace it.')
  const shared = elements(slope) === 1
  planner.add(
    'PReLU',
    ...ends(node, planner),
    ['prelu_param', { channel_shared: shared }],
    [{ shape: shared ? [] : [channels], tensor: slope }],
  )
}

const reshape: PlanOp = (node, planner) => {
  const { view } = planner
  const [from, to] = [node.inputs[0]!, node.outputs[0]!].map(name => view.shape(name))
  if (from[0] !== to[0]) throw new Refused('it moves the batch', 'Keep the first dimension as it is.')
  if (to.length === 2) planner.add('Flatten', ...ends(node, planner))
  else
    planner.add('Reshape', ...ends(node, planner), [
      'reshape_param',
      { shape: new Map([['dim', [0, ...to.slice(1)]]]) },
    ])
}

const transpose: PlanOp = (node, planner) => {
  const rank = planner.view.shape(node.inputs[0]!).length
  const perm = attrInts(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  planner.note('Permute is not a layer of stock Caffe: SSD’s fork, OpenCV and NNIE have it.')
  planner.add('Permute', ...ends(node, planner), ['permute_param', { order: perm }])
}

const softmax: PlanOp = (node, planner) => {
  const rank = planner.view.shape(node.inputs[0]!).length
  const axis = (attrInt(node, 'axis', -1) + rank) % rank
  planner.add('Softmax', ...ends(node, planner), ['softmax_param', { axis }])
}

const concat: PlanOp = (node, planner) => {
  if (node.inputs.some(name => planner.view.constant(name)))
    throw new Refused('one of its inputs is constant', 'Fold it.')
  const rank = planner.view.shape(node.outputs[0]!).length
  const axis = (attrInt(node, 'axis', 0) + rank) % rank
  planner.add(
    'Concat',
    node.inputs.map(name => planner.blob(name!)),
    [planner.blob(node.outputs[0]!)],
    ['concat_param', { axis }],
  )
}

const split: PlanOp = (node, planner) => {
  const { view } = planner
  const rank = view.shape(node.inputs[0]!).length
  const axis = (attrInt(node, 'axis', 0) + rank) % rank
  const sizes = node.outputs.map(name => view.shape(name!)[axis])
  const points = sizes.slice(0, -1).map((_, i) => sizes.slice(0, i + 1).reduce((n, d) => n + d, 0))
  planner.add(
    'Slice',
    [planner.blob(node.inputs[0]!)],
    node.outputs.map(name => planner.blob(name!)),
    ['slice_param', { axis, slice_point: points }],
  )
}

const slice: PlanOp = (node, planner) => {
  const { view } = planner
  const shape = view.shape(node.inputs[0]!)
  const [starts, stops, givenAxes, givenSteps] = [1, 2, 3, 4].map(i =>
    node.inputs[i] == null ? null : view.numbers(node.inputs[i]),
  )
  if (!starts || !stops) throw new Refused('where it cuts is computed at run time', 'Fold what computes it.')
  const axes = (givenAxes ?? starts.map((_, i) => i)).map(axis => (axis + shape.length) % shape.length)
  const steps = givenSteps ?? starts.map(() => 1)
  const whole = starts.every((start, i) => start === 0 && stops[i] >= shape[axes[i]])
  if (whole && shape.length === 4 && axes.every((axis, i) => axis >= 2 || steps[i] === 1) && steps.every(s => s > 0)) {
    const stepOf = (axis: number): number => steps[axes.indexOf(axis)] ?? 1
    const pad = view.onlyReader(node.outputs[0]!)
    const around = pad?.op === 'Pad' ? channelPadding(pad, planner) : null
    if (around) planner.took(pad!)
    copying(planner, node.inputs[0]!, around ? pad!.outputs[0]! : node.outputs[0]!, {
      steps: [stepOf(2), stepOf(3)],
      front: around?.front ?? 0,
    })
    planner.note(
      'Rows and columns picked at steps, and channels of zeros beside them, are a convolution that copies: stock Caffe has no layer for them.',
    )
    return
  }
  const [axis] = axes
  if (axes.length !== 1 || steps[0] !== 1) throw new Refused('it cuts several axes, or at steps', 'Write it as pieces.')
  const bound = (at: number): number => Math.max(0, Math.min(shape[axis], at < 0 ? shape[axis] + at : at))
  const [start, stop] = [bound(starts[0]), bound(stops[0])]
  const y = planner.blob(node.outputs[0]!)
  const parts = [
    ...(start > 0 ? [planner.fresh(`${y}_before`)] : []),
    y,
    ...(stop < shape[axis] ? [planner.fresh(`${y}_after`)] : []),
  ]
  const points = [start, stop].filter(point => point > 0 && point < shape[axis])
  if (points.length === 0) planner.alias(node.outputs[0]!, node.inputs[0]!)
  else {
    planner.add('Slice', [planner.blob(node.inputs[0]!)], parts, ['slice_param', { axis, slice_point: points }])
    const unused = parts.filter(part => part !== y)
    planner.add('Silence', unused, [])
  }
}

/** How many channels of zeros a Pad puts in front, where it pads nothing else. */
function channelPadding(node: Node, { view }: CaffePlanner): { front: number; pads: readonly number[] } | null {
  const rank = view.shape(node.inputs[0]!).length
  const amounts = view.numbers(node.inputs[1])
  const value = node.inputs[2] == null ? [0] : view.numbers(node.inputs[2])
  if (rank !== 4 || amounts?.length !== 8 || value?.[0] !== 0 || node.inputs[3] != null) return null
  if (attrString(node, 'mode', 'constant') !== 'constant' || amounts.some(n => n < 0) || amounts[0] + amounts[4] > 0)
    return null
  if (amounts[2] !== amounts[6] || amounts[3] !== amounts[7]) return null
  return { front: amounts[1], pads: [amounts[2], amounts[3]] }
}

const pad: PlanOp = (node, planner) => {
  const around = channelPadding(node, planner)
  if (!around) throw new Refused('it pads with other than zeros, or unevenly', 'Pad in the layer after it.')
  copying(planner, node.inputs[0]!, node.outputs[0]!, around)
  planner.note('Padding by itself is a convolution that copies: stock Caffe has no layer for it.')
}

/** To whole multiples by repeating pixels, as a deconvolution of ones. */
const resize: PlanOp = (node, planner) => {
  const { view } = planner
  const [from, to] = [view.shape(node.inputs[0]!), view.shape(node.outputs[0]!)]
  const factors = [to[2] / from[2], to[3] / from[3]]
  const repeats =
    attrString(node, 'mode', 'nearest') === 'nearest' &&
    attrString(node, 'coordinate_transformation_mode', 'half_pixel') !== 'align_corners'
  if (from.length !== 4 || !repeats || from[1] !== to[1] || !factors.every(Number.isInteger))
    throw new Refused('it does not repeat pixels a whole number of times', 'Replace it by a transposed convolution.')
  const channels = from[1]
  planner.add(
    'Deconvolution',
    ...ends(node, planner),
    [
      'convolution_param',
      {
        num_output: channels,
        bias_term: false,
        group: channels,
        ...perAxis('kernel_size', factors, 'kernel'),
        ...perAxis('stride', factors),
      },
    ],
    [{ shape: [channels, 1, ...factors], values: new Array<number>(channels * factors[0] * factors[1]).fill(1) }],
  )
}

const alias: PlanOp = (node, planner) => planner.alias(node.outputs[0]!, node.inputs[0]!)

export const layers: PlanOps = {
  Add: binary('Add'),
  Sub: binary('Sub'),
  Mul: binary('Mul'),
  Div: binary('Div'),
  Max: binary('Max'),
  Relu: layer('ReLU'),
  LeakyRelu: layer('ReLU', node => ['relu_param', { negative_slope: attrFloat(node, 'alpha', 0.01) }]),
  PRelu: prelu,
  Clip: clip,
  HardSigmoid: hardSigmoid,
  Sigmoid: layer('Sigmoid'),
  Tanh: layer('TanH'),
  Elu: layer('ELU', node => ['elu_param', { alpha: attrFloat(node, 'alpha', 1) }]),
  Abs: layer('AbsVal'),
  Exp: layer('Exp'),
  Log: layer('Log'),
  Neg: layer('Power', () => ['power_param', { scale: -1 }]),
  Sqrt: layer('Power', () => ['power_param', { power: 0.5 }]),
  Reciprocal: layer('Power', () => ['power_param', { power: -1 }]),
  Softplus: layer('BNLL'),
  LRN: layer('LRN', node => [
    'lrn_param',
    {
      local_size: attrInt(node, 'size', 1),
      alpha: attrFloat(node, 'alpha', 0.0001),
      beta: attrFloat(node, 'beta', 0.75),
      k: attrFloat(node, 'bias', 1),
    },
  ]),
  Softmax: softmax,
  MaxPool: pooling('MAX'),
  AveragePool: pooling('AVE'),
  GlobalMaxPool: globalPool('MAX'),
  GlobalAveragePool: globalPool('AVE'),
  ReduceMean: reduceMean,
  BatchNormalization: batchNorm,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Resize: resize,
  Transpose: transpose,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Identity: alias,
  Dropout: alias,
  Cast: alias,
}
