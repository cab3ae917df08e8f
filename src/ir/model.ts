// The one graph that importers make, passes change and exporters read. Plain, readonly, structured-cloneable data.
//
// A value is known by its name, as in ONNX: unique within its graph and the graphs around it. A subgraph (the body of If,
// Loop, Scan) refers to values of the graphs around it by the same names. A node is known by `id`, unique in its graph.
import type { DType } from '../base/dtype.ts'
import type { Tensor } from './tensor.ts'

export type ValueName = string
export type NodeId = string

/** A dimension: a number; a symbol as in 'N'; null where nothing is said. */
export type Dim = number | string | null

export type Attr = (
  | { kind: 'int'; value: number | bigint } // bigint only where a number would lose digits
  | { kind: 'float'; value: number }
  | { kind: 'string'; value: Uint8Array }
  | { kind: 'ints'; value: readonly (number | bigint)[] }
  | { kind: 'floats'; value: readonly number[] }
  | { kind: 'strings'; value: readonly Uint8Array[] }
  | { kind: 'tensor'; value: Tensor; name?: string }
  | { kind: 'tensors'; value: readonly Tensor[] }
  | { kind: 'graph'; value: Graph }
  | { kind: 'graphs'; value: readonly Graph[] }
  | { kind: 'ref'; name: string; type: number } // in a function body: an attribute of the call
  | { kind: 'raw'; wire: Uint8Array } // sparse tensors and types: the whole AttributeProto, untouched
) & { readonly extra?: Uint8Array } // wire bytes of AttributeProto fields that we do not model: doc string

export type Attrs = ReadonlyMap<string, Attr>

export interface Node {
  readonly id: NodeId
  readonly op: string
  readonly domain: string // '' is the standard operator set
  readonly name: string // as imported; may be empty or repeated
  readonly overload?: string // of a model-local function
  readonly inputs: readonly (ValueName | null)[]
  readonly outputs: readonly (ValueName | null)[]
  readonly attrs: Attrs
  readonly origin: readonly string[] // ids of the nodes of the imported model that this one stands for
  readonly doc?: string
  readonly extra?: Uint8Array // wire bytes of NodeProto fields that we do not model
}

export interface Value {
  readonly name: ValueName
  readonly dtype: DType | null
  readonly shape: readonly Dim[] | null // null: rank unknown
  readonly data: Tensor | null // initializer
  readonly type?: Uint8Array // wire bytes of a TypeProto that is no dense tensor (sequence, optional, map, sparse) or has denotations
  readonly doc?: string
  readonly extra?: Uint8Array
}

export interface Graph {
  readonly name: string
  readonly inputs: readonly ValueName[] // initializers may be listed too, as in IR version 3
  readonly outputs: readonly ValueName[]
  readonly nodes: readonly Node[] // topological order
  readonly values: ReadonlyMap<ValueName, Value> // inputs, initializers, declared and inferred values
  readonly doc?: string
  readonly extra?: Uint8Array
}

export interface FunctionDef {
  readonly name: string
  readonly domain: string
  readonly overload?: string
  readonly graph: Graph // inputs and outputs are the formal parameters
  readonly attributes: readonly string[] // parameters without default
  readonly opsets: Readonly<Record<string, number>>
  readonly extra?: Uint8Array // defaults of attributes and all else, as wire bytes
}

export interface Model {
  readonly graph: Graph
  readonly functions: readonly FunctionDef[]
  readonly opsets: Readonly<Record<string, number>> // by domain; '' is the standard one
  readonly irVersion: number
  readonly meta: Readonly<Record<string, string>> // metadata_props
  readonly producer: { name: string; version: string; domain: string; modelVersion: number | bigint }
  readonly doc?: string
  readonly extra?: Uint8Array
}

// Reading attributes, with the operator's default.

export function attrInt(node: Node, name: string, fallback: number): number {
  const attr = node.attrs.get(name)
  return attr?.kind === 'int' ? Number(attr.value) : fallback
}
export function attrFloat(node: Node, name: string, fallback: number): number {
  const attr = node.attrs.get(name)
  return attr?.kind === 'float' ? attr.value : fallback
}
export function attrInts(node: Node, name: string): number[] | null {
  const attr = node.attrs.get(name)
  return attr?.kind === 'ints' ? attr.value.map(Number) : null
}
export function attrString(node: Node, name: string, fallback: string): string {
  const attr = node.attrs.get(name)
  return attr?.kind === 'string' ? new TextDecoder().decode(attr.value) : fallback
}
export function attrTensor(node: Node, name: string): Tensor | null {
  const attr = node.attrs.get(name)
  return attr?.kind === 'tensor' ? attr.value : null
}

// Writing attributes.

export const int = (value: number): Attr => ({ kind: 'int', value })
export const float = (value: number): Attr => ({ kind: 'float', value })
export const ints = (value: readonly number[]): Attr => ({ kind: 'ints', value })
export const string = (value: string): Attr => ({ kind: 'string', value: new TextEncoder().encode(value) })

/** Graphs in the attributes of a node. */
export function subgraphs(node: Node): Graph[] {
  const found: Graph[] = []
  for (const attr of node.attrs.values()) {
    if (attr.kind === 'graph') found.push(attr.value)
    else if (attr.kind === 'graphs') found.push(...attr.value)
  }
  return found
}

/** Values of the surroundings that a graph reads, its own subgraphs included. */
export function captures(graph: Graph): Set<ValueName> {
  const free = new Set<ValueName>()
  const own = new Set<ValueName>(graph.inputs)
  for (const value of graph.values.values()) if (value.data) own.add(value.name)
  for (const node of graph.nodes) {
    for (const name of reads(node)) if (!own.has(name)) free.add(name)
    for (const name of node.outputs) if (name !== null) own.add(name)
  }
  for (const name of graph.outputs) if (!own.has(name)) free.add(name)
  return free
}

/** Every value that a node reads: its inputs, and what its subgraphs capture. */
export function reads(node: Node): ValueName[] {
  const names = node.inputs.filter(name => name !== null)
  for (const graph of subgraphs(node)) names.push(...captures(graph))
  return names
}

/** Inputs that the caller must feed: those without an initializer. */
export const requiredInputs = (graph: Graph): ValueName[] => graph.inputs.filter(name => !graph.values.get(name)?.data)
