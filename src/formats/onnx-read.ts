// ONNX bytes to records. Large tensors stay in the file as regions; typed data fields become little-endian bytes.
import type { ByteSource } from '../base/bytes.ts'
import { concat } from '../base/bytes.ts'
import { dtypeOfOnnx } from '../base/dtype.ts'
import {
  type AttributeRecord,
  attributeTypes,
  type FunctionRecord,
  type GraphRecord,
  type ModelRecord,
  type NodeRecord,
  type SparseTensorRecord,
  type TensorRecord,
  type TypeRecord,
  type ValueInfoRecord,
} from './onnx.ts'
import { pairOf, tensorOf } from './onnx-tensor.ts'
import {
  broken,
  bytesField,
  type Field,
  fieldsOf,
  fixedOf,
  floatField,
  int64,
  int64Field,
  intField,
  type Message,
  messageField,
  stringField,
  varintsOf,
  wireOf,
} from './protobuf.ts'
import { type WalkSchema, walk } from './protobuf-walk.ts'

// Field numbers of the messages that may hold large payloads.
const tensorSchema: WalkSchema = { 4: 'region', 9: 'region', 10: 'region' }
const attributeSchema: WalkSchema = {
  5: () => tensorSchema,
  6: () => graphSchema,
  10: () => tensorSchema,
  11: () => graphSchema,
}
const nodeSchema: WalkSchema = { 5: () => attributeSchema }
const sparseSchema: WalkSchema = {}
const graphSchema: WalkSchema = { 1: () => nodeSchema, 5: () => tensorSchema, 15: () => sparseSchema }
const functionSchema: WalkSchema = { 7: () => nodeSchema }
const modelSchema: WalkSchema = { 7: () => graphSchema, 25: () => functionSchema }

/** Reads a model, leaving large tensors in the file; `id` is what their regions call it. */
export async function readOnnx(source: ByteSource, id: string): Promise<ModelRecord> {
  return modelOf(await walk(source, id, modelSchema))
}

function modelOf(message: Message): ModelRecord {
  const opsets: [string, number][] = []
  const meta: [string, string][] = []
  const functions: FunctionRecord[] = []
  const graphs: Field[] = []
  const rest: Field[] = []
  const model: ModelRecord = {
    irVersion: 0,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0,
    graph: null,
    opsets,
    meta,
    functions,
  }
  for (const field of fieldsOf(message)) {
    if (field.no === 1) model.irVersion = intField(field)
    else if (field.no === 2) model.producerName = stringField(field)
    else if (field.no === 3) model.producerVersion = stringField(field)
    else if (field.no === 4) model.domain = stringField(field)
    else if (field.no === 5) model.modelVersion = int64Field(field)
    else if (field.no === 6) model.doc = stringField(field)
    else if (field.no === 7) graphs.push(field)
    else if (field.no === 8) opsets.push(opsetOf(messageField(field)))
    else if (field.no === 14) meta.push(pairOf(messageField(field)))
    else if (field.no === 25) functions.push(functionOf(messageField(field)))
    else rest.push(field)
  }
  if (graphs.length > 0) model.graph = graphOf(merged(graphs), 0)
  model.extra = wireOf(rest)
  return model
}

/** Repeated occurrences of a message field merge into one. */
const merged = (fields: readonly Field[]): Message =>
  fields.length === 1 ? messageField(fields[0]) : fields.flatMap(field => [...fieldsOf(messageField(field))])

function opsetOf(message: Message): [string, number] {
  let domain = ''
  let version = 1
  for (const field of fieldsOf(message)) {
    if (field.no === 1) domain = stringField(field)
    else if (field.no === 2) version = intField(field)
  }
  return [domain, version]
}

const deepest = 64

function graphOf(message: Message, depth: number): GraphRecord {
  if (depth > deepest) throw broken(`graphs are nested deeper than ${deepest}`)
  const nodes: NodeRecord[] = []
  const initializers: TensorRecord[] = []
  const sparse: SparseTensorRecord[] = []
  const inputs: ValueInfoRecord[] = []
  const outputs: ValueInfoRecord[] = []
  const valueInfos: ValueInfoRecord[] = []
  const rest: Field[] = []
  const graph: GraphRecord = { name: '', nodes, initializers, sparse, inputs, outputs, valueInfos }
  for (const field of fieldsOf(message)) {
    if (field.no === 1) nodes.push(nodeOf(messageField(field), depth))
    else if (field.no === 2) graph.name = stringField(field)
    else if (field.no === 5) initializers.push(tensorOf(messageField(field)))
    else if (field.no === 10) graph.doc = stringField(field)
    else if (field.no === 11) inputs.push(valueInfoOf(messageField(field)))
    else if (field.no === 12) outputs.push(valueInfoOf(messageField(field)))
    else if (field.no === 13) valueInfos.push(valueInfoOf(messageField(field)))
    else if (field.no === 15) sparse.push(sparseOf(messageField(field)))
    else rest.push(field)
  }
  graph.extra = wireOf(rest)
  return graph
}

