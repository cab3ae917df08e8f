// ONNX records to the parts of a file: bytes, and regions of other files that are copied when the file is written.
// Fields are written in ascending order, as the reference serialiser does, so that equal records give equal bytes.
import { concat } from '../base/bytes.ts'
import type {
  AttributeRecord,
  FunctionRecord,
  GraphRecord,
  ModelRecord,
  NodeRecord,
  TensorRecord,
  TypeRecord,
  ValueInfoRecord,
} from './onnx.ts'
import { type Region, Writer } from './protobuf.ts'

/** The file as parts in their order, and its length. */
export function writeOnnx(model: ModelRecord): { parts: (Uint8Array | Region)[]; size: number } {
  const w = new Writer()
  w.varint(1, model.irVersion)
  if (model.producerName) w.string(2, model.producerName)
  if (model.producerVersion) w.string(3, model.producerVersion)
  if (model.domain) w.string(4, model.domain)
  if (model.modelVersion) w.varint(5, model.modelVersion)
  if (model.doc !== undefined) w.string(6, model.doc)
  const { graph } = model
  if (graph) w.message(7, inner => writeGraph(inner, graph))
  for (const opset of model.opsets) w.message(8, inner => writeOpset(inner, opset))
  for (const [key, value] of model.meta)
    w.message(14, inner => {
      inner.string(1, key)
      inner.string(2, value)
    })
  for (const def of model.functions) w.message(25, inner => writeFunction(inner, def))
  w.wire(model.extra)
  const parts = w.parts()
  return { parts, size: w.size }
}

function writeOpset(w: Writer, [domain, version]: readonly [string, number]): void {
  w.string(1, domain)
  w.varint(2, version)
}

function writeGraph(w: Writer, graph: GraphRecord): void {
  for (const node of graph.nodes) w.message(1, inner => writeNode(inner, node))
  w.string(2, graph.name)
  for (const tensor of graph.initializers) w.message(5, inner => writeTensor(inner, tensor))
  if (graph.doc !== undefined) w.string(10, graph.doc)
  for (const info of graph.inputs) w.message(11, inner => writeValueInfo(inner, info))
  for (const info of graph.outputs) w.message(12, inner => writeValueInfo(inner, info))
  for (const info of graph.valueInfos) w.message(13, inner => writeValueInfo(inner, info))
  for (const { values, indices, dims } of graph.sparse)
    w.message(15, inner => {
      inner.message(1, m => writeTensor(m, values))
      inner.message(2, m => writeTensor(m, indices))
      for (const dim of dims) inner.varint(3, dim)
    })
  w.wire(graph.extra)
}

function writeFunction(w: Writer, def: FunctionRecord): void {
  w.string(1, def.name)
  for (const name of def.inputs) w.string(4, name)
  for (const name of def.outputs) w.string(5, name)
  for (const name of def.attributes) w.string(6, name)
  for (const node of def.nodes) w.message(7, inner => writeNode(inner, node))
  for (const opset of def.opsets) w.message(9, inner => writeOpset(inner, opset))
  w.string(10, def.domain)
  for (const info of def.valueInfos) w.message(12, inner => writeValueInfo(inner, info))
  if (def.overload) w.string(13, def.overload)
  w.wire(def.extra)
}

function writeNode(w: Writer, node: NodeRecord): void {
  for (const name of node.inputs) w.string(1, name)
  for (const name of node.outputs) w.string(2, name)
  if (node.name) w.string(3, node.name)
  w.string(4, node.op)
  for (const attribute of node.attributes) {
    if (attribute.wire) w.bytes(5, attribute.wire)
    else w.message(5, inner => writeAttribute(inner, attribute))
  }
  if (node.doc !== undefined) w.string(6, node.doc)
  if (node.domain) w.string(7, node.domain)
  if (node.overload) w.string(8, node.overload)
  w.wire(node.extra)
}

function writeAttribute(w: Writer, a: AttributeRecord): void {
  const { t, g } = a
  w.string(1, a.name)
  if (a.f !== undefined) w.float(2, a.f)
  if (a.i !== undefined) w.varint(3, a.i)
  if (a.s !== undefined) w.bytes(4, a.s)
  if (t) w.message(5, inner => writeTensor(inner, t))
  if (g) w.message(6, inner => writeGraph(inner, g))
  for (const value of a.floats ?? []) w.float(7, value)
  for (const value of a.ints ?? []) w.varint(8, value)
  for (const value of a.strings ?? []) w.bytes(9, value)
  for (const value of a.tensors ?? []) w.message(10, inner => writeTensor(inner, value))
  for (const value of a.graphs ?? []) w.message(11, inner => writeGraph(inner, value))
  w.varint(20, a.type)
  if (a.ref) w.string(21, a.ref)
  w.wire(a.extra)
}

const stringType = 8

function writeTensor(w: Writer, tensor: TensorRecord): void {
  for (const dim of tensor.dims) w.varint(1, dim)
  w.varint(2, tensor.dataType)
  const { data, external } = tensor
  if (tensor.dataType === stringType && data instanceof Uint8Array) w.wire(data)
  if (tensor.name) w.string(8, tensor.name)
  if (tensor.dataType !== stringType && data) {
    if (data instanceof Uint8Array) w.bytes(9, data)
    else w.region(9, data)
  }
  if (external) {
    for (const [key, value] of external)
      w.message(13, inner => {
        inner.string(1, key)
        inner.string(2, value)
      })
    w.varint(14, 1)
  }
  w.wire(tensor.extra)
}

function writeValueInfo(w: Writer, info: ValueInfoRecord): void {
  w.string(1, info.name)
  const { tensor, type } = info
  if (type) w.bytes(2, type)
  else if (tensor) w.message(2, inner => writeType(inner, tensor))
  if (info.doc !== undefined) w.string(3, info.doc)
  w.wire(info.extra)
}

function writeType(w: Writer, { elemType, shape }: TypeRecord): void {
  w.message(1, inner => {
    inner.varint(1, elemType)
    if (shape)
      inner.message(2, dims => {
        for (const dim of shape)
          dims.message(1, d => {
            if (typeof dim === 'number') d.varint(1, dim)
            else if (dim !== null) d.string(2, dim)
          })
      })
  })
}

/** TypeProto of a dense tensor as bytes, for comparing with one that was kept. */
export function typeBytes(type: TypeRecord): Uint8Array {
  const w = new Writer()
  writeType(w, type)
  return concat(w.parts().filter(part => part instanceof Uint8Array))
}
