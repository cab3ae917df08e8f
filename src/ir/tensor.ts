// Tensors: row-major, little-endian, either bytes in memory or a slice of the file that they came from.
import { bytesOf, type DType, elementCount, type TypedArray } from '../base/dtype.ts'

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
export const floats = (shape: readonly number[], data: Float32Array | readonly number[]): NdArray => ({
  dtype: 'float32',
  shape,
  data: data instanceof Float32Array ? data : Float32Array.from(data),
})
export const elements = (tensor: { shape: readonly number[] }): number => elementCount(tensor.shape)
