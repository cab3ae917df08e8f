// Layers that work on each element by itself. Those that start from packed weights are in openvino-weights.ts.
import { type DType, isFloat, onnxCode } from '../../base/dtype.ts'
import { dtypeOfElement } from '../../formats/openvino.ts'
import { float, string } from '../../ir/model.ts'
import type { Layer, Lowering } from './layer.ts'
import { convertWeights, scaleWeights, shiftWeights } from './weights.ts'

const unary =
  (op: string): Lowering =>
  layer =>
    layer.give(op, [layer.input(0)])

const binary =
  (op: string): Lowering =>
  layer => {
    broadcasts(layer)
    layer.give(op, [layer.input(0), layer.input(1)])
  }

function broadcasts(layer: Layer): void {
  const mode = layer.text('auto_broadcast', 'numpy')
  if (mode !== 'numpy' && mode !== 'none') layer.refuse(`it broadcasts in the way of ${mode}`)
}

const isInteger = (dtype: DType | null): boolean => dtype !== null && !isFloat(dtype)

async function single(layer: Layer, port: number, what: string, fallback?: number): Promise<number> {
  if (fallback !== undefined && port >= layer.inputs) return fallback
  const [value, ...more] = await layer.must(port, what)
  return value !== undefined && more.length === 0 ? value : layer.refuse(`its ${what} is no single number`)
}

const convert: Lowering = async (layer: Layer) => {
  const type = layer.text('destination_type', '')
  const dtype = dtypeOfElement(type)
  if (dtype === null) layer.refuse(`it converts to ${type}`)
  if (await convertWeights(layer, dtype)) return
  layer.passNumbers()
  layer.give('Cast', [layer.input(0)], { to: onnxCode(dtype) })
}

const subtract: Lowering = async layer => {
  broadcasts(layer)
  if (await shiftWeights(layer)) return
  layer.give('Sub', [layer.input(0), layer.input(1)])
}

const multiply: Lowering = async layer => {
  broadcasts(layer)
  if (await scaleWeights(layer)) return
  layer.give('Mul', [layer.input(0), layer.input(1)])
}

/** The remainder has the sign of the divisor. */
const floorMod: Lowering = layer => {
  broadcasts(layer)
  const [a, b] = [layer.input(0), layer.input(1)]
  if (isInteger(layer.dtype(0))) return layer.give('Mod', [a, b])
  const whole = layer.node('Floor', [layer.node('Div', [a, b])])
  layer.give('Sub', [a, layer.node('Mul', [whole, b])])
}

const clamp: Lowering = layer => {
  const [low, high] = [layer.number('min', Number.NEGATIVE_INFINITY), layer.number('max', Number.POSITIVE_INFINITY)]
  const dtype = layer.dtype(0)
  if (isInteger(dtype)) {
    // Bounds of a float for whole numbers: the smallest and the largest between them.
    const bound = (value: number): string => layer.scalar(value, dtype)
    return layer.give('Clip', [layer.input(0), bound(Math.ceil(low)), bound(Math.floor(high))])
  }
  layer.give('Clip', [layer.input(0), layer.scalar(low, dtype), layer.scalar(high, dtype)])
}

const round: Lowering = layer => {
  if (layer.text('mode', 'half_to_even') === 'half_to_even') return layer.give('Round', [layer.input(0)])
  const x = layer.input(0)
  const half = layer.scalar(0.5, layer.dtype(0))
  const rounded = layer.node('Floor', [layer.node('Add', [layer.node('Abs', [x]), half])])
  layer.give('Mul', [layer.node('Sign', [x]), rounded])
}

const swish: Lowering = layer => {
  const x = layer.input(0)
  const gate = layer.inputs > 1 ? layer.node('Mul', [x, layer.input(1)]) : x
  layer.give('Mul', [x, layer.node('Sigmoid', [gate])])
}

/** A slope of one dimension that has the channels' length belongs to them; ONNX aligns it with the last axis. */
const prelu: Lowering = layer => {
  const rank = layer.dims(0).length
  const slope = layer.input(1)
  const perChannel = layer.dims(1).length === 1 && layer.dims(1)[0] === layer.dims(0)[1]
  if (rank < 3 || !perChannel) return layer.give('PRelu', [layer.input(0), slope])
  const shape = layer.whole64([-1, ...new Array<number>(rank - 2).fill(1)])
  layer.give('PRelu', [layer.input(0), layer.node('Reshape', [slope, shape])])
}

