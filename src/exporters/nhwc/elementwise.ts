// Operators that compute element by element, and those along one axis.
import { elementCount } from '../../base/dtype.ts'
import { attrFloat, attrInt, attrString } from '../../ir/model.ts'
import type { Kernel, Rule } from './kernel.ts'
import { type Form, Refusal } from './lowering.ts'
import type { Unit } from './pairs.ts'
import type { Kind, Options } from './types.ts'

type Plain = { [K in Kind]: Options[K] extends Readonly<Record<string, never>> ? K : never }[Kind]

/** One activation in, one out, on floats. */
const unary = (kind: Plain): Rule => ({
  lower: k => {
    const form = k.form()
    k.give(kind, form, [k.input(0, form)], {})
  },
})

/** As `unary`, on codes too; `fixed`: the scale and zero point that the kernel's codes have. */
const curve = (kind: Plain, fixed?: { scale: number; zeroPoint: number }): Rule => ({
  data: [0],
  refuses: (_, unit) =>
    wide(unit) && kind !== 'RELU' ? 'its table for 16 bits is not known here' : fixed ? notFixed(unit, fixed) : null,
  lower: unary(kind).lower,
})

const wide = ({ inputs: [x] }: Unit): boolean => x!.dtype === 'int16'

function notFixed({ params }: Unit, { scale, zeroPoint }: { scale: number; zeroPoint: number }): string | null {
  return params.scale[0] === scale && params.zeroPoint[0] === zeroPoint ? null : 'the scale of its output is another'
}

const leakyRelu: Rule = {
  data: [0],
  lower: k => {
    const form = k.form()
    k.give('LEAKY_RELU', form, [k.input(0, form)], { alpha: attrFloat(k.node, 'alpha', 0.01) })
  },
}

const binary = (kind: 'ADD' | 'SUB' | 'MUL' | 'DIV'): Rule => ({
  ...(kind === 'DIV' ? {} : { data: null, alike: true }),
  fuses: true,
  lower: k => {
    const form = k.form()
    k.give(kind, form, k.inputs(form), { fused: k.fused })
  },
})

/** Squares and roots have kernels of their own, also where there are none of other powers. */
const pow: Rule = {
  lower: k => {
    const form = k.form()
    const { pairs } = k.g
    const by = pairs.constant(k.name(1))
    const one = by?.dtype === 'float32' && elementCount(by.shape) === 1 && by.shape.length <= k.g.rank(k.name(0))
    const [exponent] = one ? pairs.floatsOf(by) : []
    const kind = exponent === 2 ? 'SQUARE' : exponent === 0.5 ? 'SQRT' : null
    if (kind) k.give(kind, form, [k.input(0, form)], {})
    else k.give('POW', form, k.inputs(form), {})
  },
}

/** Of more than two inputs, one after the other. */
const many = (kind: 'ADD' | 'MAXIMUM' | 'MINIMUM'): Rule => ({
  lower: k => {
    const form = k.form()
    const [first, ...rest] = k.inputs(form)
    const options = (kind === 'ADD' ? { fused: 'none' } : {}) as never
    if (rest.length === 0) {
      const { shape } = k.g.tensors[first]
      k.give('RESHAPE', form, [first, k.g.int32s(shape)], {})
      return
    }
    const last = rest.pop()!
    const before = rest.reduce((sum, next) => k.g.step(kind, [sum, next], options), first)
    k.give(kind, form, [before, last], options)
  },
})

const clip: Rule = {
  lower: k => {
    const form = k.form([0])
    const x = k.input(0, form)
    const { g } = k
    const fused = g.pairs.fusedOf(k.node)
    if (fused === 'relu' || fused === 'relu6' || fused === 'relu_n1_to_1') {
      k.give(fused.toUpperCase() as 'RELU' | 'RELU6' | 'RELU_N1_TO_1', form, [x], {})
      return
    }
    const bound = (i: number): number | null => (k.has(i) ? g.input(k.name(i), 'plain', 0) : null)
    between(k, form, x, bound(1), bound(2))
  },
}

function between(k: Kernel, form: Form, x: number, low: number | null, high: number | null): void {
  const { g } = k
  if (low === null && high === null) k.give('RESHAPE', form, [x, g.int32s(g.tensors[x].shape)], {})
  else if (low === null) k.give('MINIMUM', form, [x, high!], {})
  else if (high === null) k.give('MAXIMUM', form, [x, low], {})
  else k.give('MINIMUM', form, [g.step('MAXIMUM', [x, low], {}), high], {})
}

