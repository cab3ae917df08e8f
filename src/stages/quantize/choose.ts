// Which nodes run in integers on a target, and so which values need a range. Decided from the graph and the target's rules alone,
// before anything is observed.
import { isFloat } from '../../base/dtype.ts'
import { type FormatName, numberFormat } from '../../ir/format-names.ts'
import {
  attrString,
  type Graph,
  type Model,
  type Node,
  type NodeId,
  reads,
  subgraphs,
  type ValueName,
} from '../../ir/model.ts'
import { bitsOfNumber } from '../../ir/number-format.ts'
import { type FloatReason, keptInFloat, type Range } from '../../ir/quant.ts'
import type { OpRule, Target } from '../../ir/target.ts'
import { elements } from '../../ir/tensor.ts'
import { weightOf } from '../../ops/facts.ts'
import { boundsOf, isSymmetric } from './fused.ts'

/** How weights share scales, as recipes say it: a whole tensor, each output channel, or blocks of so many along the input. */
export type WeightScales = 'tensor' | 'channel' | { block: number }

export interface LayerFormats {
  weights: FormatName
  activations: FormatName
  scales?: WeightScales // default: 'channel'
}

interface Kernel {
  /** The activation function that the target computes in the same kernel. */
  fused: Node | null
  /** What the fused function bounds the output to. */
  bounds: Range | null
  /** The value that leaves the kernel: the node's own output or the fused activation's. */
  output: ValueName
}

export interface Chosen extends Kernel {
  node: Node
  rule: OpRule
  formats: LayerFormats
  /** Whether the target has integer kernels for the formats, also of its output; else the node computes in float on what Q/DQ pairs give it. */
  integer: boolean
}

export interface Choice {
  chosen: ReadonlyMap<NodeId, Chosen>
  /** Activations that get a scale, in graph order. */
  values: readonly ValueName[]
  /** Sets of values that share one scale. */
  shared: readonly (readonly ValueName[])[]
  /** Values whose range must not be clipped: nothing in integers reads them, so that they are (or lead to) what the user sees. */
  unclipped: ReadonlySet<ValueName>
  /** The format of each of them: the widest that a node which multiplies it asks for, else that of the node which makes it. */
  valueFormats: ReadonlyMap<ValueName, FormatName>
  /** Nodes that compute in float on weights of few bits, and which. */
  weightOnly: ReadonlyMap<NodeId, { node: Node; formats: LayerFormats }>
  float: readonly FloatReason[]
}

