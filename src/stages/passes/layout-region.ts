// A connected region of operators that can be computed in another layout. Values in it are y = transpose(x, perm); after the move they
// are x. Axis a of y is axis perm[a] of x. Constants that are broadcast into the region are permuted the other way. Only operators whose
// results do not depend on the order in memory, to the last bit: sums over axes do.

import type { Editor } from '../../ir/edit.ts'
import { type Attr, attrInt, attrInts, int, ints, type Node, type NodeId, type ValueName } from '../../ir/model.ts'
import { int64s } from '../../ir/tensor.ts'
import { isElementwise } from '../../ops/facts.ts'
import { intsOf, scalarOf } from './constant.ts'
import { rankOf, shapeOf } from './known-shape.ts'
import { isOp, originOf } from './rule.ts'

export interface Region {
  perm: readonly number[]
  nodes: Map<NodeId, Node>
  inside: Set<ValueName> // values whose layout changes
  sources: Map<NodeId, Node> // Transposes by perm in front of it, which go
  sinks: Map<NodeId, Node> // Transposes by the inverse behind it, which go
  entries: Set<ValueName> // values from elsewhere that need a Transpose by the inverse
  exits: Set<ValueName> // values needed elsewhere, which need a Transpose by perm
}

const inverse = (perm: readonly number[]): number[] => perm.map((_, axis) => perm.indexOf(axis))

const isTranspose = (node: Node | null, perm: readonly number[]): node is Node =>
  isOp(node, 'Transpose') && attrInts(node, 'perm')?.join() === perm.join()

/** Grows a region from the output of a Transpose; null where nothing can be moved. */
export function findRegion(e: Editor, start: ValueName, perm: readonly number[], opset: number): Region | null {
  const back = inverse(perm)
  const region: Region = {
    perm,
    nodes: new Map(),
    inside: new Set(),
    sources: new Map(),
    sinks: new Map(),
    entries: new Set(),
    exits: new Set(),
  }
  const open: ValueName[] = [start]
  const join = (node: Node): void => {
    if (region.nodes.has(node.id)) return
    region.nodes.set(node.id, node)
    for (const name of dataInputs(node)) if (!e.constant(name)) open.push(name)
    open.push(node.outputs[0]!)
  }
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (region.inside.has(name) || region.entries.has(name)) continue
    const maker = e.producer(name)
    if (isTranspose(maker, perm)) region.sources.set(maker.id, maker)
    else if (maker && isMovable(maker, e, perm.length, opset)) join(maker)
    else {
      region.entries.add(name)
      continue
    }
    region.inside.add(name)
    for (const reader of e.consumers(name)) {
      if (isTranspose(reader, back)) region.sinks.set(reader.id, reader)
      else if (isMovable(reader, e, perm.length, opset)) join(reader)
      else region.exits.add(name)
    }
    if (e.isOutput(name)) region.exits.add(name)
  }
  return region.nodes.size > 0 ? region : null
}

/** Inputs that have the layout of the result; bounds, axes and the like have none. */
function dataInputs(node: Node): ValueName[] {
  const data = isOp(node, 'Concat') || !parameters.has(node.op) ? node.inputs : node.inputs.slice(0, 1)
  return data.filter(name => name !== null)
}

/** Operators whose further inputs are parameters, not data. */
const parameters = new Set(['Clip', 'Slice', 'ReduceMax', 'ReduceMin'])

// ONNX Runtime computes these with a last bit that depends on where in memory the element lies (measured on x86, 1.32).
const unsteady = new Set(['Softplus', 'Mish', 'Cos'])

function isMovable(node: Node, e: Editor, rank: number, opset: number): boolean {
  if (node.domain !== '' && node.domain !== 'ai.onnx') return false
  if (node.outputs.length !== 1 || node.outputs[0] === null || rankOf(e, node.outputs[0]) !== rank) return false
  // A value of lower rank is broadcast along axes that the permutation may move elsewhere; constants are given the full rank.
  const ranks = dataInputs(node).every(name => (e.constant(name) ? rankOf(e, name)! <= rank : rankOf(e, name) === rank))
  if (!ranks) return false
  // Scales along an axis, which need not be written.
  if (isOp(node, 'QuantizeLinear', 'DequantizeLinear') && scalarOf(e, node.inputs[1]) === null) return false
  if (isElementwise(node))
    return !unsteady.has(node.op) && !(opset < 7 && node.inputs.length > 1) && !node.attrs.has('axis')
  if (isOp(node, 'Concat')) return dataInputs(node).every(name => rankOf(e, name) === rank)
  if (isOp(node, 'ReduceMax', 'ReduceMin'))
    return attrInt(node, 'keepdims', 1) !== 0 && (attrInts(node, 'axes') ?? intsOf(e, node.inputs[1] ?? null)) !== null
  if (isOp(node, 'Slice')) return opset >= 10 && intsOf(e, node.inputs[3] ?? null) !== null
  return false
}