function functionOf(message: Message): FunctionRecord {
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes: string[] = []
  const nodes: NodeRecord[] = []
  const valueInfos: ValueInfoRecord[] = []
  const opsets: [string, number][] = []
  const rest: Field[] = []
  const def: FunctionRecord = {
    name: '',
    domain: '',
    overload: '',
    inputs,
    outputs,
    attributes,
    nodes,
    valueInfos,
    opsets,
  }
  for (const field of fieldsOf(message)) {
    if (field.no === 1) def.name = stringField(field)
    else if (field.no === 4) inputs.push(stringField(field))
    else if (field.no === 5) outputs.push(stringField(field))
    else if (field.no === 6) attributes.push(stringField(field))
    else if (field.no === 7) nodes.push(nodeOf(messageField(field), 0))
    else if (field.no === 9) opsets.push(opsetOf(messageField(field)))
    else if (field.no === 10) def.domain = stringField(field)
    else if (field.no === 12) valueInfos.push(valueInfoOf(messageField(field)))
    else if (field.no === 13) def.overload = stringField(field)
    else rest.push(field)
  }
  def.extra = wireOf(rest)
  return def
}

function nodeOf(message: Message, depth: number): NodeRecord {
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes: AttributeRecord[] = []
  const rest: Field[] = []
  const node: NodeRecord = { name: '', op: '', domain: '', overload: '', inputs, outputs, attributes }
  for (const field of fieldsOf(message)) {
    if (field.no === 1) inputs.push(stringField(field))
    else if (field.no === 2) outputs.push(stringField(field))
    else if (field.no === 3) node.name = stringField(field)
    else if (field.no === 4) node.op = stringField(field)
    else if (field.no === 5) attributes.push(attributeOf(messageField(field), depth))
    else if (field.no === 6) node.doc = stringField(field)
    else if (field.no === 7) node.domain = stringField(field)
    else if (field.no === 8) node.overload = stringField(field)
    else rest.push(field)
  }
  node.extra = wireOf(rest)
  return node
}

// The type that a filled field implies, for files from before the discriminator was obligatory.
const typeOfField: Readonly<Record<number, number>> = {
  2: attributeTypes.float,
  3: attributeTypes.int,
  4: attributeTypes.string,
  5: attributeTypes.tensor,
  6: attributeTypes.graph,
  7: attributeTypes.floats,
  8: attributeTypes.ints,
  9: attributeTypes.strings,
  10: attributeTypes.tensors,
  11: attributeTypes.graphs,
  14: attributeTypes.typeProto,
  15: attributeTypes.typeProtos,
  22: attributeTypes.sparseTensor,
  23: attributeTypes.sparseTensors,
}

