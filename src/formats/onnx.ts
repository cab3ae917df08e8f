// ONNX messages as plain records, after onnx.proto (IR version 14). What a record does not model is kept in `extra` as wire bytes.
// A type that is no dense tensor, and an attribute that holds a sparse tensor or a type, are kept whole as wire bytes.
import type { Region } from './protobuf.ts'

export interface TensorRecord {
  name: string
  dims: readonly number[]
  dataType: number
  /** Little-endian, packed; for strings the wire bytes of `string_data`. null where the tensor has none, or has it in another file. */
  data: Uint8Array | Region | null
  external: ReadonlyMap<string, string> | null
  extra?: Uint8Array
}

export interface SparseTensorRecord {
  values: TensorRecord
  indices: TensorRecord
  dims: readonly number[]
}

export interface TypeRecord {
  elemType: number
  shape: readonly (number | string | null)[] | null
}

export interface ValueInfoRecord {
  name: string
  tensor: TypeRecord | null
  /** The whole TypeProto, where it is no dense tensor or says more than `tensor` holds. */
  type?: Uint8Array
  doc?: string
  extra?: Uint8Array
}

export interface AttributeRecord {
  name: string
  type: number
  ref?: string
  f?: number
  i?: number | bigint
  s?: Uint8Array
  t?: TensorRecord
  g?: GraphRecord
  floats?: readonly number[]
  ints?: readonly (number | bigint)[]
  strings?: readonly Uint8Array[]
  tensors?: readonly TensorRecord[]
  graphs?: readonly GraphRecord[]
  /** Set for the kinds that are not decoded; then it is all there is. */
  wire?: Uint8Array
  extra?: Uint8Array
}

export interface NodeRecord {
  name: string
  op: string
  domain: string
  overload: string
  inputs: readonly string[]
  outputs: readonly string[]
  attributes: readonly AttributeRecord[]
  doc?: string
  extra?: Uint8Array
}

export interface GraphRecord {
  name: string
  nodes: readonly NodeRecord[]
  initializers: readonly TensorRecord[]
  sparse: readonly SparseTensorRecord[]
  inputs: readonly ValueInfoRecord[]
  outputs: readonly ValueInfoRecord[]
  valueInfos: readonly ValueInfoRecord[]
  doc?: string
  extra?: Uint8Array
}

export interface FunctionRecord {
  name: string
  domain: string
  overload: string
  inputs: readonly string[]
  outputs: readonly string[]
  attributes: readonly string[]
  nodes: readonly NodeRecord[]
  valueInfos: readonly ValueInfoRecord[]
  opsets: readonly (readonly [domain: string, version: number])[]
  extra?: Uint8Array
}

export interface ModelRecord {
  irVersion: number
  producerName: string
  producerVersion: string
  domain: string
  modelVersion: number | bigint
  doc?: string
  graph: GraphRecord | null
  opsets: readonly (readonly [domain: string, version: number])[]
  meta: readonly (readonly [key: string, value: string])[]
  functions: readonly FunctionRecord[]
  extra?: Uint8Array
}

/** AttributeProto.AttributeType. */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const
