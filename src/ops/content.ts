// Partial evaluation of the small integer tensors that shapes are computed with (Shape, Gather, Concat, Reshape and the like):
// their numbers are followed, and the symbols of dimensions with them. Anything else becomes null.
import { type DType, elementCount, viewAs } from '../base/dtype.ts'
import { fromBfloat16, fromHalf } from '../base/half.ts'
import { isSlice, type Tensor } from '../ir/tensor.ts'
import { broadcast, contentLimit, numeric } from './dims.ts'
import type { Dims, InferContext, Scalar } from './types.ts'

const readable = new Set<DType>([
  'bool',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float16',
  'bfloat16',
  'float32',
  'float64',
])

/** The numbers of a small tensor that is in memory. Whole numbers past 2^53 come as the nearest double. */
export function contentOf(tensor: Tensor): number[] | null {
  if (isSlice(tensor.data) || !readable.has(tensor.dtype) || elementCount(tensor.shape) > contentLimit) return null
  const view = viewAs(tensor.dtype, tensor.data)
  if (tensor.dtype === 'float16') return Array.from(view as Uint16Array, fromHalf)
  if (tensor.dtype === 'bfloat16') return Array.from(view as Uint16Array, fromBfloat16)
  return Array.from(view as ArrayLike<number | bigint>, Number)
}

/** Keeps to what the type can hold, or gives up: an int64 past 2^53 is only met as the mark for "to the end". */
export function settle(value: Scalar, dtype: DType | null): Scalar {
  if (typeof value !== 'number') return value
  switch (dtype) {
    case 'float32':
      return Math.fround(value)
    case 'float64':
      return value
    case 'bool':
      return value === 0 ? 0 : 1
    case 'int64':
      return Number.isInteger(value) ? value : null
    case 'int32':
      return Number.isInteger(value) && Math.abs(value) < 2147483648 ? value : null
    default:
      return null
  }
}

/** Offset strides of a shape inside a broadcast one: 0 along broadcast axes. */
function stridesIn(shape: readonly number[], out: readonly number[]): number[] {
  const strides = new Array<number>(out.length).fill(0)
  let step = 1
  for (let i = shape.length - 1, o = out.length - 1; i >= 0; i--, o--) {
    if (shape[i] !== 1) strides[o] = step
    step *= shape[i]
  }
  return strides
}

/** For each element of `out`, its offset through `strides`. */
export function offsets(out: readonly number[], strides: readonly number[]): number[] {
  let list = [0]
  for (let axis = 0; axis < out.length; axis++)
    list = list.flatMap(base => Array.from({ length: out[axis] }, (_, i) => base + i * strides[axis]))
  return list
}

/** Row-major strides. */
export const stridesOf = (shape: readonly number[]): number[] => shape.map((_, i) => elementCount(shape.slice(i + 1)))

/** Applies `f` to broadcast contents; null where an operand's content is not known. */
export function mapContent(
  ctx: InferContext,
  inputs: readonly number[],
  shape: Dims | null,
  f: (...values: Scalar[]) => Scalar,
): Scalar[] | null {
  const out = numeric(shape)
  if (out === null || elementCount(out) > contentLimit) return null
  const operands: Scalar[][] = []
  for (const i of inputs) {
    const content = ctx.content(i)
    const own = numeric(ctx.shape(i))
    if (content === null || own === null) return null
    operands.push(offsets(out, stridesIn(own, out)).map(at => content[at]))
  }
  return Array.from({ length: elementCount(out) }, (_, i) => f(...operands.map(o => o[i])))
}

/** Shape of the inputs broadcast together. */
export const broadcastInputs = (ctx: InferContext, inputs: readonly number[]): Dims | null =>
  broadcast(
    inputs.map(i => ctx.shape(i)),
    ctx,
  )
