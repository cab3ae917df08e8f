// Tensors: row-major, little-endian, either bytes in memory or a slice of the file that they came from.
import { bitsOf, byteLength, bytesOf, type DType, elementCount, type TypedArray, viewAs } from '../base/dtype.ts'

/** A part of a file, by the id under which `Bytes` knows that file. */
export interface Slice {
  source: string
  offset: number
  length: number
}

/**
 * `data` holds `byteLength(dtype, elements)` bytes, sub-byte types packed low bits first. A string tensor's data are the wire
 * bytes of TensorProto's repeated `string_data` field.
 */
export interface Tensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: Uint8Array | Slice
  readonly extra?: Uint8Array // wire bytes of TensorProto fields that we do not model: doc string, metadata
}

export const isSlice = (data: Uint8Array | Slice): data is Slice => !(data instanceof Uint8Array)

/** An n-dimensional array in memory: what a session takes and gives. float16 travels as its bit patterns. */
export interface NdArray {
  dtype: DType
  shape: readonly number[]
  data: TypedArray
}

export const tensorOf = (array: NdArray): Tensor => ({
  dtype: array.dtype,
  shape: array.shape,
  data: bytesOf(array.data),
})
/** Whole numbers as a tensor of an integer or 8-bit type, several to a byte where the type has fewer bits: low bits first. */
export function packed(dtype: DType, shape: readonly number[], codes: ArrayLike<number>): Tensor {
  const bits = bitsOf(dtype)
  const data = new Uint8Array(byteLength(dtype, codes.length))
  if (bits >= 8) {
    const view = viewAs(dtype, data) as Uint8Array
    for (let i = 0; i < codes.length; i++) view[i] = codes[i]
    return { dtype, shape, data }
  }
  const perByte = 8 / bits
  const mask = (1 << bits) - 1
  for (let i = 0; i < codes.length; i++) data[Math.floor(i / perByte)] |= (codes[i] & mask) << (bits * (i % perByte))
  return { dtype, shape, data }
}

/** The whole numbers of a packed tensor, one an element. */
export function unpacked(
  dtype: DType,
  data: Uint8Array,
  count: number,
): Int8Array | Uint8Array | Int16Array | Uint16Array {
  const bits = bitsOf(dtype)
  if (bits >= 8) return viewAs(dtype, data) as Uint8Array
  const signed = dtype.startsWith('int')
  const codes = signed ? new Int8Array(count) : new Uint8Array(count)
  const perByte = 8 / bits
  const unused = 32 - bits
  for (let i = 0; i < count; i++) {
    const code = data[Math.floor(i / perByte)] >>> (bits * (i % perByte))
    codes[i] = signed ? (code << unused) >> unused : code & ((1 << bits) - 1)
  }
  return codes
}

// The largest int64, which Slice uses for "to the end", is 2^63 once it has been a float64.
export const toInt64 = (value: number | bigint): bigint =>
  value >= 9223372036854775807n ? 9223372036854775807n : BigInt(value)

/** A constant of int64, a vector unless a shape is given. */
export const int64s = (values: readonly (number | bigint)[], shape: readonly number[] = [values.length]): Tensor => ({
  dtype: 'int64',
  shape,
  data: bytesOf(BigInt64Array.from(values, toInt64)),
})

export const floats = (shape: readonly number[], data: Float32Array | readonly number[]): NdArray => ({
  dtype: 'float32',
  shape,
  data: data instanceof Float32Array ? data : Float32Array.from(data),
})
export const elements = (tensor: { shape: readonly number[] }): number => elementCount(tensor.shape)

/** With axis `order[i]` of the array as its i-th. */
export function transposed({ dtype, shape, data }: NdArray, order: readonly number[]): NdArray {
  const strides = shape.map((_, i) => elementCount(shape.slice(i + 1)))
  const to = order.map(axis => shape[axis])
  const moved = data.slice()
  const at = new Array<number>(to.length).fill(0)
  let from = 0
  for (let i = 0; i < moved.length; i++) {
    moved[i] = data[from]
    for (let axis = to.length - 1; axis >= 0; axis--) {
      from += strides[order[axis]]
      if (++at[axis] < to[axis]) break
      from -= to[axis] * strides[order[axis]]
      at[axis] = 0
    }
  }
  return { dtype, shape: to, data: moved }
}