/** Rewrites the region: sources and sinks are bypassed, entries and exits get their Transposes, axes and constants are permuted. */
export function moveRegion(e: Editor, region: Region, opset: number): void {
  const { perm } = region
  const back = inverse(perm)
  const origin = originOf(...region.sources.values(), ...region.sinks.values())
  const renamed = new Map<ValueName, ValueName>() // layout y → layout x
  for (const source of region.sources.values()) renamed.set(source.outputs[0]!, source.inputs[0]!)
  for (const name of region.entries) renamed.set(name, transposed(e, name, back, `${name}.moved`, origin))
  for (const name of region.inside) if (!renamed.has(name)) renamed.set(name, e.freshName(`${name}.moved`))

  for (const node of region.nodes.values()) {
    const data = new Set(dataInputs(node))
    const inputs = node.inputs.map(name => {
      if (name === null || !data.has(name)) return name
      return e.constant(name) ? permuted(e, name, back, node) : renamed.get(name)!
    })
    const output = node.outputs[0]!
    const shape = shapeOf(e, output)
    const dtype = e.value(output)?.dtype ?? null
    const name = renamed.get(output)!
    e.setValue({ name, dtype, shape: shape && back.map(axis => shape[axis]), data: null })
    e.updateNode(node.id, { ...withAxes(e, node, perm, inputs, opset), outputs: [name] })
  }
  for (const sink of region.sinks.values()) {
    const source = renamed.get(sink.inputs[0]!)!
    const output = sink.outputs[0]!
    if (e.forward(output, source)) {
      e.removeNode(sink.id)
      // An output of the graph gave its name to the value behind it.
      for (const [y, x] of renamed) if (x === source && e.isOutput(output)) renamed.set(y, output)
    } else e.updateNode(sink.id, { op: 'Identity', inputs: [source], attrs: new Map() })
  }
  for (const name of region.exits) {
    const source = renamed.get(name)!
    // A source that is read elsewhere too stays as it is.
    if (e.producer(name) !== null) continue
    e.addNode({
      op: 'Transpose',
      inputs: [source],
      outputs: [name],
      attrs: [['perm', ints(perm)]],
      origin,
    })
  }
  for (const { id, outputs } of region.sources.values())
    if (!e.isOutput(outputs[0]!) && e.consumers(outputs[0]!).length === 0) e.removeNode(id)
}

function transposed(
  e: Editor,
  name: ValueName,
  perm: readonly number[],
  wish: string,
  origin: readonly string[],
): ValueName {
  const output = e.freshName(wish)
  const shape = shapeOf(e, name)
  e.setValue({
    name: output,
    dtype: e.value(name)?.dtype ?? null,
    shape: shape && perm.map(axis => shape[axis]),
    data: null,
  })
  e.addNode({ op: 'Transpose', inputs: [name], outputs: [output], attrs: [['perm', ints(perm)]], origin })
  return output
}

/** A constant in the other layout. With one axis at most that is longer than 1 the bytes stay as they are. */
function permuted(e: Editor, name: ValueName, back: readonly number[], reader: Node): ValueName {
  const tensor = e.constant(name)!
  if (tensor.shape.every(dim => dim === 1)) return name
  const full = [...new Array<number>(back.length - tensor.shape.length).fill(1), ...tensor.shape]
  if (full.filter(dim => dim !== 1).length === 1)
    return e.addInitializer(name, { ...tensor, shape: back.map(axis => full[axis]) })
  const whole = full.length === tensor.shape.length ? name : e.addInitializer(name, { ...tensor, shape: full })
  return transposed(e, whole, back, `${name}.moved`, reader.origin)
}

/** Axes counted in the other layout. */
function withAxes(
  e: Editor,
  node: Node,
  perm: readonly number[],
  inputs: (ValueName | null)[],
  opset: number,
): Pick<Node, 'inputs' | 'attrs'> {
  const moved = (axis: number): number => perm[axis < 0 ? axis + perm.length : axis]
  const attrs = new Map<string, Attr>(node.attrs)
  const put = (axes: readonly number[]): ValueName => e.addInitializer(`${node.id}.axes`, int64s(axes.map(moved)))
  if (isOp(node, 'Concat')) attrs.set('axis', int(moved(attrInt(node, 'axis', opset < 4 ? 1 : 0))))
  else if (isOp(node, 'Slice')) inputs[3] = put(intsOf(e, node.inputs[3])!)
  else if (parameters.has(node.op) && attrInts(node, 'axes'))
    attrs.set('axes', ints(attrInts(node, 'axes')!.map(moved)))
  else if (node.op.startsWith('Reduce')) inputs[1] = put(intsOf(e, node.inputs[1])!)
  return { inputs, attrs }
}
