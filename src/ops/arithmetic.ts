// Operators of several operands, broadcast as in NumPy. https://github.com/onnx/onnx/blob/main/docs/Broadcasting.md
// Before operator set 7 the second operand was broadcast into the first.
import { attrInt } from '../ir/model.ts'
import { broadcastInputs, mapContent, settle } from './content.ts'
import { filled, tensor } from './dims.ts'
import type { Dims, InferContext, OpDef, Scalar } from './types.ts'

/** Operations on numbers; a symbol survives where the other operand is neutral. */
const operations: Record<string, (a: Scalar, b: Scalar, whole: boolean) => Scalar> = {
  Add: (a, b) => (a === 0 ? b : b === 0 ? a : numbers(a, b, (x, y) => x + y)),
  Sub: (a, b) => (b === 0 ? a : typeof a === 'string' && a === b ? 0 : numbers(a, b, (x, y) => x - y)),
  Mul: (a, b) => (a === 1 ? b : b === 1 ? a : numbers(a, b, (x, y) => x * y)),
  Div: (a, b, whole) =>
    b === 1 ? a : b === 0 && whole ? null : numbers(a, b, (x, y) => (whole ? Math.trunc(x / y) : x / y)),
  Mod: (a, b) => (b === 0 ? null : numbers(a, b, (x, y) => x - y * Math.floor(x / y))),
  Fmod: (a, b) => (b === 0 ? null : numbers(a, b, (x, y) => x % y)),
  Min: (a, b) => numbers(a, b, Math.min),
  Max: (a, b) => numbers(a, b, Math.max),
  Sum: (a, b) => numbers(a, b, (x, y) => x + y),
  And: (a, b) => (a === 0 || b === 0 ? 0 : numbers(a, b, () => 1)),
  Or: (a, b) => (a === 1 || b === 1 ? 1 : numbers(a, b, () => 0)),
  Xor: (a, b) => numbers(a, b, (x, y) => (x === y ? 0 : 1)),
  Equal: (a, b) => (typeof a === 'string' && a === b ? 1 : numbers(a, b, (x, y) => (x === y ? 1 : 0))),
  Less: (a, b) => numbers(a, b, (x, y) => (x < y ? 1 : 0)),
  LessOrEqual: (a, b) => numbers(a, b, (x, y) => (x <= y ? 1 : 0)),
  Greater: (a, b) => numbers(a, b, (x, y) => (x > y ? 1 : 0)),
  GreaterOrEqual: (a, b) => numbers(a, b, (x, y) => (x >= y ? 1 : 0)),
}

function numbers(a: Scalar, b: Scalar, f: (a: number, b: number) => number): Scalar {
  return typeof a === 'number' && typeof b === 'number' ? f(a, b) : null
}

const whole = new Set(['int64', 'int32', 'uint64', 'uint32', 'int16', 'uint16', 'int8', 'uint8'])

function outShape(ctx: InferContext, inputs: readonly number[]): Dims | null {
  return ctx.opset < 7 ? ctx.shape(0) : broadcastInputs(ctx, inputs)
}

export const arithmetic: OpDef = {
  type: ['Add', 'Sub', 'Mul', 'Div', 'Mod', 'Pow', 'BitShift', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'PRelu'],
  kind: 'elementwise',
  infer: (node, ctx) => {
    const dtype = ctx.dtype(0) ?? (node.op === 'Pow' ? null : ctx.dtype(1))
    const shape = outShape(ctx, [0, 1])
    const f = operations[attrInt(node, 'fmod', 0) === 0 ? node.op : 'Fmod']
    if (!f || dtype === null) return [tensor(dtype, shape)]
    return [
      filled(
        dtype,
        shape,
        mapContent(ctx, [0, 1], shape, (a, b) => settle(f(a, b, whole.has(dtype)), dtype)),
      ),
    ]
  },
}

export const comparison: OpDef = {
  type: ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'And', 'Or', 'Xor'],
  kind: 'elementwise',
  infer: (node, ctx) => {
    const shape = outShape(ctx, [0, 1])
    const f = operations[node.op]
    return [
      filled(
        'bool',
        shape,
        mapContent(ctx, [0, 1], shape, (a, b) => f(a, b, false)),
      ),
    ]
  },
}

export const variadic: OpDef = {
  type: ['Min', 'Max', 'Sum', 'Mean'],
  kind: 'elementwise',
  infer: (node, ctx) => {
    const inputs = node.inputs.map((_, i) => i)
    const dtype = ctx.dtype(0)
    const shape = outShape(ctx, inputs)
    const f = operations[node.op]
    if (!f || inputs.length === 0) return [tensor(dtype, shape)]
    const content = mapContent(ctx, inputs, shape, (...v) =>
      settle(
        v.reduce((a, b) => f(a, b, false)),
        dtype,
      ),
    )
    return [filled(dtype, shape, content)]
  },
}

/** condition, x, y. */
export const where: OpDef = {
  type: 'Where',
  kind: 'elementwise',
  infer: (_, ctx) => {
    const shape = broadcastInputs(ctx, [0, 1, 2])
    const pick = (c: Scalar, x: Scalar, y: Scalar): Scalar => (typeof c === 'number' ? (c ? x : y) : x === y ? x : null)
    return [filled(ctx.dtype(1) ?? ctx.dtype(2), shape, mapContent(ctx, [0, 1, 2], shape, pick))]
  },
}

/** a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero. */
export const qLinearArithmetic: OpDef = {
  type: ['QLinearAdd', 'QLinearMul'],
  scales: [1, 2, 4, 5, 6, 7],
  domain: 'com.microsoft',
  kind: 'elementwise',
  infer: (_, ctx) => [tensor(ctx.dtype(0) ?? ctx.dtype(3), broadcastInputs(ctx, [0, 3]))],
}
