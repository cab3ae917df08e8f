// Shape and type inference over a whole model: every value gets what is certain of it, and null where nothing is.
// Facts come from inputs and initializers; what the file declares of inner values fills gaps, but never proves an error.
import { StudioError } from '../base/errors.ts'
import type { Attr, Dim, FunctionDef, Graph, Model, Node, Value, ValueName } from '../ir/model.ts'
import { contentOf } from './content.ts'
import { filled, unknown } from './dims.ts'
import { opOf } from './lookup.ts'
import type { Dims, Fact, InferContext, OpDef } from './types.ts'

/** A fact, and whether it rests on nothing but inputs and initializers. */
interface Known extends Fact {
  certain: boolean
}

interface Scope {
  model: Model
  opsets: Readonly<Record<string, number>>
  facts: Map<ValueName, Known>
  parent: Scope | null
  /** Inside bodies and functions nothing is an error: they may never run. */
  lenient: boolean
  depth: number
}

class Contradiction extends Error {}

// Functions may not call themselves; a file that does so must not hang us.
const deepest = 32

/** A dense tensor; sequences, optionals and maps have a type of another kind and nothing else. */
export const isTensor = (value: Value): boolean => value.type === undefined || value.dtype !== null

/** Dimensions as the file has them; -1, 0 and '?' stand for unknown ones. */
export const declaredDims = (shape: Dims | null): Dims | null =>
  shape?.map(d => ((typeof d === 'number' && d <= 0) || d === '?' || d === '' ? null : d)) ?? null

export interface InferOptions {
  /** Shapes of inputs, instead of those in the file. */
  shapes?: Readonly<Record<ValueName, Dims>>
  /** A contradiction is no error, but leaves the outputs of its node unknown. */
  lenient?: boolean
}

/** The model with the type and shape of every value filled in, as far as they are certain; the same object if nothing is new. */
export function infer(model: Model, options: InferOptions = {}): Model {
  const { graph } = explore(model, options)
  return graph === model.graph ? model : { ...model, graph }
}

/** What is known of every value that a node or initializer of the main graph gives, with the contents of shape computations. */
export const factsOfModel = (model: Model, options: InferOptions = {}): ReadonlyMap<ValueName, Fact> =>
  explore(model, options).facts

function explore(model: Model, options: InferOptions): { graph: Graph; facts: ReadonlyMap<ValueName, Fact> } {
  const scope: Scope = {
    model,
    opsets: model.opsets,
    facts: new Map(),
    parent: null,
    lenient: options.lenient ?? false,
    depth: 0,
  }
  for (const name of model.graph.inputs) {
    const value = model.graph.values.get(name)
    if (value?.data || (value && !isTensor(value))) continue
    const shape = options.shapes?.[name] ?? declaredDims(value?.shape ?? null)
    scope.facts.set(name, { dtype: value?.dtype ?? null, shape, certain: true })
  }
  return { graph: inferGraph(model.graph, scope), facts: scope.facts }
}

function inferGraph(graph: Graph, scope: Scope): Graph {
  const nodes: Node[] = []
  let changed = false
  for (const node of graph.nodes) {
    const next = inferNode(node, graph, scope)
    changed ||= next !== node
    nodes.push(next)
  }
  const values = new Map(graph.values)
  const interfaces = new Set([...graph.inputs, ...graph.outputs])
  for (const node of nodes)
    for (const name of node.outputs) {
      if (name === null) continue
      const before = values.get(name) ?? null
      const after = described(name, before, scope.facts.get(name) ?? unknown, interfaces.has(name))
      if (after === before) continue
      values.set(name, after)
      changed = true
    }
  return changed ? { ...graph, nodes, values } : graph
}

/** The value with what was inferred. An output of the graph keeps the symbols that its users know. */
function described(name: ValueName, value: Value | null, fact: Fact, isInterface: boolean): Value {
  const old = value ?? { name, dtype: null, shape: null, data: null }
  if (!isTensor(old)) return old
  const dtype = fact.dtype ?? old.dtype
  let shape = fact.shape
  if (shape === null) shape = old.shape
  else if (isInterface && old.shape?.length === shape.length) {
    const declared = declaredDims(old.shape)
    shape = shape.map((d, i) => (typeof d !== 'number' && typeof declared?.[i] === 'string' ? declared[i] : d))
  }
  if (value && dtype === old.dtype && sameShape(shape, old.shape)) return value
  return { ...old, dtype, shape }
}

const sameShape = (a: Dims | null, b: Dims | null): boolean =>
  a === b || (a !== null && b !== null && a.length === b.length && a.every((d, i) => d === b[i]))

function inferNode(node: Node, graph: Graph, scope: Scope): Node {
  const inputs = node.inputs.map(name => (name === null ? null : lookUp(name, graph, scope)))
  const certain = inputs.every(f => f === null || f.certain)
  const bodies = new Map<Graph, Graph>()
  let results: readonly Fact[] = []
  try {
    results = factsOf(node, inputs, graph, scope, bodies)
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error
    if (certain && !scope.lenient)
      throw new StudioError('invalid-graph', `${node.op} ${node.name || node.id} cannot work: ${error.message}`, {
        where: { node: node.id },
        hint: 'Check the shapes given for the inputs, and the model with the tool that exported it.',
      })
  }
  node.outputs.forEach((name, i) => {
    if (name !== null) scope.facts.set(name, completed(results[i] ?? unknown, graph.values.get(name) ?? null, certain))
  })
  return bodies.size === 0 ? node : withBodies(node, bodies)
}

