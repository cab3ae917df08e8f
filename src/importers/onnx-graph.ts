// ONNX records to the graph: names become values, nodes get unique ids, tensors are checked against their shape.
import { byteLength, dtypeOfOnnx, elementCount, viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import type {
  AttributeRecord,
  FunctionRecord,
  GraphRecord,
  NodeRecord,
  SparseTensorRecord,
  TensorRecord,
  ValueInfoRecord,
} from '../formats/onnx.ts'
import { attributeTypes } from '../formats/onnx.ts'
import { typeBytes } from '../formats/onnx-write.ts'
import { fieldsOf } from '../formats/protobuf.ts'
import { inlineLimit } from '../formats/protobuf-walk.ts'
import type { Attr, Dim, FunctionDef, Graph, Node, Value, ValueName } from '../ir/model.ts'
import type { Slice, Tensor } from '../ir/tensor.ts'
import { sortNodes } from '../ir/verify.ts'

/** What the graph's tensors need of the files around them. */
export interface Files {
  locate(tensor: TensorRecord, length: number): Slice
  read(slice: Slice): Promise<Uint8Array>
  note(text: string): void
}

/** The standard domain has two spellings. */
export const domainOf = (domain: string): string => (domain === 'ai.onnx' ? '' : domain)

export const opsetsOf = (opsets: readonly (readonly [string, number])[]): Record<string, number> =>
  Object.fromEntries(opsets.map(([domain, version]) => [domainOf(domain), version]))

export async function graphFrom(record: GraphRecord, files: Files): Promise<Graph> {
  const nodes = await nodesFrom(record.nodes, files)
  const made = new Set<ValueName | null>(nodes.flatMap(node => node.outputs))
  const values = new Map<ValueName, Value>()
  for (const info of [...record.inputs, ...record.outputs]) declare(values, info)
  for (const info of record.valueInfos) if (made.has(info.name)) declare(values, info)

  const listed = new Set(record.inputs.map(info => info.name))
  const infos = new Map(record.valueInfos.map(info => [info.name, info]))
  const seen = new Set<ValueName>()
  const initialize = (name: ValueName, tensor: Tensor): void => {
    if (name === '') throw malformed('An initializer has no name', {})
    if (seen.has(name))
      throw new StudioError('invalid-graph', `The initializer ${name} is there twice`, {
        where: { value: name },
        hint: 'Check the model with the tool that exported it and export it again.',
      })
    seen.add(name)
    const { dtype, shape } = tensor
    const declared = values.get(name) ?? { name, shape, ...words(infos.get(name)) }
    // In the order of the file, so that it is written as it was.
    values.delete(name)
    values.set(name, { ...declared, dtype, shape: listed.has(name) ? declared.shape : shape, data: tensor })
  }
  for (const tensor of record.initializers) initialize(tensor.name, await tensorFrom(tensor, files))
  for (const sparse of record.sparse) initialize(sparse.values.name, await denseFrom(sparse, files))

  return {
    name: record.name,
    inputs: record.inputs.map(info => info.name),
    outputs: record.outputs.map(info => info.name),
    nodes: sortNodes(nodes),
    values,
    doc: record.doc,
    extra: record.extra,
  }
}

export async function functionFrom(record: FunctionRecord, files: Files): Promise<FunctionDef> {
  const values = new Map<ValueName, Value>()
  for (const info of record.valueInfos) declare(values, info)
  const nodes = sortNodes(await nodesFrom(record.nodes, files))
  return {
    name: record.name,
    domain: domainOf(record.domain),
    overload: record.overload || undefined,
    graph: { name: record.name, inputs: record.inputs, outputs: record.outputs, nodes, values },
    attributes: record.attributes,
    opsets: opsetsOf(record.opsets),
    extra: record.extra,
  }
}

/** The first declaration of a name counts; a later one adds what that left open. */
function declare(values: Map<ValueName, Value>, info: ValueInfoRecord): void {
  const { name, tensor, type } = info
  const old = values.get(name)
  const dtype = tensor ? dtypeOfOnnx(tensor.elemType) : null
  if (old && (old.dtype !== null || old.type)) return
  const shape: readonly Dim[] | null = tensor?.shape ?? null
  // An element type that we do not know is carried along whole.
  const kept = type ?? (tensor && dtype === null ? typeBytes(tensor) : undefined)
  values.set(name, { name, dtype, shape, data: null, ...(kept ? { type: kept } : {}), ...words(info) })
}

const words = (info: ValueInfoRecord | undefined): Pick<Value, 'doc' | 'extra'> => ({
  ...(info?.doc !== undefined ? { doc: info.doc } : {}),
  ...(info?.extra ? { extra: info.extra } : {}),
})

async function nodesFrom(records: readonly NodeRecord[], files: Files): Promise<Node[]> {
  const ids = new Set<string>()
  const nodes: Node[] = []
  for (const [index, record] of records.entries()) {
    const base = record.name || record.outputs.find(name => name !== '') || `${record.op}_${index}`
    let id = base
    for (let i = 1; ids.has(id); i++) id = `${base}_${i}`
    ids.add(id)
    if (record.op === '') throw malformed(`The node ${id} has no operator`, { node: id })
    const attrs = new Map<string, Attr>()
    for (const attribute of record.attributes) attrs.set(attribute.name, await attrFrom(attribute, files))
    nodes.push({
      id,
      op: record.op,
      domain: domainOf(record.domain),
      name: record.name,
      ...(record.overload ? { overload: record.overload } : {}),
      inputs: record.inputs.map(name => name || null),
      outputs: record.outputs.map(name => name || null),
      attrs,
      origin: [id],
      ...(record.doc !== undefined ? { doc: record.doc } : {}),
      ...(record.extra ? { extra: record.extra } : {}),
    })
  }
  return nodes
}

async function attrFrom(record: AttributeRecord, files: Files): Promise<Attr> {
  const attr = await kindFrom(record, files)
  return record.extra ? { ...attr, extra: record.extra } : attr
}

async function kindFrom(record: AttributeRecord, files: Files): Promise<Attr> {
  const { type, wire, ref, t } = record
  if (wire) return { kind: 'raw', wire }
  if (ref) return { kind: 'ref', name: ref, type }
  switch (type) {
    case attributeTypes.float:
      return { kind: 'float', value: record.f ?? 0 }
    case attributeTypes.int:
      return { kind: 'int', value: record.i ?? 0 }
    case attributeTypes.string:
      return { kind: 'string', value: record.s ?? new Uint8Array() }
    case attributeTypes.floats:
      return { kind: 'floats', value: record.floats ?? [] }
    case attributeTypes.ints:
      return { kind: 'ints', value: record.ints ?? [] }
    case attributeTypes.strings:
      return { kind: 'strings', value: record.strings ?? [] }
    case attributeTypes.graphs: {
      const graphs: Graph[] = []
      for (const graph of record.graphs ?? []) graphs.push(await graphFrom(graph, files))
      return { kind: 'graphs', value: graphs }
    }
    case attributeTypes.tensors: {
      const tensors: Tensor[] = []
      for (const tensor of record.tensors ?? []) tensors.push(await tensorFrom(tensor, files))
      return { kind: 'tensors', value: tensors }
    }
  }
  if (t) return { kind: 'tensor', value: await tensorFrom(t, files), ...(t.name ? { name: t.name } : {}) }
  if (record.g) return { kind: 'graph', value: await graphFrom(record.g, files) }
  throw malformed(`The attribute ${record.name} has no value`, {})
}

const malformed = (message: string, where: { node?: string; value?: string }): StudioError =>
  new StudioError('malformed', message, { where, hint: 'Export the model again, or copy the file again.' })

export async function tensorFrom(record: TensorRecord, files: Files): Promise<Tensor> {
  const { name, dims, extra } = record
  const where = { value: name }
  const label = name || 'of an attribute'
  const dtype = dtypeOfOnnx(record.dataType)
  if (!dtype)
    throw new StudioError(
      'unsupported',
      `The tensor ${label} has the element type ${record.dataType}, which is not known here`,
      {
        where,
        hint: 'Export the model with a known element type.',
      },
    )
  if (dims.some(dim => dim < 0)) throw malformed(`The tensor ${label} has the shape [${dims}]`, where)
  const count = elementCount(dims)
  const tensor = (data: Uint8Array | Slice): Tensor => ({ dtype, shape: dims, data, ...(extra ? { extra } : {}) })
  if (record.external) {
    const slice = files.locate(record, byteLength(dtype, count))
    return tensor(slice.length > inlineLimit ? slice : new Uint8Array(await files.read(slice)))
  }
  const data = record.data ?? new Uint8Array()
  if (dtype === 'string') {
    const strings = data instanceof Uint8Array ? [...fieldsOf(data)].length : -1
    if (strings !== count) throw malformed(`The tensor ${label} has ${strings} strings for ${count} elements`, where)
    return tensor(data)
  }
  const wanted = byteLength(dtype, count)
  if (data.length !== wanted)
    throw malformed(
      `The tensor ${label} has ${data.length} bytes of data where [${dims}] of ${dtype} take ${wanted}`,
      where,
    )
  return tensor(data)
}

const largestDense = 2147483647

/** A sparse initializer as a dense one: so does every runtime when it loads the model. */
async function denseFrom({ values, indices, dims }: SparseTensorRecord, files: Files): Promise<Tensor> {
  const { name } = values
  const given = await tensorFrom(values, files)
  const at = await tensorFrom(indices, files)
  const bytes = async ({ data }: Tensor): Promise<Uint8Array> => (data instanceof Uint8Array ? data : files.read(data))
  const width = byteLength(given.dtype, 1)
  const count = dims.some(dim => dim < 0) ? Number.POSITIVE_INFINITY : elementCount(dims)
  if (count * width > largestDense || given.dtype === 'string' || byteLength(given.dtype, 2) !== 2 * width)
    throw new StudioError('unsupported', `The sparse initializer ${name} of shape [${dims}] cannot be made dense`, {
      where: { value: name },
      hint: 'Export the model with dense weights.',
    })
  const source = await bytes(given)
  const positions = viewAs('int64', await bytes(at))
  const entries = elementCount(given.shape)
  const rank = at.shape.length === 2 ? at.shape[1] : 0
  const dense = new Uint8Array(count * width)
  if (at.dtype !== 'int64' || positions.length !== entries * Math.max(1, rank) || (rank > 0 && rank !== dims.length))
    throw malformed(`The indices of the sparse initializer ${name} do not fit its values`, { value: name })
  for (let i = 0; i < entries; i++) {
    let position = rank === 0 ? Number(positions[i]) : 0
    for (let d = 0; d < rank; d++) position = position * dims[d] + Number(positions[i * rank + d])
    if (position < 0 || position >= count)
      throw malformed(`An index of the sparse initializer ${name} lies outside [${dims}]`, { value: name })
    dense.set(source.subarray(i * width, (i + 1) * width), position * width)
  }
  files.note(`The sparse initializer ${name} was made dense.`)
  return { dtype: given.dtype, shape: dims, data: dense }
}
