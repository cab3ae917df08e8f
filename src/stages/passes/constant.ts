// Numbers out of constant tensors, and tensors out of numbers.
import { type DType, elementCount, viewAs } from '../../base/dtype.ts'
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from '../../base/half.ts'
import type { Editor } from '../../ir/edit.ts'
import type { Node } from '../../ir/model.ts'
import { isSlice, type Tensor, toInt64 } from '../../ir/tensor.ts'

/** Elements as float64, exactly; for float16 and bfloat16 their values, not their bit patterns. 64-bit integers past 2^53 round. */
export function toNumbers(dtype: DType, bytes: Uint8Array, count: number): Float64Array {
  const view = viewAs(dtype, bytes)
  const decode = dtype === 'float16' ? fromHalf : dtype === 'bfloat16' ? fromBfloat16 : null
  const whole = view instanceof BigInt64Array || view instanceof BigUint64Array
  // Weights by the million: at once where no element needs a function.
  if (!decode && !whole) return new Float64Array(view.subarray(0, count))
  return Float64Array.from({ length: count }, (_, i) => (decode ? decode(Number(view[i])) : Number(view[i])))
}

/** A tensor of one of the types that `canCompute` names. */
export function fromNumbers(dtype: DType, shape: readonly number[], values: ArrayLike<number>): Tensor {
  const data = new Uint8Array(elementCount(shape) * width[dtype as keyof typeof width])
  const view = viewAs(dtype, data)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (view instanceof BigInt64Array) view[i] = toInt64(value)
    else view[i] = dtype === 'float16' ? toHalf(value) : dtype === 'bfloat16' ? toBfloat16(value) : value
  }
  return { dtype, shape, data }
}

const width = { float32: 4, float64: 8, float16: 2, bfloat16: 2, int64: 8, int32: 4, bool: 1 } as const

/** Float types whose weights a fusion can compute in float64 and round once. */
export const canCompute = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float16' || dtype === 'float64'

/** A node of two operands, one of them constant. `first`: the constant is the first operand. */
export function splitConstant(e: Editor, node: Node): { x: string; constant: string; first: boolean } | null {
  const [a, b] = node.inputs
  if (node.inputs.length !== 2 || a === null || b === null) return null
  if (e.constant(b) && !e.constant(a)) return { x: a, constant: b, first: false }
  if (e.constant(a) && !e.constant(b)) return { x: b, constant: a, first: true }
  return null
}

/** The numbers of a small constant in memory; null for a value that is none. */
export function numbersOf(e: Editor, name: string | null): Float64Array | null {
  const tensor = name === null ? null : e.constant(name)
  return tensor && inMemory(tensor)
}

function inMemory(tensor: Tensor): Float64Array | null {
  if (isSlice(tensor.data) || tensor.dtype === 'string') return null
  if (!(tensor.dtype in width)) return null
  return toNumbers(tensor.dtype, tensor.data, elementCount(tensor.shape))
}

/** As `numbersOf`, of an integer tensor, as an array. */
export function intsOf(e: Editor, name: string | null): number[] | null {
  const tensor = name === null ? null : e.constant(name)
  if (!tensor || (tensor.dtype !== 'int64' && tensor.dtype !== 'int32')) return null
  const values = inMemory(tensor)
  return values && Array.from(values)
}

/** The value of a constant that holds one number only, whatever its rank. */
export function scalarOf(e: Editor, name: string | null): number | null {
  const values = numbersOf(e, name)
  return values?.length === 1 ? values[0] : null
}