export const elementwise: Readonly<Record<string, Lowering>> = {
  Abs: unary('Abs'),
  Acos: unary('Acos'),
  Acosh: unary('Acosh'),
  Asin: unary('Asin'),
  Asinh: unary('Asinh'),
  Atan: unary('Atan'),
  Atanh: unary('Atanh'),
  BitwiseNot: unary('BitwiseNot'),
  Ceiling: unary('Ceil'),
  Cos: unary('Cos'),
  Cosh: unary('Cosh'),
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  Floor: unary('Floor'),
  HSwish: unary('HardSwish'),
  Identity: unary('Identity'),
  IsNaN: unary('IsNaN'),
  Log: unary('Log'),
  LogicalNot: unary('Not'),
  Mish: unary('Mish'),
  Negative: unary('Neg'),
  ReLU: unary('Relu'),
  Sigmoid: unary('Sigmoid'),
  Sign: unary('Sign'),
  Sin: unary('Sin'),
  Sinh: unary('Sinh'),
  SoftPlus: unary('Softplus'),
  SoftSign: unary('Softsign'),
  Sqrt: unary('Sqrt'),
  Tan: unary('Tan'),
  Tanh: unary('Tanh'),

  Add: binary('Add'),
  BitwiseAnd: binary('BitwiseAnd'),
  BitwiseOr: binary('BitwiseOr'),
  BitwiseXor: binary('BitwiseXor'),
  Equal: binary('Equal'),
  Greater: binary('Greater'),
  GreaterEqual: binary('GreaterOrEqual'),
  Less: binary('Less'),
  LessEqual: binary('LessOrEqual'),
  LogicalAnd: binary('And'),
  LogicalOr: binary('Or'),
  LogicalXor: binary('Xor'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  Power: binary('Pow'),

  Clamp: clamp,
  Convert: convert,
  ConvertLike: layer => layer.give('CastLike', [layer.input(0), layer.input(1)]),
  // Whole numbers too are divided towards zero, whatever m_pythondiv says: so computes the runtime's CPU plugin.
  Divide: binary('Div'),
  Elu: layer => layer.give('Elu', [layer.input(0)], { alpha: float(layer.number('alpha', 1)) }),
  FloorMod: floorMod,
  Gelu: layer => {
    const tanh = layer.text('approximation_mode', 'ERF').toUpperCase() === 'TANH'
    layer.give('Gelu', [layer.input(0)], { approximate: string(tanh ? 'tanh' : 'none') })
  },
  HSigmoid: layer => layer.give('HardSigmoid', [layer.input(0)], { alpha: float(1 / 6), beta: float(0.5) }),
  HardSigmoid: async layer => {
    const [alpha, beta] = [await single(layer, 1, 'alpha'), await single(layer, 2, 'beta')]
    layer.give('HardSigmoid', [layer.input(0)], { alpha: float(alpha), beta: float(beta) })
  },
  IsFinite: layer => {
    const x = layer.input(0)
    layer.give('Not', [layer.node('Or', [layer.node('IsNaN', [x]), layer.node('IsInf', [x])])])
  },
  IsInf: layer =>
    layer.give('IsInf', [layer.input(0)], {
      detect_negative: layer.flag('detect_negative', true) ? 1 : 0,
      detect_positive: layer.flag('detect_positive', true) ? 1 : 0,
    }),
  Mod: layer => {
    broadcasts(layer)
    layer.give('Mod', [layer.input(0), layer.input(1)], { fmod: 1 })
  },
  Multiply: multiply,
  NotEqual: layer => {
    broadcasts(layer)
    layer.give('Not', [layer.node('Equal', [layer.input(0), layer.input(1)])])
  },
  PReLU: prelu,
  Round: round,
  Select: layer => {
    broadcasts(layer)
    layer.give('Where', [layer.input(0), layer.input(1), layer.input(2)])
  },
  Selu: async layer => {
    const [alpha, gamma] = [await single(layer, 1, 'alpha'), await single(layer, 2, 'lambda')]
    layer.give('Selu', [layer.input(0)], { alpha: float(alpha), gamma: float(gamma) })
  },
  SquaredDifference: layer => {
    broadcasts(layer)
    const difference = layer.node('Sub', [layer.input(0), layer.input(1)])
    layer.give('Mul', [difference, difference])
  },
  Subtract: subtract,
  Swish: swish,
}
