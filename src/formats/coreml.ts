// Core ML packages: an ML Program (MIL) as protobuf, its constants in a file of blobs, and the list of both.
//
// Field numbers: apple/coremltools, mlmodel/format/Model.proto, MIL.proto, FeatureTypes.proto. Blobs: apple/coremltools,
// mlmodel/src/MILBlob/Blob/StorageFormat.hpp.
import { concat, utf8 } from '../base/bytes.ts'
import { bitsOf, byteLength, bytesOf, type DType, elementCount } from '../base/dtype.ts'
import { toHalf } from '../base/half.ts'
import { hashBytes } from '../base/hash.ts'
import { Writer } from './protobuf.ts'

export type MilDType =
  | 'bool'
  | 'string'
  | 'float16'
  | 'float32'
  | 'int8'
  | 'int32'
  | 'uint8'
  | 'uint32'
  | 'int4'
  | 'uint4'

const dataTypes: Readonly<Record<MilDType, number>> = {
  bool: 1,
  string: 2,
  float16: 10,
  float32: 11,
  int8: 21,
  int32: 23,
  int4: 25,
  uint8: 31,
  uint32: 33,
  uint4: 35,
}

/** An empty shape is a scalar. */
export interface MilType {
  dtype: MilDType
  shape: readonly number[]
}

/** A constant: numbers or words that stand in the program, or the place of its blob. */
export type MilValue = { type: MilType } & (
  | { values: readonly number[] | readonly string[] | readonly boolean[] }
  | { blob: number }
)

export type MilBinding = string | MilValue

export interface MilOperation {
  type: string
  inputs: readonly (readonly [parameter: string, bound: readonly MilBinding[]])[]
  outputs: readonly (readonly [name: string, type: MilType])[]
  attributes: readonly (readonly [name: string, value: MilValue])[]
}

/** What a model takes or gives: an array, or an image of 8-bit pixels. */
export type Feature = { name: string } & (
  | { array: 'float32' | 'float16' | 'int32'; shape: readonly number[] }
  | { image: 'RGB' | 'BGR' | 'GRAY'; width: number; height: number }
)

export interface CoremlModel {
  specificationVersion: number
  opset: string // as in 'CoreML6'
  inputs: readonly Feature[]
  outputs: readonly Feature[]
  parameters: readonly (readonly [name: string, type: MilType])[] // of the program's one function
  operations: readonly MilOperation[]
  results: readonly string[]
}

const arrayTypes = { float32: 65568, float16: 65552, int32: 131104 } as const
const colors = { RGB: 20, BGR: 30, GRAY: 10 } as const
export const weightsPath = '@model_path/weights/weight.bin'

/** model.mlmodel. */
export function writeCoreml(model: CoremlModel): Uint8Array {
  const writer = new Writer()
  writer.varint(1, model.specificationVersion)
  writer.message(2, description => {
    for (const feature of model.inputs) description.message(1, inner => writeFeature(inner, feature))
    for (const feature of model.outputs) description.message(10, inner => writeFeature(inner, feature))
  })
  writer.message(502, program => {
    program.varint(1, 1)
    program.message(2, entry => {
      entry.string(1, 'main')
      entry.message(2, main => {
        for (const [name, type] of model.parameters) main.message(1, inner => writeNamed(inner, name, type))
        main.string(2, model.opset)
        main.message(3, block => {
          block.string(1, model.opset)
          block.message(2, inner => {
            for (const name of model.results) inner.string(2, name)
            for (const operation of model.operations) inner.message(3, one => writeOperation(one, operation))
          })
        })
      })
    })
  })
  return concat(writer.parts() as Uint8Array[])
}

function writeFeature(writer: Writer, feature: Feature): void {
  writer.string(1, feature.name)
  writer.message(3, type => {
    if ('image' in feature)
      type.message(4, image => {
        image.varint(1, feature.width)
        image.varint(2, feature.height)
        image.varint(3, colors[feature.image])
      })
    else
      type.message(5, array => {
        for (const size of feature.shape) array.varint(1, size)
        array.varint(2, arrayTypes[feature.array])
      })
  })
}

function writeNamed(writer: Writer, name: string, type: MilType): void {
  writer.string(1, name)
  writer.message(2, inner => writeType(inner, type))
}

function writeType(writer: Writer, { dtype, shape }: MilType): void {
  writer.message(1, tensor => {
    tensor.varint(1, dataTypes[dtype])
    if (shape.length > 0) tensor.varint(2, shape.length)
    for (const size of shape) tensor.message(3, dimension => dimension.message(1, known => known.varint(1, size)))
  })
}

function writeOperation(writer: Writer, { type, inputs, outputs, attributes }: MilOperation): void {
  writer.string(1, type)
  for (const [parameter, bound] of inputs)
    writer.message(2, entry => {
      entry.string(1, parameter)
      entry.message(2, argument => {
        for (const binding of bound)
          argument.message(1, one => {
            if (typeof binding === 'string') one.string(1, binding)
            else one.message(2, value => writeValue(value, binding))
          })
      })
    })
  for (const [name, of] of outputs) writer.message(3, inner => writeNamed(inner, name, of))
  for (const [name, value] of attributes)
    writer.message(5, entry => {
      entry.string(1, name)
      entry.message(2, inner => writeValue(inner, value))
    })
}

