// Outputs as numbers, whatever type the model gives them in.
import { StudioError } from '../base/errors.ts'
import { fromHalf } from '../base/half.ts'
import type { ValueName } from '../ir/model.ts'
import type { NdArray } from '../ir/tensor.ts'
import type { Outputs } from './types.ts'

/** The elements as they are where they are plain numbers; 16-bit floats and 64-bit integers converted. */
export function numbersOf({ dtype, data }: NdArray): ArrayLike<number> {
  if (dtype === 'float16') return Float64Array.from(data as Uint16Array, fromHalf)
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number)
  return data
}

/** One output as numbers. */
export function numbersAt(outputs: Outputs, name: ValueName): ArrayLike<number> {
  const array = outputs[name]
  if (array) return numbersOf(array)
  throw new StudioError('usage', `The task reads output '${name}', which the model does not give.`, {
    where: { value: name },
    hint: `Its outputs: ${Object.keys(outputs).join(', ')}.`,
  })
}
