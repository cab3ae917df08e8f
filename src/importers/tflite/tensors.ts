// The tensors of a TFLite graph as the importer sees them: shape, type, scales, and where their bytes are; constants in another order.
import { byteLength, bytesOf, type DType, elementCount, viewAs } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import type { TfliteModel } from '../../formats/tflite.ts'
import { type TfliteQuantization, type TfliteTensor, tensorTypes } from '../../formats/tflite-schema.ts'
import type { Dim } from '../../ir/model.ts'
import { permutedBytes, type Slice, type Tensor } from '../../ir/tensor.ts'

export interface Quant {
  scale: readonly number[]
  zeroPoint: readonly number[]
  axis: number // of `scale`, where there is more than one
}

export interface FileTensor {
  name: string // unique
  shape: readonly number[]
  dims: readonly Dim[] // `shape` with what is free at run time as symbols
  dtype: DType
  quant: Quant | null
  /** The bytes of a constant, and where they lie in the file. */
  data: { bytes: Uint8Array; slice: Slice | null } | null
}

const dtypes: Readonly<Record<string, DType>> = {
  FLOAT32: 'float32',
  FLOAT16: 'float16',
  BFLOAT16: 'bfloat16',
  FLOAT64: 'float64',
  INT64: 'int64',
  INT32: 'int32',
  INT16: 'int16',
  INT8: 'int8',
  INT4: 'int4',
  UINT64: 'uint64',
  UINT32: 'uint32',
  UINT16: 'uint16',
  UINT8: 'uint8',
  UINT4: 'uint4',
  BOOL: 'bool',
}

// What is smaller than this is copied, so that the file need not be kept open for it.
const inlineLimit = 16384

/** All tensors of the first graph. `file` are the bytes of the model, known as `source`. */
export function tensorsOf(model: TfliteModel, file: Uint8Array, source: string): FileTensor[] {
  const names = new Set<string>()
  return (model.subgraphs?.[0]?.tensors ?? []).map((record, i) => {
    const base = record.name || `tensor_${i}`
    let name = base
    for (let k = 1; names.has(name); k++) name = `${base}_${k}`
    names.add(name)
    const type = tensorTypes[record.type] ?? `number ${record.type}`
    const dtype = dtypes[type]
    if (dtype === undefined) throw unsupported(name, `has the element type ${type}`)
    if (record.isVariable) throw unsupported(name, 'keeps a state from one run to the next')
    if (record.sparsity) throw unsupported(name, 'is sparse')
    const shape = Array.from(record.shape ?? [])
    if (shape.some(d => d < 0)) throw malformed(name, `The tensor ${name} has the shape [${shape}]`)
    const data = dataOf(model, record, shape, name, dtype, file, source)
    const quant = quantOf(record.quantization, shape, name)
    const tensor = { name, shape, dims: dimsOf(shape, record, name), dtype, quant, data }
    return dtype === 'int64' && quant && data ? narrowed(tensor, data.bytes) : tensor
  })
}

const unsupported = (name: string, what: string): StudioError =>
  new StudioError('unsupported', `The tensor ${name} ${what}, which is not known here`, {
    where: { value: name },
    hint: 'Convert the model again with dense tensors of usual types and without state.',
  })

const malformed = (name: string, message: string): StudioError =>
  new StudioError('malformed', message, {
    where: { value: name },
    hint: 'Copy or convert the model again: it is damaged.',
  })

function dimsOf(shape: readonly number[], { shapeSignature }: TfliteTensor, name: string): Dim[] {
  return shape.map((size, axis) => (shapeSignature?.[axis] !== -1 ? size : axis === 0 ? 'N' : `${name}_${axis}`))
}

function quantOf(record: TfliteQuantization | null, shape: readonly number[], name: string): Quant | null {
  if (record?.details) throw unsupported(name, 'has scales of its own kind (block-wise or custom)')
  const scale = Array.from(record?.scale ?? [])
  const zeroPoint = Array.from(record?.zeroPoint ?? [], Number)
  const axis = record?.quantizedDimension ?? 0
  if (scale.length === 0) return null
  if (scale.length > 1 && scale.length !== shape[axis])
    throw malformed(name, `The tensor ${name} has ${scale.length} scales for axis ${axis} of [${shape}]`)
  if (zeroPoint.length > 1 && zeroPoint.length !== scale.length)
    throw malformed(name, `The tensor ${name} has ${zeroPoint.length} zero points for ${scale.length} scales`)
  return { scale, zeroPoint: scale.map((_, i) => zeroPoint[i] ?? zeroPoint[0] ?? 0), axis }
}

function dataOf(
  model: TfliteModel,
  record: TfliteTensor,
  shape: readonly number[],
  name: string,
  dtype: DType,
  file: Uint8Array,
  source: string,
): FileTensor['data'] {
  const buffer = model.buffers?.[record.buffer]
  if (!buffer) throw malformed(name, `The tensor ${name} refers to buffer ${record.buffer}, which is not there`)
  let { data } = buffer
  const { offset, size } = buffer
  if (offset > 1 && size > 0) {
    if (offset + size > file.length)
      throw malformed(name, `The tensor ${name} ends at byte ${offset + size}, beyond the end of the file`)
    data = file.subarray(offset, offset + size)
  }
  if (!data || data.length === 0) return null
  const wanted = byteLength(dtype, elementCount(shape))
  if (data.length < wanted)
    throw malformed(
      name,
      `The tensor ${name} has ${data.length} bytes of data where [${shape}] of ${dtype} take ${wanted}`,
    )
  const bytes = data.subarray(0, wanted)
  return { bytes, slice: { source, offset: bytes.byteOffset - file.byteOffset, length: wanted } }
}

/** DequantizeLinear knows no integers of 64 bits, in which models of 16-bit activations keep their biases. */
function narrowed(tensor: FileTensor, bytes: Uint8Array): FileTensor {
  const values = Array.from(viewAs('int64', bytes) as BigInt64Array, Number)
  if (values.some(v => v !== (v | 0))) throw unsupported(tensor.name, 'has codes that do not fit in 32 bits')
  return { ...tensor, dtype: 'int32', data: { bytes: bytesOf(Int32Array.from(values)), slice: null } }
}

/** A constant as it is: a part of the file where it is large. */
export function kept({ dtype, shape, data }: FileTensor): Tensor {
  const { bytes, slice } = data!
  return { dtype, shape, data: slice && bytes.length > inlineLimit ? slice : bytes.slice() }
}

/** A constant with its axes in another order; `perm` as Transpose has it. */
export function permuted(tensor: FileTensor, perm: readonly number[], shape = tensor.shape): Tensor {
  const sizes = perm.map(axis => shape[axis])
  const { bytes } = tensor.data!
  const data = permutedBytes(tensor.dtype, bytes, shape, perm)
  return data === bytes ? { ...kept(tensor), shape: sizes } : { dtype: tensor.dtype, shape: sizes, data }
}