function attributeOf(message: Message, depth: number): AttributeRecord {
  const fields = [...fieldsOf(message)]
  const all = (no: number): Field[] => fields.filter(field => field.no === no)
  const last = (no: number): Field | undefined => fields.findLast(field => field.no === no)
  const nameField = last(1)
  const typeField = last(20)
  const refField = last(21)
  const filled = fields.find(field => typeOfField[field.no])
  const type = (typeField && intField(typeField)) || (filled ? typeOfField[filled.no] : 0)
  const attribute: AttributeRecord = { name: nameField ? stringField(nameField) : '', type }
  const tensors = all(type === attributeTypes.tensor ? 5 : 10).map(field => tensorOf(messageField(field)))
  const ref = refField ? stringField(refField) : ''
  const modelled = type >= attributeTypes.float && type <= attributeTypes.graphs
  // A tensor of a type that we do not know cannot be decoded, only carried along.
  if (!ref && (!modelled || tensors.some(tensor => dtypeOfOnnx(tensor.dataType) === null)))
    return { ...attribute, wire: wireOf(fields) ?? new Uint8Array() }
  attribute.extra = wireOf(fields.filter(field => ![1, 20, 21].includes(field.no) && !typeOfField[field.no]))
  if (ref) return { ...attribute, ref }
  const one = (no: number): Field | undefined => last(no)
  switch (type) {
    case attributeTypes.float:
      return { ...attribute, f: one(2) ? floatField(one(2)!) : 0 }
    case attributeTypes.int:
      return { ...attribute, i: one(3) ? int64Field(one(3)!) : 0 }
    case attributeTypes.string:
      return { ...attribute, s: one(4) ? new Uint8Array(bytesField(one(4)!)) : new Uint8Array() }
    case attributeTypes.tensor:
      if (tensors.length === 0) throw broken(`the attribute ${attribute.name} has no tensor`)
      return { ...attribute, t: tensors.length === 1 ? tensors[0] : tensorOf(merged(all(5))) }
    case attributeTypes.graph:
      if (!one(6)) throw broken(`the attribute ${attribute.name} has no graph`)
      return { ...attribute, g: graphOf(merged(all(6)), depth + 1) }
    case attributeTypes.floats:
      return { ...attribute, floats: floatsOf(all(7)) }
    case attributeTypes.ints:
      return { ...attribute, ints: all(8).flatMap(field => [...varintsOf(field)].map(int64)) }
    case attributeTypes.strings:
      return { ...attribute, strings: all(9).map(field => new Uint8Array(bytesField(field))) }
    case attributeTypes.tensors:
      return { ...attribute, tensors }
    default:
      return { ...attribute, graphs: all(11).map(field => graphOf(messageField(field), depth + 1)) }
  }
}

function floatsOf(fields: readonly Field[]): number[] {
  const bytes = concat(fields.map(field => fixedOf(field, 4)))
  const view = new DataView(bytes.buffer)
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true))
}

export function valueInfoOf(message: Message): ValueInfoRecord {
  const rest: Field[] = []
  const types: Field[] = []
  const info: ValueInfoRecord = { name: '', tensor: null }
  for (const field of fieldsOf(message)) {
    if (field.no === 1) info.name = stringField(field)
    else if (field.no === 2) types.push(field)
    else if (field.no === 3) info.doc = stringField(field)
    else rest.push(field)
  }
  if (types.length > 0) {
    const type = merged(types)
    const { tensor, more } = typeOf(type)
    info.tensor = tensor
    if (more || !tensor) info.type = wireOf([...fieldsOf(type)]) ?? new Uint8Array()
  }
  info.extra = wireOf(rest)
  return info
}

/** The tensor that a TypeProto describes, and whether it says more than that. */
export function typeOf(message: Message): { tensor: TypeRecord | null; more: boolean } {
  const fields = [...fieldsOf(message)]
  const tensors = fields.filter(field => field.no === 1)
  if (tensors.length === 0) return { tensor: null, more: fields.length > 0 }
  let more = tensors.length !== fields.length
  let elemType = 0
  let shape: (number | string | null)[] | null = null
  for (const field of fieldsOf(merged(tensors))) {
    if (field.no === 1) elemType = intField(field)
    else if (field.no === 2) {
      shape ??= []
      for (const dim of fieldsOf(messageField(field))) {
        if (dim.no !== 1) {
          more = true
          continue
        }
        let size: number | string | null = null
        for (const part of fieldsOf(messageField(dim))) {
          if (part.no === 1) size = intField(part)
          else if (part.no === 2) size = stringField(part) || null
          else more = true
        }
        shape.push(size)
      }
    } else more = true
  }
  return { tensor: { elemType, shape }, more }
}

function sparseOf(message: Message): SparseTensorRecord {
  const dims: number[] = []
  let values: TensorRecord | null = null
  let indices: TensorRecord | null = null
  for (const field of fieldsOf(message)) {
    if (field.no === 1) values = tensorOf(messageField(field))
    else if (field.no === 2) indices = tensorOf(messageField(field))
    else if (field.no === 3) for (const dim of varintsOf(field)) dims.push(Number(int64(dim)))
  }
  if (!values || !indices) throw broken('a sparse tensor lacks its values or indices')
  return { values, indices, dims }
}

/** One TensorProto, as in the `.pb` files of ONNX test data. */
export const readTensorProto = (bytes: Uint8Array): TensorRecord => tensorOf(bytes)