/** Gaps filled with what the file declares; dimensions that come from there are not certain. */
function completed({ dtype: type, shape: dims, content }: Fact, value: Value | null, certain: boolean): Known {
  // A node that is wrong in itself may give what is no size.
  const sound = dims?.map(d =>
    d === undefined || (typeof d === 'number' && !(Number.isInteger(d) && d >= 0)) ? null : d,
  )
  const fact: Fact = filled(type, sound ?? null, content ?? null)
  if (value === null || !isTensor(value)) return { ...fact, certain }
  const declared = declaredDims(value.shape)
  const dtype = fact.dtype ?? value.dtype
  if (fact.shape === null) return { dtype, shape: declared, certain: certain && declared === null }
  if (declared === null || declared.length !== fact.shape.length || !fact.shape.includes(null))
    return { ...fact, dtype, certain }
  const shape = fact.shape.map((d, i): Dim => d ?? declared[i])
  return { ...filled(dtype, shape, fact.content ?? null), certain: certain && sameShape(shape, fact.shape) }
}

function lookUp(name: ValueName, graph: Graph, scope: Scope): Known {
  const found = scope.facts.get(name)
  if (found) return found
  const data = graph.values.get(name)?.data
  if (data) {
    const fact: Known = { ...filled(data.dtype, data.shape, contentOf(data)), certain: true }
    scope.facts.set(name, fact)
    return fact
  }
  for (let outer = scope.parent; outer; outer = outer.parent) {
    const fact = outer.facts.get(name)
    if (fact) return fact
  }
  return { ...unknown, certain: false }
}

function factsOf(
  node: Node,
  inputs: readonly (Known | null)[],
  graph: Graph,
  scope: Scope,
  bodies: Map<Graph, Graph>,
): readonly Fact[] {
  const called = scope.model.functions.find(
    f => f.name === node.op && f.domain === node.domain && (f.overload ?? '') === (node.overload ?? ''),
  )
  if (called) return scope.depth < deepest ? callFunction(called, node, inputs, scope) : []
  const def = opOf(node)
  if (!def || hasReference(node)) return []
  return def.infer(node, contextOf(node, def, inputs, graph, scope, bodies))
}

const hasReference = (node: Node): boolean => [...node.attrs.values()].some(a => a.kind === 'ref')

function contextOf(
  node: Node,
  def: OpDef,
  inputs: readonly (Fact | null)[],
  graph: Graph,
  scope: Scope,
  bodies: Map<Graph, Graph>,
): InferContext {
  const content = (i: number): Fact['content'] => inputs[i]?.content ?? null
  return {
    opset: scope.opsets[def.domain ?? ''] ?? scope.opsets[node.domain] ?? 1,
    has: i => node.inputs[i] != null,
    dtype: i => inputs[i]?.dtype ?? null,
    shape: i => inputs[i]?.shape ?? null,
    content: i => content(i) ?? null,
    numbers: i => {
      const list = content(i)
      return list?.every(x => typeof x === 'number') ? (list as number[]) : null
    },
    body: (body, facts) => {
      const inner: Scope = { ...scope, facts: new Map(), parent: withInitializers(scope, graph), lenient: true }
      body.inputs.forEach((name, i) => {
        const value = body.values.get(name)
        if (value && !isTensor(value)) return
        const fact = facts[i] ?? unknown
        inner.facts.set(name, { ...fact, dtype: fact.dtype ?? value?.dtype ?? null, certain: false })
      })
      const next = inferGraph(body, inner)
      if (next !== body) bodies.set(body, next)
      return body.outputs.map(name => lookUp(name, next, inner))
    },
    fail: what => {
      throw new Contradiction(what)
    },
  }
}

/** The scope with a fact for every initializer, for bodies to see. */
function withInitializers(scope: Scope, graph: Graph): Scope {
  for (const value of graph.values.values()) if (value.data) lookUp(value.name, graph, scope)
  return scope
}

/** Infers through a function as if its nodes stood in place of the call. */
function callFunction(def: FunctionDef, call: Node, inputs: readonly (Known | null)[], scope: Scope): Fact[] {
  const inner: Scope = {
    model: scope.model,
    opsets: def.opsets,
    facts: new Map(),
    parent: null,
    lenient: true,
    depth: scope.depth + 1,
  }
  def.graph.inputs.forEach((name, i) => {
    const fact = inputs[i]
    inner.facts.set(name, fact ?? { ...unknown, certain: false })
  })
  const bound: Graph = { ...def.graph, nodes: def.graph.nodes.map(node => bind(node, def, call)) }
  inferGraph(bound, inner)
  return def.graph.outputs.map(name => inner.facts.get(name) ?? unknown)
}

/** Attributes of the call put where the function refers to them. A default that we cannot read leaves the reference. */
function bind(node: Node, def: FunctionDef, call: Node): Node {
  if (!hasReference(node)) return node
  const attrs = new Map<string, Attr>()
  for (const [key, attr] of node.attrs) {
    if (attr.kind !== 'ref') attrs.set(key, attr)
    else {
      const given = call.attrs.get(attr.name)
      if (given) attrs.set(key, given)
      else if (!def.attributes.includes(attr.name)) attrs.set(key, attr)
    }
  }
  return { ...node, attrs }
}

function withBodies(node: Node, bodies: ReadonlyMap<Graph, Graph>): Node {
  const attrs = new Map<string, Attr>()
  for (const [key, attr] of node.attrs) {
    if (attr.kind === 'graph') attrs.set(key, { kind: 'graph', value: bodies.get(attr.value) ?? attr.value })
    else attrs.set(key, attr)
  }
  return { ...node, attrs }
}
