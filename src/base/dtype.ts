// Element types under the names that NumPy and ONNX share, with their ONNX numbers, widths and typed-array views.

const table = {
  // name: [ONNX TensorProto.DataType, bits]
  float32: [1, 32],
  uint8: [2, 8],
  int8: [3, 8],
  uint16: [4, 16],
  int16: [5, 16],
  int32: [6, 32],
  int64: [7, 64],
  string: [8, 0],
  bool: [9, 8],
  float16: [10, 16],
  float64: [11, 64],
  uint32: [12, 32],
  uint64: [13, 64],
  complex64: [14, 64],
  complex128: [15, 128],
  bfloat16: [16, 16],
  float8e4m3fn: [17, 8],
  float8e4m3fnuz: [18, 8],
  float8e5m2: [19, 8],
  float8e5m2fnuz: [20, 8],
  uint4: [21, 4],
  int4: [22, 4],
  float4e2m1: [23, 4],
  float8e8m0: [24, 8],
  uint2: [25, 2],
  int2: [26, 2],
  float6e2m3: [27, 6],
  float6e3m2: [28, 6],
} as const satisfies Record<string, readonly [number, number]>

export type DType = keyof typeof table
export const dtypes = Object.keys(table) as DType[]

const byOnnx = new Map<number, DType>(dtypes.map(d => [table[d][0], d]))

export const onnxCode = (dtype: DType): number => table[dtype][0]
export const dtypeOfOnnx = (code: number): DType | null => byOnnx.get(code) ?? null
/** Bits of one element; 0 for strings. Types below 8 bits are packed, low bits first. */
export const bitsOf = (dtype: DType): number => table[dtype][1]
/** Bytes that `count` elements take, packed. */
export const byteLength = (dtype: DType, count: number): number => Math.ceil((count * bitsOf(dtype)) / 8)

export const isFloat = (dtype: DType | null): boolean =>
  dtype === 'float32' || dtype === 'float16' || dtype === 'float64' || dtype === 'bfloat16'

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array

type ArrayConstructor = {
  new (buffer: ArrayBufferLike, offset?: number, length?: number): TypedArray
  BYTES_PER_ELEMENT: number
}

const arrays: Partial<Record<DType, ArrayConstructor>> = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  float16: Uint16Array, // the bit patterns; see half.ts
  bfloat16: Uint16Array,
}

/** A typed view of little-endian bytes; copies only where the bytes are not aligned. Types without an array of their own come as Uint8Array. */
export function viewAs(dtype: DType, bytes: Uint8Array): TypedArray {
  const ctor = arrays[dtype]
  if (ctor === undefined) return bytes
  const size = ctor.BYTES_PER_ELEMENT
  // Not `slice`: that of Node's Buffer copies nothing.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  return new ctor(aligned.buffer, aligned.byteOffset, Math.floor(aligned.byteLength / size))
}

export const bytesOf = (array: TypedArray): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

/** Number of elements of a fully known shape; 1 for a scalar. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)
