// Outputs as numbers, whatever type the model gives them in.
import { fromHalf } from '../base/half.ts'
import type { NdArray } from '../ir/tensor.ts'

/** The elements as they are where they are plain numbers; 16-bit floats and 64-bit integers converted. */
export function numbersOf({ dtype, data }: NdArray): ArrayLike<number> {
  if (dtype === 'float16') return Float64Array.from(data as Uint16Array, fromHalf)
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number)
  return data
}
