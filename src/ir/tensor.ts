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

/** Bytes of a tensor of `shape` with its axes in another order, `perm` as Transpose has it; the same bytes where nothing moves. */
export function permutedBytes(
  dtype: DType,
  bytes: Uint8Array,
  shape: readonly number[],
  perm: readonly number[],
): Uint8Array {
  // Axes of length 1 may go anywhere.
  const order = perm.filter(axis => shape[axis] !== 1)
  if (order.every((axis, i) => i === 0 || order[i - 1] < axis)) return bytes
  const count = elementCount(shape)
  const from = placesBefore(shape, perm)
  if (bitsOf(dtype) < 8) {
    const codes = unpacked(dtype, bytes, count)
    const moved = Int8Array.from(from, i => codes[i])
    return packed(dtype, [count], moved).data as Uint8Array
  }
  const width = byteLength(dtype, 1)
  const moved = new Uint8Array(count * width)
  for (let i = 0; i < count; i++) for (let k = 0; k < width; k++) moved[i * width + k] = bytes[from[i] * width + k]
  return moved
}

/** For each element of the permuted tensor its place in the original. */
function placesBefore(shape: readonly number[], perm: readonly number[]): Uint32Array {
  let places = Uint32Array.of(0)
  for (const axis of perm) {
    const stride = elementCount(shape.slice(axis + 1))
    const next = new Uint32Array(places.length * shape[axis])
    for (const [i, base] of places.entries())
      for (let k = 0; k < shape[axis]; k++) next[i * shape[axis] + k] = base + k * stride
    places = next
  }
  return places
}

/** An array with its axes in another order. */
export const transposed = ({ dtype, shape, data }: NdArray, perm: readonly number[]): NdArray => ({
  dtype,
  shape: perm.map(axis => shape[axis]),
  data: viewAs(dtype, permutedBytes(dtype, bytesOf(data), shape, perm)),
})
