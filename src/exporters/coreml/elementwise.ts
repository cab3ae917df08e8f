// Operators that work on each element by itself.
import { dtypeOfOnnx, elementCount, isFloat } from '../../base/dtype.ts'
import type { Lowering, NodeWriter } from './node.ts'
import { type Val, word } from './program.ts'
import { castTo } from './writing.ts'

const unary =
  (type: string): Lowering =>
  n =>
    n.give(type, { x: n.val(0) })

const binary =
  (type: string): Lowering =>
  n =>
    n.give(type, { x: n.val(0), y: n.val(1) })

/** Of any number of inputs, two at a time. */
const variadic =
  (type: string): Lowering =>
  n => {
    const [first, ...others] = n.node.inputs.map((_, i) => n.val(i))
    if (others.length === 0) return n.set(first)
    const broadcast = (a: Val, b: Val): number[] => {
      const rank = Math.max(a.shape.length, b.shape.length)
      const at = ({ shape }: Val, i: number): number => shape[i - rank + shape.length] ?? 1
      return Array.from({ length: rank }, (_, i) => Math.max(at(a, i), at(b, i)))
    }
    const x = others.slice(0, -1).reduce((sum, y) => n.step(type, { x: sum, y }, broadcast(sum, y)), first)
    n.give(type, { x, y: others[others.length - 1] })
  }

const isReal = (n: NodeWriter): boolean => isFloat(n.graph.graph.values.get(n.name(0))?.dtype ?? 'float32')

const divide: Lowering = n => {
  if (!isReal(n)) n.refuse('it divides whole numbers, which are rounded otherwise here')
  n.give('real_div', { x: n.val(0), y: n.val(1) })
}

const mod: Lowering = n => {
  if (n.int('fmod', 0) !== 0) n.refuse('its remainder has the sign of what is divided')
  n.give('mod', { x: n.val(0), y: n.val(1) })
}

const largest = 3.4028234663852886e38

const clip: Lowering = n => {
  const bound = (attribute: string, input: number, none: number): number =>
    n.node.attrs.has(attribute) ? n.float(attribute, none) : n.has(input) ? n.must(input, `${attribute}imum`)[0] : none
  const [low, high] = [bound('min', 1, -largest), bound('max', 2, largest)]
  if (isReal(n)) return n.give('clip', { x: n.val(0), alpha: n.real(low), beta: n.real(high) })
  const whole = (value: number) => ({ dtype: n.val(0).dtype, shape: [], values: [value] })
  const x = n.step('maximum', { x: n.val(0), y: whole(Math.max(low, -2147483648)) }, n.shape(0))
  n.give('minimum', { x, y: whole(Math.min(high, 2147483647)) })
}

const cast: Lowering = n => {
  const to = n.outType()
  if (dtypeOfOnnx(n.int('to', 0)) === null) n.refuse('its type is not known')
  const x = n.val(0)
  // One of two widths of floats where one is computed with: nothing to convert.
  if (x.dtype === to) return n.set(x)
  n.set(castTo(x, to, n.node.outputs[0]!, n.writing.program))
}

/** max(x, 0) + slope * min(x, 0), or the operator of its own where the slope is of channels. */
const prelu: Lowering = n => {
  const x = n.val(0)
  const slope = n.shape(1)
  const rank = n.rank(0)
  const [channels] = n.shape(0).slice(1)
  const ofChannels = elementCount(slope) === channels && slope[slope.length - (rank - 1)] === channels
  const known = n.numbers(1)
  if (rank >= 3 && ofChannels && known)
    return n.give('prelu', { x, alpha: { dtype: x.dtype, shape: [channels], values: known } })
  const above = n.step('relu', { x }, n.shape(0))
  const below = n.step('minimum', { x, y: n.real(0) }, n.shape(0))
  n.give('add', { x: above, y: n.step('mul', { x: below, y: n.val(1) }, n.outShape()) })
}