/** max(0, min(1, alpha x + beta)) */
const hardSigmoid: Rule = {
  lower: k => {
    const { g } = k
    const form = k.form()
    const scaled = g.step('MUL', [k.input(0, form), g.floats([attrFloat(k.node, 'alpha', 0.2)])], { fused: 'none' })
    const moved = g.step('ADD', [scaled, g.floats([attrFloat(k.node, 'beta', 0.5)])], { fused: 'none' })
    between(k, form, moved, g.floats([0]), g.floats([1]))
  },
}

/** x / y of floats where one step is not enough. */
const reciprocal: Rule = {
  lower: k => {
    const form = k.form()
    k.give('DIV', form, [k.g.floats([1]), k.input(0, form)], { fused: 'none' })
  },
}

/** One slope a channel; what is broadcast must be there for every axis. */
const prelu: Rule = {
  lower: k => {
    const form = k.form()
    k.give('PRELU', form, [k.input(0, form), k.input(1, form)], {})
  },
}

/** gamma (x - mean) / sqrt(variance + epsilon) + beta, where it was not folded: a product and a sum. */
const batchNormalization: Rule = {
  lower: k => {
    const { g, node } = k
    if (attrInt(node, 'training_mode', 0) === 1) throw new Refusal('it is in training mode')
    const numbers = [1, 2, 3, 4].map(i => {
      const tensor = g.pairs.constant(k.name(i))
      if (tensor?.dtype !== 'float32') throw new Refusal('its statistics are computed at run time')
      return g.pairs.floatsOf(tensor)
    })
    const [gamma, beta, mean, variance] = numbers
    const epsilon = attrFloat(node, 'epsilon', 1e-5)
    const factor = Array.from(gamma, (c, i) => c / Math.sqrt(variance[i] + epsilon))
    const offset = Array.from(beta, (b, i) => b - mean[i] * factor[i])
    const rank = g.rank(k.name(0))
    const form = rank === 4 || rank === 3 ? 'nhwc' : 'plain'
    const shape =
      form === 'nhwc' ? [factor.length] : [factor.length, ...new Array<number>(Math.max(0, rank - 2)).fill(1)]
    const product = g.step('MUL', [k.input(0, form), g.floats(factor, shape)], { fused: 'none' })
    k.give('ADD', form, [product, g.floats(offset, shape)], { fused: 'none' })
  },
}

/** Along the last axis, to which another is brought. */
const along = (kind: 'SOFTMAX' | 'LOG_SOFTMAX'): Rule => ({
  ...(kind === 'SOFTMAX' ? { data: [0] } : {}),
  refuses: (k, unit) =>
    wide(unit)
      ? 'its table for 16 bits is not known here'
      : (k.g.pairs.model.opsets[''] ?? 0) < 13
        ? 'it is of an opset before 13'
        : notFixed(unit, { scale: 1 / 256, zeroPoint: -128 }),
  lower: k => {
    const { g, node } = k
    const rank = g.rank(k.name(0))
    if ((g.pairs.model.opsets[''] ?? 0) < 13 && attrInt(node, 'axis', 1) !== rank - 1 && rank !== 2)
      throw new Refusal('it is over several axes', 'Convert the model to opset 13 or newer.')
    const axis = attrInt(node, 'axis', -1)
    const at = (form: Form): number => g.axisIn(axis, rank, form)
    const form = k.form()
    const last = form === 'nhwc' ? 3 : rank - 1
    if (at(form) === last) {
      k.give(kind, form, [k.input(0, form)], {})
      return
    }
    if (form === 'plain' && rank > 2 && axisOr(axis, rank) === 1 && rank <= 4) {
      k.give(kind, 'nhwc', [k.input(0, 'nhwc')], {})
      return
    }
    if (form !== 'plain' && at('plain') === rank - 1) {
      k.give(kind, 'plain', [k.input(0, 'plain')], {})
      return
    }
    throw new Refusal('it is along an axis that is neither the last nor the channels')
  },
})

const axisOr = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis)

