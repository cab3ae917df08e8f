// Operators that work on each element by itself.
import { isFloat } from '../../base/dtype.ts'
import { elementOf } from '../../formats/openvino.ts'
import type { Port } from './net.ts'
import { type Lowering, type NodeWriter, typeNumbered } from './node.ts'

const numpy = { auto_broadcast: 'numpy' }

const unary =
  (type: string, version = 1): Lowering =>
  n =>
    n.give(type, [n.port(0)], {}, version)

const binary =
  (type: string, version = 1): Lowering =>
  n =>
    n.give(type, [n.port(0), n.port(1)], numpy, version)

/** Of any number of inputs, two at a time. */
const variadic =
  (type: string): Lowering =>
  n => {
    const ports = Array.from({ length: n.inputs }, (_, i) => n.port(i))
    if (ports.length === 1) return n.set(ports[0])
    const dims = n.output(0).dims
    const before = ports.slice(1, -1).reduce((sum, port) => n.layer(type, [sum, port], numpy, 1, { dims }), ports[0])
    n.give(type, [before, ports[ports.length - 1]], numpy)
  }

const largest = 3.4028234663852886e38

/** Bounds are attributes or inputs; those that are computed are taken by Maximum and Minimum. */
const clip: Lowering = n => {
  const bound = (attribute: string, input: number, none: number): number | Port => {
    if (n.node.attrs.has(attribute)) return n.float(attribute, none)
    if (!n.has(input)) return none
    return n.numbers(input)?.[0] ?? n.port(input)
  }
  const [low, high] = [bound('min', 1, -largest), bound('max', 2, largest)]
  if (typeof low === 'number' && typeof high === 'number')
    return n.give('Clamp', [n.port(0)], { min: Math.max(low, -largest), max: Math.min(high, largest) })
  const dtype = n.port(0).dtype
  const port = (b: number | Port): Port => (typeof b === 'number' ? n.real(b) : b)
  const like = (b: Port): Port => (b.dtype === dtype ? b : n.layer('ConvertLike', [b, n.port(0)], {}, 1, { dtype }))
  if (low === -largest) return n.give('Minimum', [n.port(0), like(port(high))], numpy)
  if (high === largest) return n.give('Maximum', [n.port(0), like(port(low))], numpy)
  n.give('Minimum', [n.layer('Maximum', [n.port(0), like(port(low))], numpy), like(port(high))], numpy)
}

const cast: Lowering = n => {
  const dtype = typeNumbered(n, n.int('to', 0))
  // float16 is computed in float32: nothing to convert.
  if (n.port(0).dtype === dtype) return n.set(n.port(0))
  n.give('Convert', [n.port(0)], { destination_type: elementOf(dtype) ?? n.refuse(`it converts to ${dtype}`) })
}

/** The slope as it is laid along the last axes; of one dimension OpenVINO takes it for the channels. */
const prelu: Lowering = n => {
  const rank = n.rank(0)
  n.give('PReLU', [n.port(0), n.widened(1, Math.max(rank, 2))])
}

const mod: Lowering = n => {
  const fmod = n.int('fmod', 0) !== 0
  if (!fmod && isFloat(n.port(0).dtype)) n.refuse('it is the remainder of floats without fmod')
  n.give(fmod ? 'Mod' : 'FloorMod', [n.port(0), n.port(1)], numpy)
}

const power: Lowering = n => {
  const [base, exponent] = [n.port(0), n.port(1)]
  const like = (port: Port, { dtype }: Port): Port =>
    port.dtype === dtype ? port : n.layer('Convert', [port], { destination_type: elementOf(dtype) ?? '' }, 1, { dtype })
  if (isFloat(base.dtype) || !isFloat(exponent.dtype)) return n.give('Power', [base, like(exponent, base)], numpy)
  const real = n.layer('Power', [like(base, exponent), exponent], numpy, 1, { dims: n.output(0).dims })
  n.give('Convert', [real], { destination_type: elementOf(base.dtype) ?? '' })
}

export const identity: Lowering = n => {
  if (n.node.outputs.length > 1 && n.used(1)) n.refuse('its mask is used')
  n.set(n.port(0))
}

const scalars = (n: NodeWriter, values: readonly number[]): Port[] => values.map(value => n.real(value))

export const elementwise: Readonly<Record<string, Lowering>> = {
  Abs: unary('Abs'),
  Acos: unary('Acos'),
  Acosh: unary('Acosh', 4),
  Asin: unary('Asin'),
  Asinh: unary('Asinh', 4),
  Atan: unary('Atan'),
  Atanh: unary('Atanh', 4),
  Ceil: unary('Ceiling'),
  Cos: unary('Cos'),
  Cosh: unary('Cosh'),
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  Floor: unary('Floor'),
  HardSwish: unary('HSwish', 4),
  IsNaN: unary('IsNaN', 10),
  Log: unary('Log'),
  Mish: unary('Mish', 4),
  Neg: unary('Negative'),
  Not: unary('LogicalNot'),
  Relu: unary('ReLU'),
  Sigmoid: unary('Sigmoid'),
  Sign: unary('Sign'),
  Sin: unary('Sin'),
  Sinh: unary('Sinh'),
  Softplus: unary('SoftPlus', 4),
  Softsign: unary('SoftSign', 9),
  Sqrt: unary('Sqrt'),
  Tan: unary('Tan'),
  Tanh: unary('Tanh'),

  Add: binary('Add'),
  And: binary('LogicalAnd'),
  Div: binary('Divide'),
  Equal: binary('Equal'),
  Greater: binary('Greater'),
  GreaterOrEqual: binary('GreaterEqual'),
  Less: binary('Less'),
  LessOrEqual: binary('LessEqual'),
  Mul: binary('Multiply'),
  Or: binary('LogicalOr'),
  Sub: binary('Subtract'),
  Xor: binary('LogicalXor', 2),

  Max: variadic('Maximum'),
  Min: variadic('Minimum'),
  Sum: variadic('Add'),

  Cast: cast,
  CastLike: n => n.give('ConvertLike', [n.port(0), n.port(1)]),
  Clip: clip,
  Dropout: identity,
  Elu: n => n.give('Elu', [n.port(0)], { alpha: n.float('alpha', 1) }),
  Gelu: n =>
    n.give('Gelu', [n.port(0)], { approximation_mode: n.string('approximate', 'none') === 'tanh' ? 'TANH' : 'ERF' }, 7),
  HardSigmoid: n => n.give('HardSigmoid', [n.port(0), ...scalars(n, [n.float('alpha', 0.2), n.float('beta', 0.5)])]),
  Identity: identity,
  IsInf: n =>
    n.give(
      'IsInf',
      [n.port(0)],
      { detect_negative: n.int('detect_negative', 1) === 1, detect_positive: n.int('detect_positive', 1) === 1 },
      10,
    ),
  LeakyRelu: n => n.give('PReLU', [n.port(0), n.real([n.float('alpha', 0.01)])]),
  Mod: mod,
  PRelu: prelu,
  Pow: power,
  Reciprocal: n => n.give('Divide', [n.real(1), n.port(0)], numpy),
  Round: n => n.give('Round', [n.port(0)], { mode: 'half_to_even' }, 5),
  Selu: n =>
    n.give('Selu', [
      n.port(0),
      ...scalars(n, [n.float('alpha', 1.6732631921768188), n.float('gamma', 1.0507010221481323)]),
    ]),
  Where: n => n.give('Select', [n.port(0), n.port(1), n.port(2)], numpy),
}