/** `formats` gives the wished formats per node; shapes and types must have been inferred. */
export function choose(model: Model, target: Target, formats: (node: Node) => LayerFormats): Choice {
  const { graph } = model
  const uses = new Uses(graph)
  const rules = new Map(target.quant.ops.map(rule => [rule.op, rule]))
  const float = new Map<NodeId, string>()
  const chosen = new Map<NodeId, Chosen>()
  const weightOnly = new Map<NodeId, { node: Node; formats: LayerFormats }>()
  const alone = (node: Node): Kernel => ({ fused: null, bounds: null, output: node.outputs[0]! })
  const kernelOf = (node: Node): Kernel => {
    const next = fusedActivation(node, target, uses)
    const bounds = next && isLow(formats(next)) ? boundsFused(node, next, graph, formats(node), target) : null
    return bounds ? { fused: next, bounds, output: next!.outputs[0]! } : alone(node)
  }
  // What products read has the widest of the formats that they ask for: that one where a kernel has no codes of it.
  const withoutCodes = (name: ValueName): FormatName | null => {
    const products = uses.readers(name).filter(n => rules.get(n.op)?.constantWeight && isLow(formats(n)))
    const asked = products.map(n => formats(n).activations).reduce(wider, undefined)
    return asked === undefined || hasCodes(asked, target) ? null : asked
  }

  for (const node of graph.nodes) {
    if (isWeightOnly(node, graph, formats(node))) weightOnly.set(node.id, { node, formats: formats(node) })
    const why = refusal(node, rules.get(node.op), graph, model.opsets[''] ?? 0, formats(node), target)
    if (why !== null) {
      float.set(node.id, why)
      continue
    }
    const rule = rules.get(node.op)!
    const kernel = inIntegers(node, graph, formats(node), rule, target) ? kernelOf(node) : null
    const asked = kernel && withoutCodes(kernel.output)
    if (asked && !rule.constantWeight) {
      float.set(node.id, inFloatBeside(node, asked, target))
      continue
    }
    const integer = kernel !== null && !asked
    chosen.set(node.id, { node, rule, ...(integer ? kernel : alone(node)), formats: formats(node), integer })
  }

  // Greatest set in which each dependent operator stands among integer ones.
  for (let again = true; again; ) {
    again = false
    const integer = [...chosen.values()].filter(c => c.integer)
    const makers = new Set<ValueName>(integer.map(c => c.output))
    const inside = new Set(integer.flatMap(c => (c.fused ? [c.fused.id] : [])))
    for (const c of chosen.values()) {
      if (c.rule.kind === 'compute' && !c.rule.needsInteger) continue
      if (target.integersOnly && !inside.has(c.node.id)) continue
      const inputs = activationInputs(c, graph)
      const fed =
        inputs.some(name => makers.has(name)) ||
        (c.rule.kind === 'pass' && inputs.every(name => graph.inputs.includes(name)))
      const feeds = c.rule.needsInteger === 'inputs' || uses.readers(c.output).some(n => chosen.has(n.id))
      if (c.rule.needsInteger === 'either' ? fed || feeds : fed && feeds) continue
      chosen.delete(c.node.id)
      if (c.rule.constantWeight) weightOnly.set(c.node.id, { node: c.node, formats: c.formats })
      const neighbour = fed ? 'no integer operator reads its output' : 'no integer operator makes its input'
      float.set(c.node.id, `${neighbour}, so that integers would only cost accuracy here`)
      again = true
    }
  }

  const fusedIds = new Set([...chosen.values()].flatMap(c => (c.fused ? [c.fused.id] : [])))
  // Also where it has a kernel of its own: nothing is rounded between the two.
  for (const id of fusedIds) chosen.delete(id)
  const { values, shared } = scaledValues(graph, chosen, uses)
  const unclipped = new Set(values.filter(name => !uses.readers(name).some(n => computes(chosen.get(n.id)))))
  return {
    chosen,
    values,
    shared,
    valueFormats: valueFormats(graph, values, shared, chosen),
    unclipped,
    weightOnly,
    float: graph.nodes
      .filter(n => float.has(n.id) && !fusedIds.has(n.id) && givesFloat(n, graph))
      .map(n => ({ node: n.id, op: n.op, why: float.get(n.id)! })),
  }
}

/** Whether a node reads and gives activations of few bits. */
const isLow = (f: LayerFormats): boolean => f.activations !== 'float32'

/** Whether the target computes an operator in integers of these formats. Blocks of weights are sums of their own, which no kernel has. */
function inIntegers(node: Node, graph: Graph, formats: LayerFormats, rule: OpRule, target: Target): boolean {
  if (!hasCodes(formats.activations, target)) return false
  const { weights } = target.quant
  return (
    !rule.constantWeight || (weights.integer.includes(formats.weights) && !weightBlocks(node, graph, formats.scales))
  )
}

/** Whether the target's kernels have activations of such codes. */
const hasCodes = (activations: FormatName, { quant }: Target): boolean =>
  quant.activations.integer.includes(activations)

/** The axis that a product sums over, and how many weights along it share a scale; null for weights of other ranks, which have none. */
export function weightBlocks(
  node: Node,
  graph: Graph,
  scales: WeightScales | undefined,
): { kind: 'block'; axis: number; size: number } | null {
  if (typeof scales !== 'object') return null
  const weight = weightOf(node, graph)
  const shape = weight && graph.values.get(weight.name)!.data!.shape
  return weight && weight.axis !== null && shape?.length === 2
    ? { kind: 'block', axis: 1 - weight.axis, size: scales.block }
    : null
}

/** How many weights of a node's in a row share a scale; null where whole channels or the tensor do. */
export function blockOf({ chosen, weightOnly }: Choice, id: NodeId): number | null {
  const scales = (chosen.get(id) ?? weightOnly.get(id))?.formats.scales
  return typeof scales === 'object' ? scales.block : null
}

// Below, scales would take what codes save, and a table may hold anything.
const smallestTable = 4096

/**
 * Whether a node is left in float but for its weights, which it has for itself and as float32. A table of which rows are picked has
 * no product that could be in integers.
 */
function isWeightOnly(node: Node, graph: Graph, formats: LayerFormats): boolean {
  if (formats.weights === 'float32') return false
  const weight = weightOf(node, graph)
  if (weight?.lookup ? elements(graph.values.get(weight.name)!.data!) < smallestTable : isLow(formats)) return false
  return weight !== null && !graph.inputs.includes(weight.name) && graph.values.get(weight.name)?.dtype === 'float32'
}