const cast: Rule = {
  lower: k => {
    const form = k.form()
    const x = k.input(0, form)
    const to = k.g.dtype(k.node.outputs[0]!)
    const half = (dtype: string): boolean => dtype === 'float16' || dtype === 'float32'
    // Numbers of 16 bits are computed with in 32.
    if (half(to) && half(k.g.tensors[x].dtype)) k.g.alias(k.output, form, x)
    else k.give('CAST', form, [x], {})
  },
}

const gelu: Rule = {
  lower: k => {
    const form = k.form()
    k.give('GELU', form, [k.input(0, form)], { approximate: attrString(k.node, 'approximate', 'none') === 'tanh' })
  },
}

const reduce = (kind: 'MEAN' | 'SUM' | 'REDUCE_MAX' | 'REDUCE_MIN'): Rule => ({
  ...(kind === 'MEAN' ? { data: [0] } : {}),
  lower: k => {
    const { g, node } = k
    const rank = g.rank(k.name(0))
    const given = k.numbers(1, 'axes') ?? []
    if (given.length === 0 && attrInt(node, 'noop_with_empty_axes', 0) === 1) throw new Refusal('it reduces nothing')
    const axes = (given.length > 0 ? given : Array.from({ length: rank }, (_, i) => i)).map(a => axisOr(a, rank))
    const keepDims = attrInt(node, 'keepdims', 1) === 1
    const home = k.form([0]) === 'nhwc' || g.home(k.operand(0)?.codes ?? k.name(0)) === 'nhwc'
    // What is left of an image must come out in the model's order.
    const left = [0, 2, 3, 1].filter(axis => axis < rank && !axes.includes(axis))
    const inOrder = keepDims || (rank === 4 && left.every((axis, i) => i === 0 || left[i - 1] < axis))
    const form: Form = home && inOrder && (rank === 4 || rank === 3) ? 'nhwc' : 'plain'
    const mapped = axes.map(axis => g.axisIn(axis, rank, form)).sort((a, b) => a - b)
    k.give(kind, keepDims ? form : 'plain', [k.input(0, form), g.int32s(mapped)], { keepDims })
  },
})

const argMax: Rule = {
  lower: k => {
    const { g, node } = k
    const rank = g.rank(k.name(0))
    if (attrInt(node, 'keepdims', 1) === 1 || attrInt(node, 'select_last_index', 0) === 1)
      throw new Refusal('it keeps the axis, or takes the last of equals')
    const axis = g.int32s([axisOr(attrInt(node, 'axis', 0), rank)])
    k.give('ARG_MAX', 'plain', [k.input(0, 'plain'), axis], {})
  },
}

const of = (names: Readonly<Record<string, Plain>>, rule: (kind: Plain) => Rule): Record<string, Rule> =>
  Object.fromEntries(Object.entries(names).map(([op, kind]) => [op, rule(kind)]))

export const elementwises: Readonly<Record<string, Rule>> = {
  Relu: curve('RELU'),
  Sigmoid: curve('LOGISTIC', { scale: 1 / 256, zeroPoint: -128 }),
  Tanh: curve('TANH', { scale: 1 / 128, zeroPoint: 0 }),
  HardSwish: curve('HARD_SWISH'),
  LeakyRelu: leakyRelu,
  ...of(
    {
      Elu: 'ELU',
      Exp: 'EXP',
      Log: 'LOG',
      Sqrt: 'SQRT',
      Abs: 'ABS',
      Neg: 'NEG',
      Sin: 'SIN',
      Cos: 'COS',
      Floor: 'FLOOR',
      Ceil: 'CEIL',
      Round: 'ROUND',
    },
    unary,
  ),
  Add: binary('ADD'),
  Sub: binary('SUB'),
  Mul: binary('MUL'),
  Div: binary('DIV'),
  Pow: pow,
  Max: many('MAXIMUM'),
  Min: many('MINIMUM'),
  Sum: many('ADD'),
  Clip: clip,
  HardSigmoid: hardSigmoid,
  Reciprocal: reciprocal,
  PRelu: prelu,
  BatchNormalization: batchNormalization,
  Softmax: along('SOFTMAX'),
  LogSoftmax: along('LOG_SOFTMAX'),
  Cast: cast,
  Gelu: gelu,
  ReduceMean: reduce('MEAN'),
  ReduceSum: reduce('SUM'),
  ReduceMax: reduce('REDUCE_MAX'),
  ReduceMin: reduce('REDUCE_MIN'),
  ArgMax: argMax,
}
