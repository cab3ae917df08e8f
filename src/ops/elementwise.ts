// Operators of one operand that work on each element by itself.

import { mapContent, settle } from './content.ts'
import { filled, tensor } from './dims.ts'
import type { OpDef, Scalar } from './types.ts'

const known: Record<string, (x: number) => number> = {
  Abs: Math.abs,
  Neg: x => 0 - x,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Not: x => (x === 0 ? 1 : 0),
  Sign: Math.sign,
  Relu: x => Math.max(x, 0),
}

/** Same type and shape. */
export const elementwise: OpDef = {
  type: [
    'Abs',
    'Acos',
    'Acosh',
    'Asin',
    'Asinh',
    'Atan',
    'Atanh',
    'BitwiseNot',
    'Ceil',
    'Celu',
    'Cos',
    'Cosh',
    'Elu',
    'Erf',
    'Exp',
    'Floor',
    'Gelu',
    'HardSigmoid',
    'HardSwish',
    'LeakyRelu',
    'Log',
    'Mish',
    'Neg',
    'Not',
    'Reciprocal',
    'Relu',
    'Round',
    'Selu',
    'Shrink',
    'Sigmoid',
    'Sign',
    'Sin',
    'Sinh',
    'Softplus',
    'Softsign',
    'Sqrt',
    'Swish',
    'Tan',
    'Tanh',
    'ThresholdedRelu',
    'Affine',
    'ParametricSoftplus',
    'ScaledTanh',
  ],
  kind: 'elementwise',
  infer: (node, ctx) => {
    const f = known[node.op]
    const dtype = ctx.dtype(0)
    if (!f) return [tensor(dtype, ctx.shape(0))]
    const content = mapContent(ctx, [0], ctx.shape(0), (x: Scalar) =>
      settle(typeof x === 'number' ? f(x) : null, dtype),
    )
    return [filled(dtype, ctx.shape(0), content)]
  },
}

/** Bounds may be further inputs, which are scalars. */
export const clip: OpDef = {
  type: 'Clip',
  kind: 'elementwise',
  infer: (_, ctx) => [tensor(ctx.dtype(0), ctx.shape(0))],
}

export const elementTest: OpDef = {
  type: ['IsNaN', 'IsInf'],
  kind: 'elementwise',
  infer: (_, ctx) => [tensor('bool', ctx.shape(0))],
}

/** ONNX Runtime's own activations; a bias is broadcast into x. */
export const elementwiseMicrosoft: OpDef = {
  type: ['Gelu', 'FastGelu', 'BiasGelu', 'QuickGelu', 'QLinearSigmoid', 'QLinearLeakyRelu'],
  domain: 'com.microsoft',
  kind: 'elementwise',
  infer: (_, ctx) => [tensor(ctx.dtype(0), ctx.shape(0))],
}
