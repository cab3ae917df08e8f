// Operators that compute element by element, and those along the last axis.
import { onnxCode } from '../../base/dtype.ts'
import { type Attr, float, int, string } from '../../ir/model.ts'
import type { Translate } from './convolutions.ts'
import type { Op } from './graph.ts'

type Attrs = Record<string, Attr>

const fused = (op: Op): number => Number(op.options.activation ?? 0)

const unary =
  (operator: string, attrs: (op: Op) => Attrs = () => ({})): Translate =>
  (g, op) => {
    const form = g.commonForm([op.inputs[0]], op.outputs[0])
    g.give(op.outputs[0], form, operator, [g.real(op.inputs[0], form)], attrs(op))
  }

const clip =
  (low: number, high: number): Translate =>
  (g, op) => {
    const form = g.commonForm([op.inputs[0]], op.outputs[0])
    const inputs = [g.real(op.inputs[0], form), g.float('low', low), g.float('high', high)]
    g.give(op.outputs[0], form, 'Clip', inputs)
  }

const elementwise =
  (operator: string): Translate =>
  (g, op) => {
    const form = g.commonForm(op.inputs, op.outputs[0])
    const inputs = op.inputs.map(index => g.real(index, form))
    g.give(op.outputs[0], form, operator, inputs, {}, fused(op))
  }

/** `after` of what `operator` gives. */
const twoSteps =
  (operator: string, after: string): Translate =>
  (g, op) => {
    const form = g.commonForm(op.inputs, op.outputs[0])
    const first = g.step(
      operator,
      op.inputs.map(index => g.real(index, form)),
    )
    g.give(op.outputs[0], form, after, [first], {}, fused(op))
  }

/** The square of `x`, or of what an operator gives. */
const squared =
  (operator: string | null): Translate =>
  (g, op) => {
    const form = g.commonForm(op.inputs, op.outputs[0])
    const inputs = op.inputs.map(index => g.real(index, form))
    const x = operator === null ? inputs[0] : g.step(operator, inputs)
    g.give(op.outputs[0], form, 'Mul', [x, x])
  }

const isReal = (dtype: string): boolean => dtype.startsWith('float')

const floorDiv: Translate = (g, op) => {
  const [a] = op.inputs
  if (!isReal(g.tensor(a).dtype)) throw g.refused('divides integers')
  twoSteps('Div', 'Floor')(g, op)
}

const floorMod: Translate = (g, op) => {
  const [a] = op.inputs
  const form = g.commonForm(op.inputs, op.outputs[0])
  const [x, y] = op.inputs.map(index => g.real(index, form))
  if (!isReal(g.tensor(a).dtype)) {
    g.give(op.outputs[0], form, 'Mod', [x, y])
    return
  }
  const whole = g.step('Mul', [g.step('Floor', [g.step('Div', [x, y])]), y])
  g.give(op.outputs[0], form, 'Sub', [x, whole])
}

const alongLast =
  (operator: string): Translate =>
  (g, op) => {
    const [x] = op.inputs
    const beta = Number(op.options.beta ?? 1)
    const form = g.commonForm([x], op.outputs[0])
    const axis = g.axisIn(-1, g.rank(x), form)
    const data =
      beta === 1 || operator !== 'Softmax' ? g.real(x, form) : g.step('Mul', [g.real(x, form), g.float('beta', beta)])
    g.give(op.outputs[0], form, operator, [data], { axis: int(axis) })
  }

const normalise: Translate = (g, op) => {
  const [x] = op.inputs
  const form = g.commonForm([x], op.outputs[0])
  const attrs = { axis: int(g.axisIn(-1, g.rank(x), form)), p: int(2) }
  g.give(op.outputs[0], form, 'LpNormalization', [g.real(x, form)], attrs, fused(op))
}

const cast: Translate = (g, op) => {
  const form = g.commonForm([op.inputs[0]], op.outputs[0])
  const to = int(onnxCode(g.tensor(op.outputs[0]).dtype))
  g.give(op.outputs[0], form, 'Cast', [g.real(op.inputs[0], form)], { to })
}

/** SELECT of one condition a row would need the condition in another shape. */
const select: Translate = (g, op) => {
  const [condition, a] = op.inputs
  if (op.name === 'SELECT' && ![0, g.rank(a)].includes(g.rank(condition)))
    throw g.refused('has a condition of another rank than its data')
  elementwise('Where')(g, op)
}

const table = (names: Readonly<Record<string, string>>, make: (operator: string) => Translate) =>
  Object.fromEntries(Object.entries(names).map(([name, operator]) => [name, make(operator)]))

export const elementwises: Readonly<Record<string, Translate>> = {
  ...table(
    {
      RELU: 'Relu',
      LOGISTIC: 'Sigmoid',
      TANH: 'Tanh',
      ELU: 'Elu',
      HARD_SWISH: 'HardSwish',
      EXP: 'Exp',
      LOG: 'Log',
      SQRT: 'Sqrt',
      ABS: 'Abs',
      NEG: 'Neg',
      SIN: 'Sin',
      COS: 'Cos',
      FLOOR: 'Floor',
      CEIL: 'Ceil',
      ROUND: 'Round',
      SIGN: 'Sign',
      LOGICAL_NOT: 'Not',
    },
    unary,
  ),
  RELU6: clip(0, 6),
  RELU_N1_TO_1: clip(-1, 1),
  RELU_0_TO_1: clip(0, 1),
  LEAKY_RELU: unary('LeakyRelu', op => ({ alpha: float(Number(op.options.alpha ?? 0)) })),
  GELU: unary('Gelu', op => ({ approximate: string(op.options.approximate ? 'tanh' : 'none') })),
  ...table(
    {
      ADD: 'Add',
      SUB: 'Sub',
      MUL: 'Mul',
      DIV: 'Div',
      POW: 'Pow',
      MAXIMUM: 'Max',
      MINIMUM: 'Min',
      ADD_N: 'Sum',
      PRELU: 'PRelu',
      EQUAL: 'Equal',
      LESS: 'Less',
      LESS_EQUAL: 'LessOrEqual',
      GREATER: 'Greater',
      GREATER_EQUAL: 'GreaterOrEqual',
      LOGICAL_AND: 'And',
      LOGICAL_OR: 'Or',
    },
    elementwise,
  ),
  NOT_EQUAL: twoSteps('Equal', 'Not'),
  RSQRT: twoSteps('Sqrt', 'Reciprocal'),
  SQUARE: squared(null),
  SQUARED_DIFFERENCE: squared('Sub'),
  FLOOR_DIV: floorDiv,
  FLOOR_MOD: floorMod,
  SELECT: select,
  SELECT_V2: select,
  SOFTMAX: alongLast('Softmax'),
  LOG_SOFTMAX: alongLast('LogSoftmax'),
  L2_NORMALIZATION: normalise,
  CAST: cast,
  QUANTIZE: (g, op) => g.quantize(op.inputs[0], op.outputs[0]),
  DEQUANTIZE: (g, op) => g.dequantize(op.inputs[0], op.outputs[0]),
}
