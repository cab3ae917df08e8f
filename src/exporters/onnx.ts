// ONNX, the model as it is. Large tensors are copied from where they lie while the file is written; a model that is too large
// for one protobuf message (2 GiB) gets its weights in a file beside it.
import { collect, type OutFile } from '../base/bytes.ts'
import { byteLength, elementCount, onnxCode } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { baseName } from '../base/paths.ts'
import {
  type AttributeRecord,
  attributeTypes,
  type FunctionRecord,
  type GraphRecord,
  type ModelRecord,
  type NodeRecord,
  type TensorRecord,
  type TypeRecord,
  type ValueInfoRecord,
} from '../formats/onnx.ts'
import { typeOf } from '../formats/onnx-read.ts'
import { writeOnnx } from '../formats/onnx-write.ts'
import type { Bytes } from '../ir/context.ts'
import type { Attr, FunctionDef, Graph, Model, Node, Value, ValueName } from '../ir/model.ts'
import type { Slice, Tensor } from '../ir/tensor.ts'
import { withQOperators } from './onnx-qoperator.ts'
import type { Exporter } from './types.ts'

export interface OnnxOptions {
  /** Weights beside the model: 'auto' where they do not fit into one file. Default 'auto'. */
  externalData?: 'auto' | 'always' | 'never'
  /** Path of the model; its weights go to the same path with `.data` appended. Default `model.onnx`. */
  path?: string
}

const largestMessage = 2147483647 // protobuf's own limit
const smallestExternal = 1024
const alignment = 4096 // so that a runtime may map the file
const chunkSize = 4194304

/** The files of a model: one, or two where the weights are external. Equal models give equal bytes. */
export function encodeOnnx(model: Model, bytes: Bytes, options: OnnxOptions = {}): OutFile[] {
  const { externalData = 'auto', path = 'model.onnx' } = options
  const stream = (path: string, parts: readonly (Uint8Array | Slice)[]): OutFile => ({
    path,
    chunks: () => chunksOf(parts, bytes),
  })
  if (externalData !== 'always') {
    const { parts, size } = writeOnnx(modelRecord(model, keepInside))
    if (size <= largestMessage) return [stream(path, parts)]
    if (externalData === 'never') throw tooLarge(size)
  }
  const outside = createOutside(`${path}.data`)
  const { parts, size } = writeOnnx(modelRecord(model, outside.place))
  if (size > largestMessage) throw tooLarge(size)
  const files = [stream(path, parts)]
  return outside.parts.length > 0 ? [...files, stream(`${path}.data`, outside.parts)] : files
}

/** The whole model as one piece in memory, for a session. */
export async function encodeModel(model: Model, bytes: Bytes): Promise<Uint8Array> {
  const [file] = encodeOnnx(model, bytes, { externalData: 'never' })
  return collect(file.chunks())
}

export const onnx: Exporter = {
  id: 'onnx',
  label: 'ONNX',
  write: async (model, _target, { bytes, form }) => {
    const files = encodeOnnx(form === 'qoperator' ? await withQOperators(model, bytes) : model, bytes)
    const [main, data] = files
    return { files, roles: { model: main.path, ...(data ? { data: data.path } : {}) }, notes: [] }
  },
}

const tooLarge = (size: number): StudioError =>
  new StudioError('unsupported', `The model takes ${size} bytes, more than the 2 GiB that one ONNX file may have`, {
    hint: 'Write it with external data, or compress it further.',
  })

async function* chunksOf(parts: readonly (Uint8Array | Slice)[], bytes: Bytes): AsyncIterable<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Uint8Array) {
      yield part
      continue
    }
    for (let at = 0; at < part.length; at += chunkSize)
      yield await bytes.slice({
        source: part.source,
        offset: part.offset + at,
        length: Math.min(chunkSize, part.length - at),
      })
  }
}

/** Decides where the data of an initializer go. */
type Place = (record: TensorRecord) => TensorRecord
const keepInside: Place = record => record

function createOutside(location: string): { place: Place; parts: (Uint8Array | Slice)[] } {
  const parts: (Uint8Array | Slice)[] = []
  let end = 0
  const place: Place = record => {
    const { data } = record
    if (!data || data.length < smallestExternal || record.dataType === onnxCode('string')) return record
    const padding = (alignment - (end % alignment)) % alignment
    if (padding > 0) parts.push(new Uint8Array(padding))
    const offset = end + padding
    parts.push(data)
    end = offset + data.length
    const external = new Map([
      ['location', baseName(location)],
      ['offset', String(offset)],
      ['length', String(data.length)],
    ])
    return { ...record, data: null, external }
  }
  return { place, parts }
}

function modelRecord(model: Model, place: Place): ModelRecord {
  const { producer } = model
  return {
    irVersion: irVersionOf(model),
    producerName: producer.name,
    producerVersion: producer.version,
    domain: producer.domain,
    modelVersion: producer.modelVersion,
    doc: model.doc,
    graph: graphRecord(model.graph, place),
    opsets: Object.entries(model.opsets),
    meta: Object.entries(model.meta),
    functions: model.functions.map(functionRecord),
    extra: model.extra,
  }
}