const hardSwish: Lowering = n => {
  const x = n.val(0)
  const gate = n.step('sigmoid_hard', { x, alpha: n.real(1 / 6), beta: n.real(0.5) }, n.shape(0))
  n.give('mul', { x, y: gate })
}

const selu: Lowering = n => {
  const alpha = n.real(n.float('alpha', 1.6732631921768188))
  const elu = n.step('elu', { x: n.val(0), alpha }, n.shape(0))
  n.give('mul', { x: elu, y: n.real(n.float('gamma', 1.0507010221481323)) })
}

const mish: Lowering = n => {
  const x = n.val(0)
  const soft = n.step('softplus', { x }, n.shape(0))
  n.give('mul', { x, y: n.step('tanh', { x: soft }, n.shape(0)) })
}

const power: Lowering = n => {
  if (!isReal(n)) n.refuse('it is of whole numbers')
  n.give('pow', { x: n.val(0), y: n.cast(n.val(1), n.val(0).dtype) })
}

export const identity: Lowering = n => {
  if (n.node.outputs.length > 1 && n.used(1)) n.refuse('its mask is used')
  n.set(n.val(0))
}

export const elementwise: Readonly<Record<string, Lowering>> = {
  Abs: unary('abs'),
  Acos: unary('acos'),
  Asin: unary('asin'),
  Atan: unary('atan'),
  Atanh: unary('atanh'),
  Ceil: unary('ceil'),
  Cos: unary('cos'),
  Cosh: unary('cosh'),
  Erf: unary('erf'),
  Exp: unary('exp'),
  Floor: unary('floor'),
  Not: unary('logical_not'),
  Relu: unary('relu'),
  Round: unary('round'),
  Sigmoid: unary('sigmoid'),
  Sign: unary('sign'),
  Sin: unary('sin'),
  Sinh: unary('sinh'),
  Softplus: unary('softplus'),
  Softsign: unary('softsign'),
  Sqrt: unary('sqrt'),
  Tan: unary('tan'),
  Tanh: unary('tanh'),

  Add: binary('add'),
  And: binary('logical_and'),
  Equal: binary('equal'),
  Greater: binary('greater'),
  GreaterOrEqual: binary('greater_equal'),
  Less: binary('less'),
  LessOrEqual: binary('less_equal'),
  Mul: binary('mul'),
  Or: binary('logical_or'),
  Sub: binary('sub'),
  Xor: binary('logical_xor'),

  Max: variadic('maximum'),
  Min: variadic('minimum'),
  Sum: variadic('add'),

  Cast: cast,
  Clip: clip,
  Div: divide,
  Dropout: identity,
  Elu: n => n.give('elu', { x: n.val(0), alpha: n.real(n.float('alpha', 1)) }),
  Gelu: n => {
    const mode = n.string('approximate', 'none') === 'tanh' ? 'TANH_APPROXIMATION' : 'EXACT'
    n.give('gelu', { x: n.val(0), mode: word(mode) })
  },
  HardSigmoid: n =>
    n.give('sigmoid_hard', {
      x: n.val(0),
      alpha: n.real(n.float('alpha', 0.2)),
      beta: n.real(n.float('beta', 0.5)),
    }),
  HardSwish: hardSwish,
  Identity: identity,
  LeakyRelu: n => n.give('leaky_relu', { x: n.val(0), alpha: n.real(n.float('alpha', 0.01)) }),
  Log: n => n.give('log', { x: n.val(0), epsilon: n.real(0) }),
  Mish: mish,
  Mod: mod,
  Neg: n => n.give('mul', { x: n.val(0), y: { dtype: n.val(0).dtype, shape: [], values: [-1] } }),
  PRelu: prelu,
  Pow: power,
  Reciprocal: n => n.give('real_div', { x: n.real(1), y: n.val(0) }),
  Selu: selu,
  Where: n => n.give('select', { cond: n.val(0), a: n.val(1), b: n.val(2) }),
}
