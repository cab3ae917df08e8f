// MNN's element-wise arithmetic and reductions. Truth values are int32 there: comparisons are cast back.
import { onnxCode } from '../../base/dtype.ts'
import { type Attr, int, ints, type ValueName } from '../../ir/model.ts'
import type { Ended, Step } from './translation.ts'

const binaryOps: Readonly<Record<number, string>> = {
  0: 'Add',
  1: 'Sub',
  2: 'Mul',
  3: 'Div',
  4: 'Max',
  5: 'Min',
  6: 'Pow',
  7: 'Div',
  8: 'Min',
  9: 'Max',
}
const comparisons: Readonly<Record<number, string>> = {
  10: 'Greater',
  11: 'GreaterOrEqual',
  12: 'Less',
  15: 'Equal',
  16: 'LessOrEqual',
  22: 'Equal',
}
const logical: Readonly<Record<number, string>> = { 21: 'Or', 26: 'Xor' }

export function binary(step: Step): Ended {
  const { activationType } = step.need('BinaryOp')
  if (activationType === 0) return operation(step)
  const inner = step.to([step.fresh('sum')])
  operation(inner)
  if (activationType === 1) return step.end('Relu', inner.outputs)
  if (activationType === 2) return step.end('Clip', [...inner.outputs, step.scalar(0), step.scalar(6)])
  throw step.refuse(`ends in the unknown activation ${activationType}`)
}

function operation(step: Step): Ended {
  const { opType } = step.need('BinaryOp')
  const [a, b] = step.inputs
  const truth = (name: ValueName): Ended => step.end('Cast', [name], { to: int(onnxCode('int32')) })
  if (Object.hasOwn(binaryOps, opType)) return step.end(binaryOps[opType], step.inputs)
  if (Object.hasOwn(comparisons, opType)) {
    const compared = step.add(comparisons[opType], [a, b])
    return truth(opType === 22 ? step.add('Not', [compared]) : compared)
  }
  if (Object.hasOwn(logical, opType)) return truth(step.add(logical[opType], [step.bool(a), step.bool(b)]))
  switch (opType) {
    case 13:
      return step.end('Floor', [step.add('Div', [a, b])])
    case 14: {
      const difference = step.add('Sub', [a, b])
      return step.end('Mul', [difference, difference])
    }
    case 17:
      return step.end('Sub', [a, step.add('Mul', [step.add('Floor', [step.add('Div', [a, b])]), b])])
    case 19:
      return step.end('Mod', [a, b], { fmod: int(1) })
    case 29:
      return step.end('Mul', [a, step.add('Mul', [b, step.add('Sigmoid', [b])])])
  }
  throw step.refuse(`computes the unknown operation ${opType}`)
}

const unaryOps: Readonly<Record<number, string>> = {
  0: 'Abs',
  1: 'Neg',
  2: 'Floor',
  3: 'Ceil',
  5: 'Sqrt',
  7: 'Exp',
  8: 'Log',
  9: 'Sin',
  10: 'Cos',
  11: 'Tan',
  12: 'Asin',
  13: 'Acos',
  14: 'Atan',
  15: 'Reciprocal',
  18: 'Acosh',
  19: 'Sinh',
  20: 'Asinh',
  21: 'Atanh',
  22: 'Sign',
  23: 'Round',
  24: 'Cosh',
  25: 'Erf',
  29: 'Sigmoid',
  30: 'Tanh',
  31: 'HardSwish',
}

export function unary(step: Step): Ended {
  const { opType } = step.need('UnaryOp')
  const [x] = step.inputs
  if (Object.hasOwn(unaryOps, opType)) return step.end(unaryOps[opType], [x])
  switch (opType) {
    case 4:
      return step.end('Mul', [x, x])
    case 6:
      return step.end('Reciprocal', [step.add('Sqrt', [x])])
    case 16:
      return step.end('Log', [step.add('Add', [x, step.scalar(1)])])
    case 26:
      return step.end('Sub', [step.scalar(1), step.add('Erf', [x])])
    case 28:
      return step.end('Sub', [step.add('Exp', [x]), step.scalar(1)])
    case 32:
      return tanhGelu(step, x)
    case 33: {
      const erf = step.add('Erf', [step.add('Mul', [x, step.scalar(Math.SQRT1_2)])])
      const half = step.add('Mul', [x, step.scalar(0.5)])
      return step.end('Mul', [half, step.add('Add', [erf, step.scalar(1)])])
    }
    case 34:
      return step.end('Mul', [x, step.add('Sigmoid', [x])])
  }
  throw step.refuse(`computes the unknown function ${opType}`)
}

/** x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))) (Hendrycks and Gimpel 2016, section 2). */
function tanhGelu(step: Step, x: ValueName): Ended {
  const cube = step.add('Mul', [step.add('Mul', [x, x]), x])
  const inner = step.add('Add', [x, step.add('Mul', [cube, step.scalar(0.044715)])])
  const tanh = step.add('Tanh', [step.add('Mul', [inner, step.scalar(0.7978845608028654)])])
  return step.end('Mul', [step.add('Mul', [x, step.scalar(0.5)]), step.add('Add', [tanh, step.scalar(1)])])
}

const eltwiseOps: Readonly<Record<number, string>> = { 0: 'Mul', 1: 'Add', 2: 'Max', 3: 'Sub' }

export function eltwise(step: Step): Ended {
  const { type, coeff } = step.need('Eltwise')
  const op = Object.hasOwn(eltwiseOps, type) ? eltwiseOps[type] : null
  if (!op) throw step.refuse(`computes the unknown operation ${type}`)
  const weighted = step.inputs.map((name, i) => {
    const factor = coeff?.[i] ?? 1
    return factor === 1 ? name : step.add('Mul', [name, step.scalar(factor)])
  })
  const last = weighted.length - 1
  const folded = weighted.slice(0, last).reduce((sum, name) => step.add(op, [sum, name]))
  return step.end(op, [folded, weighted[last]])
}

const reductions: Readonly<Record<number, string>> = {
  0: 'ReduceSum',
  1: 'ReduceL1',
  2: 'ReduceSumSquare',
  3: 'ReduceMean',
  4: 'ReduceMax',
  5: 'ReduceMin',
  6: 'ReduceProd',
}

export function reduction(step: Step): Ended {
  const { operation, dim, keepDims, coeff } = step.need('ReductionParam')
  const op = Object.hasOwn(reductions, operation) ? reductions[operation] : null
  if (!op || (coeff !== 0 && coeff !== 1)) throw step.refuse(`reduces in the unknown way ${operation}`)
  const [x, given] = step.inputs
  const axes = given !== undefined ? step.numbers(given) : [...(dim ?? [])]
  if (!axes) throw step.refuse('is told its axes by another tensor')
  const attrs: Record<string, Attr> = { keepdims: int(keepDims ? 1 : 0) }
  if (axes.length === 0) return step.end(op, [x], attrs)
  // ReduceSum alone takes its axes as an input in this operator set.
  if (op === 'ReduceSum') return step.end(op, [x, step.ints(axes)], attrs)
  return step.end(op, [x], { ...attrs, axes: ints(axes) })
}