/** Initializers that are no inputs came with IR version 4, local functions with 8. */
function irVersionOf({ graph, functions, irVersion }: Model): number {
  const listed = new Set(graph.inputs)
  const unlisted = irVersion < 4 && [...graph.values.values()].some(v => v.data && !listed.has(v.name))
  return Math.max(irVersion, functions.length > 0 ? 8 : 0, unlisted ? 4 : 0)
}

function graphRecord(graph: Graph, place: Place): GraphRecord {
  const edge = new Set([...graph.inputs, ...graph.outputs])
  const made = new Set(graph.nodes.flatMap(node => node.outputs))
  const values = [...graph.values.values()]
  const declared = (name: ValueName): ValueInfoRecord => valueInfoRecord(graph.values.get(name) ?? unknown(name))
  return {
    name: graph.name,
    nodes: graph.nodes.map(nodeRecord),
    initializers: values.flatMap(v => (v.data ? [place(tensorRecord(v.data, v.name))] : [])),
    sparse: [],
    inputs: graph.inputs.map(declared),
    outputs: graph.outputs.map(declared),
    valueInfos: values.filter(v => !edge.has(v.name) && isWorthSaying(v, made)).map(valueInfoRecord),
    doc: graph.doc,
    extra: graph.extra,
  }
}

/** What is known of an initializer its tensor says, save a doc string and metadata of the declaration. */
const isWorthSaying = (v: Value, made: ReadonlySet<ValueName | null>): boolean =>
  v.data ? v.doc !== undefined || v.extra !== undefined : made.has(v.name) && (v.dtype !== null || v.type !== undefined)

const unknown = (name: ValueName): Value => ({ name, dtype: null, shape: null, data: null })

function functionRecord({ graph, opsets, ...def }: FunctionDef): FunctionRecord {
  return {
    name: def.name,
    domain: def.domain,
    overload: def.overload ?? '',
    inputs: graph.inputs,
    outputs: graph.outputs,
    attributes: def.attributes,
    nodes: graph.nodes.map(nodeRecord),
    valueInfos: [...graph.values.values()].filter(v => v.dtype !== null || v.type !== undefined).map(valueInfoRecord),
    opsets: Object.entries(opsets),
    extra: def.extra,
  }
}

function nodeRecord(node: Node): NodeRecord {
  return {
    name: node.name,
    op: node.op,
    domain: node.domain,
    overload: node.overload ?? '',
    inputs: node.inputs.map(name => name ?? ''),
    outputs: node.outputs.map(name => name ?? ''),
    attributes: [...node.attrs].map(([name, attr]) => attributeRecord(name, attr)),
    doc: node.doc,
    extra: node.extra,
  }
}

function attributeRecord(name: string, attr: Attr): AttributeRecord {
  const { extra } = attr
  switch (attr.kind) {
    case 'int':
      return { name, type: attributeTypes.int, i: attr.value, extra }
    case 'float':
      return { name, type: attributeTypes.float, f: attr.value, extra }
    case 'string':
      return { name, type: attributeTypes.string, s: attr.value, extra }
    case 'ints':
      return { name, type: attributeTypes.ints, ints: attr.value, extra }
    case 'floats':
      return { name, type: attributeTypes.floats, floats: attr.value, extra }
    case 'strings':
      return { name, type: attributeTypes.strings, strings: attr.value, extra }
    case 'tensor':
      return { name, type: attributeTypes.tensor, t: tensorRecord(attr.value, attr.name ?? ''), extra }
    case 'tensors':
      return { name, type: attributeTypes.tensors, tensors: attr.value.map(t => tensorRecord(t, '')), extra }
    case 'graph':
      return { name, type: attributeTypes.graph, g: graphRecord(attr.value, keepInside), extra }
    case 'graphs':
      return { name, type: attributeTypes.graphs, graphs: attr.value.map(g => graphRecord(g, keepInside)), extra }
    case 'ref':
      return { name, type: attr.type, ref: attr.name, extra }
    case 'raw':
      return { name, type: attributeTypes.sparseTensor, wire: attr.wire }
  }
}

function tensorRecord(tensor: Tensor, name: string): TensorRecord {
  const { dtype, shape, data, extra } = tensor
  const wanted = byteLength(dtype, elementCount(shape))
  if (dtype !== 'string' && data.length !== wanted)
    throw new StudioError('internal', `The tensor ${name} has ${data.length} bytes instead of ${wanted}`, {
      where: { value: name },
      hint: 'Report this.',
    })
  return { name, dims: shape, dataType: onnxCode(dtype), data, external: null, extra }
}

function valueInfoRecord(value: Value): ValueInfoRecord {
  const { name, dtype, shape, doc, extra } = value
  const tensor: TypeRecord | null = dtype === null ? null : { elemType: onnxCode(dtype), shape }
  return { name, tensor, type: keptType(value, tensor), doc, extra }
}

/** The type as imported, unless the value has been given another since. */
function keptType({ type }: Value, now: TypeRecord | null): Uint8Array | undefined {
  if (!type || !now) return type
  const { tensor } = typeOf(type)
  const same = tensor?.elemType === now.elemType && JSON.stringify(tensor.shape) === JSON.stringify(now.shape)
  return same ? type : undefined
}
