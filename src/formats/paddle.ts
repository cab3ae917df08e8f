// Paddle's inference models of the older kind, as Paddle Lite takes them: a ProgramDesc in protobuf (.pdmodel), and all its parameters in one
// file (.pdiparams), in the order of their names.
//
// Field numbers: PaddlePaddle/Paddle, paddle/fluid/framework/framework.proto. Parameters: paddle/fluid/framework/lod_tensor.cc,
// SerializeToStream, and tensor_util.cc, TensorToStream.
import { concat } from '../base/bytes.ts'
import type { DType } from '../base/dtype.ts'
import { Writer } from './protobuf.ts'

const dataTypes: Partial<Record<DType, number>> = {
  bool: 0,
  int32: 2,
  int64: 3,
  float16: 4,
  float32: 5,
  float64: 6,
  uint8: 20,
  int8: 21,
}
const [lodTensor, feedList, fetchList] = [7, 9, 10]

export const knows = (dtype: DType): boolean => dtype in dataTypes

export interface PaddleVar {
  name: string
  dtype: DType
  shape: readonly number[]
  /** Its numbers stand in the file of parameters. */
  parameter: boolean
}

export type PaddleAttr =
  | { int: number }
  | { float: number }
  | { text: string }
  | { ints: readonly number[] }
  | { floats: readonly number[] }
  | { flag: boolean }
  | { long: number }

export interface PaddleOp {
  type: string
  inputs: Readonly<Record<string, readonly string[]>>
  outputs: Readonly<Record<string, readonly string[]>>
  attrs: Readonly<Record<string, PaddleAttr>>
}

export interface PaddleProgram {
  vars: readonly PaddleVar[]
  ops: readonly PaddleOp[]
  /** Names of variables that are fed and fetched, in order. */
  inputs: readonly string[]
  outputs: readonly string[]
}

/** The .pdmodel. */
export function writePaddle({ vars, ops, inputs, outputs }: PaddleProgram): Uint8Array {
  const feeds = inputs.map(
    (name, col): PaddleOp => ({
      type: 'feed',
      inputs: { X: ['feed'] },
      outputs: { Out: [name] },
      attrs: { col: { int: col } },
    }),
  )
  const fetches = outputs.map(
    (name, col): PaddleOp => ({
      type: 'fetch',
      inputs: { X: [name] },
      outputs: { Out: ['fetch'] },
      attrs: { col: { int: col } },
    }),
  )
  const writer = new Writer()
  writer.message(1, block => {
    block.varint(1, 0)
    block.varint(2, -1)
    for (const [name, type] of [['feed', feedList] as const, ['fetch', fetchList] as const])
      block.message(3, v => {
        v.string(1, name)
        v.message(2, inner => inner.varint(1, type))
        v.varint(3, true)
      })
    for (const one of vars) block.message(3, v => writeVar(v, one, inputs.includes(one.name)))
    for (const op of [...feeds, ...ops, ...fetches]) block.message(4, o => writeOp(o, op))
  })
  writer.message(4, version => version.varint(1, 0))
  return concat(writer.parts() as Uint8Array[])
}

function writeVar(v: Writer, { name, dtype, shape, parameter }: PaddleVar, fed: boolean): void {
  v.string(1, name)
  v.message(2, type => {
    type.varint(1, lodTensor)
    type.message(3, lod => {
      lod.message(1, tensor => writeTensor(tensor, dtype, shape))
      lod.varint(2, 0)
    })
  })
  v.varint(3, parameter)
  v.varint(4, fed)
}

function writeTensor(tensor: Writer, dtype: DType, shape: readonly number[]): void {
  tensor.varint(1, dataTypes[dtype]!)
  for (const size of shape) tensor.varint(2, size)
}

function writeOp(o: Writer, { type, inputs, outputs, attrs }: PaddleOp): void {
  for (const [no, list] of [[1, inputs] as const, [2, outputs] as const])
    for (const [parameter, names] of Object.entries(list))
      o.message(no, v => {
        v.string(1, parameter)
        for (const name of names) v.string(2, name)
      })
  o.string(3, type)
  for (const [name, attr] of Object.entries(attrs)) o.message(4, a => writeAttr(a, name, attr))
}

function writeAttr(a: Writer, name: string, attr: PaddleAttr): void {
  a.string(1, name)
  const kind = (number: number): void => a.varint(2, number)
  if ('int' in attr) {
    kind(0)
    a.varint(3, attr.int)
  } else if ('float' in attr) {
    kind(1)
    a.float(4, attr.float)
  } else if ('text' in attr) {
    kind(2)
    a.string(5, attr.text)
  } else if ('ints' in attr) {
    kind(3)
    for (const value of attr.ints) a.varint(6, value)
  } else if ('floats' in attr) {
    kind(4)
    for (const value of attr.floats) a.float(7, value)
  } else if ('flag' in attr) {
    kind(6)
    a.varint(10, attr.flag)
  } else {
    kind(9)
    a.varint(13, attr.long)
  }
}

/** Parameters go into their file in the order of their names' bytes. */
export const inOrder = <T extends { name: string }>(parameters: readonly T[]): T[] =>
  [...parameters].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))

/** What stands before the numbers of a parameter. */
export function parameterHead(dtype: DType, shape: readonly number[]): Uint8Array {
  const writer = new Writer()
  writeTensor(writer, dtype, shape)
  const description = concat(writer.parts() as Uint8Array[])
  // Versions of both records, no levels between them; then the description with its length.
  const head = new DataView(new ArrayBuffer(20))
  head.setInt32(16, description.length, true)
  return concat([new Uint8Array(head.buffer), description])
}
