// Numbers from one element type to the one that a model's input has; float16 as its bit patterns.
import { type DType, isFloat, type TypedArray } from '../base/dtype.ts'
import { fromHalf, toHalf } from '../base/half.ts'

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
} as const
const wide = { int64: BigInt64Array, uint64: BigUint64Array } as const

/** Whether `convert` can: the same type, between floats, between integers, and from integers to floats. */
export function convertible(from: DType, to: DType): boolean {
  const known = (dtype: DType): boolean => dtype in arrays || dtype in wide
  return from === to || (known(from) && known(to) && (isFloat(to) || !isFloat(from)))
}

/** The same numbers in another type; rounded where floats narrow. */
export function convert(data: TypedArray, from: DType, to: DType): TypedArray {
  if (from === to) return data
  const value = from === 'float16' ? (x: number | bigint) => fromHalf(Number(x)) : Number
  const count = data.length
  if (to === 'int64' || to === 'uint64') {
    const out = new wide[to](count)
    for (let i = 0; i < count; i++) out[i] = BigInt(data[i])
    return out
  }
  const out = new arrays[to as keyof typeof arrays](count)
  const write = to === 'float16' ? toHalf : (x: number) => x
  for (let i = 0; i < count; i++) out[i] = write(value(data[i]))
  return out
}
