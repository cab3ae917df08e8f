// Outputs as numbers, whatever float type the model gives them in.
import { fromHalf } from '../base/half.ts'
import type { NdArray } from '../ir/tensor.ts'

/** The elements as float64. */
export const numbersOf = ({ dtype, data }: NdArray): Float64Array =>
  Float64Array.from(data as ArrayLike<number | bigint>, dtype === 'float16' ? x => fromHalf(Number(x)) : Number)
