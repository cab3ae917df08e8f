// Elementwise and normalising operators as layers of stock Caffe. BVLC/caffe: src/caffe/layers.
import { attrFloat, attrInt, type Node, type ValueName } from '../../ir/model.ts'
import { elements, type Tensor } from '../../ir/tensor.ts'
import { Refused } from '../graph-view.ts'
import { ends, sameShape, word } from './fields.ts'
import type { CaffePlanner, PlanOp, PlanOps } from './types.ts'

const layer =
  (type: string, param?: (node: Node) => readonly [string, Record<string, number>]): PlanOp =>
  (node, planner) =>
    planner.add(type, ...ends(node, planner), param?.(node))

/** (shift + scale x) ^ power */
const power = (planner: CaffePlanner, x: string, y: string, fields: Record<string, number>): void =>
  planner.add('Power', [x], [y], ['power_param', fields])

/** The axes that a constant's numbers are laid along, all of them the whole length of x; null where there are gaps. */
function axesOf(constant: Tensor, shape: readonly number[]): { axis: number; sizes: number[] } | null {
  const wide = [...new Array<number>(Math.max(0, shape.length - constant.shape.length)).fill(1), ...constant.shape]
  const axis = wide.findIndex(d => d !== 1)
  const last = wide.findLastIndex(d => d !== 1)
  const sizes = wide.slice(axis, last + 1)
  return axis > 0 && wide.length === shape.length && sizes.every((d, i) => d === shape[axis + i])
    ? { axis, sizes }
    : null
}

/** y = scale x + bias along some axes. */
function affine(
  planner: CaffePlanner,
  x: ValueName,
  y: ValueName,
  { axis, sizes }: { axis: number; sizes: number[] },
  scale: Tensor | null,
  bias: Tensor | null,
): void {
  const ones = new Array<number>(elements({ shape: sizes })).fill(1)
  const along = { ...(axis === 1 ? {} : { axis }), ...(sizes.length === 1 ? {} : { num_axes: sizes.length }) }
  const param = ['scale_param', { ...along, bias_term: bias !== null }] as const
  planner.add('Scale', [planner.blob(x)], [planner.blob(y)], param, [
    scale ? { shape: sizes, tensor: scale } : { shape: sizes, values: ones },
    ...(bias ? [{ shape: sizes, tensor: bias }] : []),
  ])
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
  const along = axesOf(constant, planner.view.shape(x))
  if (!along || (op !== 'Add' && op !== 'Mul'))
    throw new Refused('its constant is not one number for each channel, added or multiplied', 'Fold it.')
  affine(planner, x, y, along, op === 'Mul' ? constant : null, op === 'Add' ? constant : null)
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

const softmax: PlanOp = (node, planner) => {
  const rank = planner.view.shape(node.inputs[0]!).length
  const axis = (attrInt(node, 'axis', -1) + rank) % rank
  planner.add('Softmax', ...ends(node, planner), ['softmax_param', { axis }])
}

export const arithmetic: PlanOps = {
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
  BatchNormalization: batchNorm,
}
