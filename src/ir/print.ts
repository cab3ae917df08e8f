// The text form of a graph, as src/ir/parse.ts reads it. A weight stands where it is first used; values are shown up to a few
// elements, and a graph printed with more reads back with seeded random weights.
import { elementCount } from '../base/dtype.ts'
import type { Attr, Dim, Graph, Model, Node, Value, ValueName } from './model.ts'
import { isSlice, type Tensor } from './tensor.ts'
import { bareWord, dtypeOfShortName, elementsText, floatText, shortName } from './text-form.ts'

/** Tensors up to this many elements are printed with their values. */
const fewElements = 16

const quote = (text: string): string => JSON.stringify(text)
// A word that would be read as something else is quoted too.
const nameText = (name: string): string =>
  bareWord.test(name) &&
  !['_', 'as', 'graph', 'function', 'opset'].includes(name) &&
  dtypeOfShortName(name) === null &&
  !name.includes('->')
    ? name
    : quote(name)

const dimText = (dim: Dim): string =>
  dim === null ? '?' : typeof dim === 'number' ? String(dim) : /^[A-Za-z_][\w./-]*$/.test(dim) ? dim : quote(dim)

const typeText = (value: Pick<Value, 'dtype' | 'shape'>): string =>
  value.dtype === null ? '' : `${shortName(value.dtype)}${value.shape ? `[${value.shape.map(dimText).join(',')}]` : ''}`

const declaredText = (value: Pick<Value, 'name' | 'dtype' | 'shape'>): string =>
  value.dtype === null ? nameText(value.name) : `${nameText(value.name)}: ${typeText(value)}`

function valuesText({ dtype, shape, data }: Tensor): string {
  const count = elementCount(shape)
  if (isSlice(data) || count > fewElements) return ''
  if (dtype === 'string') return `{${stringsOf(data).map(quote).join(', ')}}`
  if (dtype.startsWith('complex')) return ''
  return `{${elementsText(dtype, data, count).join(', ')}}`
}

const tensorText = (tensor: Tensor): string => `${typeText(tensor)}${valuesText(tensor)}`

/** TensorProto.string_data as the strings that it holds. */
function stringsOf(data: Uint8Array): string[] {
  const strings: string[] = []
  const decoder = new TextDecoder()
  let at = 0
  while (at < data.length) {
    at++
    let length = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = data[at++]
      length += (byte & 127) * scale
      if (byte < 128) break
    }
    strings.push(decoder.decode(data.subarray(at, at + length)))
    at += length
  }
  return strings
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('')

function bytesText(bytes: Uint8Array): string {
  try {
    return quote(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    if (error instanceof TypeError) return `hex "${hex(bytes)}"`
    throw error
  }
}

const attrFloatText = (value: number): string => {
  const text = floatText(value, true)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

function attrText(attr: Attr, indent: string): string {
  const list = <T>(items: readonly T[], text: (item: T) => string): string => `[${items.map(text).join(', ')}]`
  switch (attr.kind) {
    case 'int':
      return String(attr.value)
    case 'float':
      return attrFloatText(attr.value)
    case 'string':
      return bytesText(attr.value)
    case 'ints':
      return `[${attr.value.join(',')}]`
    case 'floats':
      return list(attr.value, attrFloatText)
    case 'strings':
      return list(attr.value, bytesText)
    case 'tensor':
      return tensorText(attr.value)
    case 'tensors':
      return list(attr.value, tensorText)
    case 'graph':
      return graphText(attr.value, 'graph', indent)
    case 'graphs':
      return list(attr.value, g => graphText(g, 'graph', indent))
    case 'ref':
      return `@${nameText(attr.name)}:${attr.type}`
    case 'raw':
      return `raw "${hex(attr.wire)}"`
  }
}

function graphText(graph: Graph, kind: string, indent: string): string {
  const inner = `${indent}  `
  const told = new Set<ValueName>()
  const value = (name: ValueName): Value => graph.values.get(name) ?? { name, dtype: null, shape: null, data: null }
  const edge = (name: ValueName): string => {
    told.add(name)
    const { data } = value(name)
    return `${declaredText(value(name))}${data ? valuesText(data) || '{..}' : ''}`
  }
  const head = `(${graph.inputs.map(edge).join(', ')}) -> (${graph.outputs.map(edge).join(', ')})`
  const operand = (name: ValueName | null): string => {
    if (name === null) return '_'
    const { data } = value(name)
    if (!data || told.has(name)) return nameText(name)
    told.add(name)
    return `${nameText(name)}: ${tensorText(data)}`
  }
  const result = (name: ValueName | null): string =>
    name === null ? '_' : told.has(name) ? nameText(name) : declaredText(value(name))
  const nodeText = (node: Node): string => {
    const results = node.outputs.map(result).join(', ')
    const op = node.domain === '' ? opText(node.op) : `${node.domain}.${node.op}`
    const attrs = [...node.attrs].map(([key, attr]) => `${nameText(key)}=${attrText(attr, inner)}`)
    const first = node.outputs.find(name => name !== null)
    return [
      `${results || '_'} = ${op}(${node.inputs.map(operand).join(', ')})`,
      attrs.length > 0 ? ` {${attrs.join(', ')}}` : '',
      node.id === first ? '' : ` as ${nameText(node.id)}`,
    ].join('')
  }
  const lines = graph.nodes.map(nodeText)
  // Initializers that only subgraphs read.
  const rest = [...graph.values.values()].filter(v => v.data && !told.has(v.name))
  const declared = rest.map(v => `${nameText(v.name)}: ${tensorText(v.data!)}`)
  const body = [...declared, ...lines].map(line => `${inner}${line}\n`).join('')
  const name = graph.name === '' || graph.name === kind ? '' : `${nameText(graph.name)} `
  return `${kind} ${name}${head} {\n${body}${indent}}`
}

// A dot in an operator's own name would read as a domain.
const opText = (op: string): string => (op.includes('.') || !bareWord.test(op) ? quote(op) : op)

/** The graph as text. */
export const printGraph = (graph: Graph): string => `${graphText(graph, 'graph', '')}\n`

/** The model as text: operator sets, local functions, graph. */
export function printModel(model: Model): string {
  const opsets = Object.entries(model.opsets).map(
    ([domain, version]) => `opset ${domain ? `${domain} ` : ''}${version}\n`,
  )
  const functions = model.functions.map(def => {
    const name = def.domain === '' ? def.name : `${def.domain}.${def.name}`
    return `${graphText({ ...def.graph, name }, 'function', '')}\n`
  })
  return [...opsets, ...functions, printGraph(model.graph)].join('')
}