function writeValue(writer: Writer, value: MilValue): void {
  writer.message(2, inner => writeType(inner, value.type))
  if ('blob' in value)
    writer.message(5, file => {
      file.string(1, weightsPath)
      file.varint(2, value.blob)
    })
  else writer.message(3, inner => inner.message(1, tensor => writeNumbers(tensor, value.type.dtype, value.values)))
}

function writeNumbers(tensor: Writer, dtype: MilDType, values: readonly (number | string | boolean)[]): void {
  const numbers = values as readonly number[]
  if (dtype === 'float32') tensor.message(1, list => list.bytes(1, bytesOf(Float32Array.from(numbers))))
  else if (dtype === 'int32') tensor.message(2, list => list.bytes(1, varints(numbers)))
  else if (dtype === 'bool') tensor.message(3, list => list.bytes(1, Uint8Array.from(values, Number)))
  else if (dtype === 'string')
    tensor.message(4, list => {
      for (const text of values as readonly string[]) list.string(1, text)
    })
  else tensor.message(7, list => list.bytes(1, packedBytes(dtype, numbers)))
}

function varints(values: readonly number[]): Uint8Array {
  const bytes: number[] = []
  for (const value of values) {
    let rest = BigInt.asUintN(64, BigInt(value))
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
    bytes.push(Number(rest))
  }
  return Uint8Array.from(bytes)
}

function packedBytes(dtype: MilDType, values: readonly number[]): Uint8Array {
  if (dtype === 'float16') return bytesOf(Uint16Array.from(values, toHalf))
  if (dtype === 'uint32') return bytesOf(Uint32Array.from(values))
  return Uint8Array.from(values, value => value & 255)
}

const blobTypes: Partial<Record<DType, number>> = {
  float16: 1,
  float32: 2,
  uint8: 3,
  int8: 4,
  int4: 8,
  uint4: 11,
  int32: 14,
}
const alignment = 64
const aligned = (at: number): number => Math.ceil(at / alignment) * alignment

/** A tensor in weight.bin, which is read when the file is written. */
export interface Blob {
  dtype: DType
  shape: readonly number[]
  read(): Promise<Uint8Array>
}

/** Lays blobs one after the other: each has a head of 64 bytes and begins at a multiple of 64. */
export class BlobFile {
  readonly #blobs: Blob[] = []
  #end = alignment

  /** The place of its head, by which it is known. */
  add(blob: Blob): number {
    const at = this.#end
    this.#blobs.push(blob)
    this.#end = aligned(at + alignment + byteLength(blob.dtype, elementCount(blob.shape)))
    return at
  }

  async *chunks(): AsyncIterable<Uint8Array> {
    const head = new DataView(new ArrayBuffer(alignment))
    head.setUint32(0, this.#blobs.length, true)
    head.setUint32(4, 2, true)
    yield new Uint8Array(head.buffer)
    let at = alignment
    for (const blob of this.#blobs) {
      const size = byteLength(blob.dtype, elementCount(blob.shape))
      const record = new DataView(new ArrayBuffer(alignment))
      record.setUint32(0, 0xdeadbeef, true)
      record.setUint32(4, blobTypes[blob.dtype]!, true)
      record.setBigUint64(8, BigInt(size), true)
      record.setBigUint64(16, BigInt(at + alignment), true)
      record.setBigUint64(24, BigInt(8 * size - bitsOf(blob.dtype) * elementCount(blob.shape)), true)
      yield new Uint8Array(record.buffer)
      yield await blob.read()
      const last = at + alignment + size
      at = aligned(last)
      if (blob !== this.#blobs.at(-1)) yield new Uint8Array(at - last)
    }
  }
}

/** Manifest.json of a package; `identity`: bytes that tell it from others, as its identifiers are made of them. */
export function packageManifest(identity: Uint8Array): Uint8Array {
  const [root, weights] = ['model', 'weights'].map(part => uuid(hashBytes(utf8(`${part} ${hashBytes(identity)}`))))
  const author = 'com.apple.CoreML'
  const item = (description: string, name: string) => ({ author, description, name, path: `${author}/${name}` })
  const manifest = {
    fileFormatVersion: '1.0.0',
    itemInfoEntries: {
      [root]: item('CoreML Model Specification', 'model.mlmodel'),
      [weights]: item('CoreML Model Weights', 'weights'),
    },
    rootModelIdentifier: root,
  }
  return utf8(`${JSON.stringify(manifest, null, 4)}\n`)
}

/** Bits of a hash in the form of a UUID of version 8, whose bits are free. */
const uuid = (hash: string): string =>
  [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`, `8${hash.slice(17, 20)}`, hash.slice(20, 32)].join(
    '-',
  )