const computes = (c: Chosen | undefined): boolean => c !== undefined && c.rule.kind === 'compute'

const inFloatBeside = (node: Node, activations: FormatName, target: Target): string =>
  `${target.label} computes ${node.op} in float beside activations of ${activations}`

/** Why a node is left in float, or null where the target has an integer kernel for it as it stands. */
function refusal(
  node: Node,
  rule: OpRule | undefined,
  graph: Graph,
  opset: number,
  formats: LayerFormats,
  target: Target,
): string | null {
  if (subgraphs(node).length > 0) return 'control flow: its body is left as it is'
  if (node.domain !== '' && node.domain !== 'ai.onnx') return `an operator of the domain ${node.domain}`
  if (!rule)
    return (
      target.quant.declined?.find(d => d.op === node.op)?.why ?? `${target.label} has no integer kernel for ${node.op}`
    )
  if (rule.since !== undefined && opset < rule.since)
    return `${target.label} runs it in integers from opset ${rule.since} on`
  if (isWeightOnly(node, graph, formats)) return 'only its weights are quantised'
  if (!isLow(formats)) return keptInFloat
  // Only what multiplies weights gains by rounding its input; all else would round for nothing.
  if (!rule.constantWeight && !inIntegers(node, graph, formats, rule, target))
    return inFloatBeside(node, formats.activations, target)
  const positions = rule.inputs ?? node.inputs.map((_, i) => i)
  const data = positions.map(i => node.inputs[i]).filter(name => name !== null && name !== undefined)
  if (node.outputs.filter(o => o !== null).length > 1) return 'it has further outputs'
  for (const name of data) {
    const value = graph.values.get(name)
    if (value?.dtype !== 'float32')
      return value?.dtype ? `its data are ${value.dtype}` : `the type of ${name} is not known`
  }
  if (rule.kind === 'pass' || rule.constantWeight) {
    const first = node.inputs[0]
    if (first == null || graph.values.get(first)?.data) return 'its input is constant'
  }
  if (rule.nearestOnly && attrString(node, 'mode', 'nearest') !== 'nearest')
    return 'it computes new values between the old ones, which integers would only round'
  if (rule.constantNumber) {
    const number = node.inputs[1] ? graph.values.get(node.inputs[1])?.data : null
    if (!number || elements(number) !== 1) return 'its second input is no constant of one number'
  }
  if (rule.constantWeight) {
    const weight = node.inputs[1]
    const tensor = weight ? graph.values.get(weight)?.data : null
    if (!tensor || graph.inputs.includes(weight!)) return 'its weights are computed at run time'
    if (tensor.dtype !== 'float32') return `its weights are ${tensor.dtype}`
    if (node.op === 'MatMul' && tensor.shape.length !== 2) return 'its weights are not a matrix'
    const bias = node.inputs[2]
    if (bias) {
      const data = graph.values.get(bias)?.data
      if (!data || graph.inputs.includes(bias)) return 'its bias is computed at run time'
      const channels = tensor.shape[weightOf(node, graph)?.axis ?? 0]
      if (elements(data) !== 1 && !(elements(data) === channels && data.shape.at(-1) === channels))
        return 'its bias is no vector over the output channels'
    }
  }
  if (node.op === 'Gemm' && !plainGemm(node)) return 'alpha, beta or transA is not the default'
  return null
}

function plainGemm(node: Node): boolean {
  const alpha = node.attrs.get('alpha')
  const beta = node.attrs.get('beta')
  const transA = node.attrs.get('transA')
  return (
    (alpha?.kind !== 'float' || alpha.value === 1) &&
    (beta?.kind !== 'float' || beta.value === 1) &&
    (transA?.kind !== 'int' || Number(transA.value) === 0)
  )
}

function fusedActivation(node: Node, target: Target, uses: Uses): Node | null {
  const readers = node.outputs.length === 1 && node.outputs[0] !== null ? uses.readers(node.outputs[0]) : []
  if (readers.length !== 1 || uses.isOutput(node.outputs[0]!)) return null
  const next = readers[0]
  if (next.inputs[0] !== node.outputs[0] || next.domain !== '') return null
  return target.quant.fused.some(f => f.op === next.op && f.after.includes(node.op)) ? next : null
}

/** What a function behind a node bounds its output to; null where the target's kernel cannot compute it along. */
function boundsFused(node: Node, next: Node, graph: Graph, formats: LayerFormats, target: Target): Range | null {
  const bounds = boundsOf(next, graph)
  const { native } = target.quant.fused.find(f => f.op === next.op && f.after.includes(node.op))!
  const format = numberFormat(formats.activations, target.quant.activations.signed)
  if (!bounds || !native || !format || !isSymmetric(format, target)) return bounds
  return native.some(n => n.min === bounds.min && n.max === bounds.max) ? bounds : null
}

/** Activation inputs of an integer node: its data inputs that are not constant. */
export function activationInputs(c: Chosen, graph: Graph): ValueName[] {
  const positions = c.rule.inputs ?? c.node.inputs.map((_, i) => i)
  return positions
    .map(i => c.node.inputs[i])
    .filter(name => name !== null && name !== undefined && !graph.values.get(name)?.data) as ValueName[]
}

/** Constant data inputs that the node reads as integers: weights, and constants of Add, Mul, Concat. */
export function constantInputs(c: Chosen, graph: Graph): ValueName[] {
  const positions = c.rule.inputs ?? c.node.inputs.map((_, i) => i)
  return positions
    .map(i => c.node.inputs[i])
    .filter(name => name !== null && name !== undefined && graph.values.get(name)?.data) as ValueName[]
}

function scaledValues(
  graph: Graph,
  chosen: ReadonlyMap<NodeId, Chosen>,
  uses: Uses,
): { values: ValueName[]; shared: ValueName[][] } {
  const wanted = new Set<ValueName>()
  const sets = new Map<ValueName, Set<ValueName>>()
  const join = (a: ValueName, b: ValueName): void => {
    const merged = new Set([...(sets.get(a) ?? [a]), ...(sets.get(b) ?? [b])])
    for (const name of merged) sets.set(name, merged)
  }
  for (const c of chosen.values()) {
    const inputs = activationInputs(c, graph)
    for (const name of inputs) wanted.add(name)
    const integerReaders = uses.readers(c.output).some(n => chosen.has(n.id))
    if (c.integer && (!c.rule.floatOutput || integerReaders)) wanted.add(c.output)
    if (c.rule.kind === 'pass') for (const name of inputs) join(name, c.output)
  }
  const order = [...graph.inputs, ...graph.nodes.flatMap(n => n.outputs.filter(o => o !== null))]
  const values = order.filter(name => wanted.has(name))
  return {
    values,
    shared: [...new Set(sets.values())].map(set => values.filter(v => set.has(v))).filter(set => set.length > 1),
  }
}

function valueFormats(
  graph: Graph,
  values: readonly ValueName[],
  shared: readonly (readonly ValueName[])[],
  chosen: ReadonlyMap<NodeId, Chosen>,
): Map<ValueName, FormatName> {
  const asked = new Map<ValueName, FormatName>()
  const ask = (name: ValueName, format: FormatName) => asked.set(name, wider(asked.get(name), format))
  for (const c of chosen.values())
    if (c.rule.constantWeight) for (const name of activationInputs(c, graph)) ask(name, c.formats.activations)
  for (const c of chosen.values()) if (!asked.has(c.output)) asked.set(c.output, c.formats.activations)
  for (const c of chosen.values())
    for (const name of activationInputs(c, graph)) if (!asked.has(name)) asked.set(name, c.formats.activations)
  for (const set of shared) {
    for (const name of set) ask(set[0], asked.get(name)!)
    for (const name of set) asked.set(name, asked.get(set[0])!)
  }
  return new Map(values.map(name => [name, asked.get(name)!]))
}

const wider = (one: FormatName | undefined, other: FormatName): FormatName =>
  one === undefined || width(other) > width(one) ? other : one

const width = (name: FormatName): number => {
  const format = numberFormat(name, false)
  return format ? bitsOfNumber(format) : 32
}

function givesFloat(node: Node, graph: Graph): boolean {
  return node.outputs.some(
    name => name !== null && (graph.values.get(name)?.dtype == null || isFloat(graph.values.get(name)!.dtype)),
  )
}

/** Who reads what, once over the graph. */
class Uses {
  private readonly byValue = new Map<ValueName, Node[]>()
  private readonly outputs: ReadonlySet<ValueName>
  constructor(graph: Graph) {
    this.outputs = new Set(graph.outputs)
    for (const node of graph.nodes)
      for (const name of new Set(reads(node))) {
        const list = this.byValue.get(name)
        if (list) list.push(node)
        else this.byValue.set(name, [node])
      }
  }
  readers(name: ValueName): readonly Node[] {
    return this.byValue.get(name) ?? []
  }
  isOutput(name: ValueName): boolean {
    return this.outputs.has(name)
  }
}
