// From ranges to numbers: scale and zero point of every value that runs in integers. Biases take the product of the scales of
// their input and weight, so that they add into the int32 accumulator as they are.
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes, KernelSet } from '../../ir/context.ts'
import { type FormatName, numberFormat } from '../../ir/format-names.ts'
import { levelsOf } from '../../ir/levels.ts'
import type { Graph, Model, Node, NodeId, ValueName } from '../../ir/model.ts'
import { bitsOfNumber, isInt, largestOf, type NumberFormat } from '../../ir/number-format.ts'
import {
  codeRange,
  type Granularity,
  integerInput,
  largestBias,
  paramsFromRange,
  type QuantParams,
  type QuantPlan,
  type QuantSpec,
  type Range,
} from '../../ir/quant.ts'
import type { Target } from '../../ir/target.ts'
import { weightOf } from '../../ops/facts.ts'
import {
  type Choice,
  type Chosen,
  constantInputs,
  type LayerFormats,
  type WeightScales,
  weightBlocks,
} from './choose.ts'
import { fixedOutputs } from './fixed.ts'
import { isSymmetric, within } from './fused.ts'
import { admissible, weightParams, weightSpec } from './weight-scales.ts'

interface BiasUse {
  bias: ValueName
  input: ValueName
  weight: ValueName
}

export interface Ranges {
  /** Range of an activation under the calibration method of the node that makes or reads it. */
  of(value: ValueName, spec: QuantSpec, clip: boolean): Range
}

/** What `decide` is lent besides the model. */
export interface Lent {
  bytes: Bytes
  kernels: Pick<KernelSet, 'scaleErrors'>
}

/** Scales for every chosen node. `ranges` turns observations into ranges. */
export async function decide(
  model: Model,
  target: Target,
  choice: Choice,
  ranges: Ranges,
  lent: Lent,
): Promise<QuantPlan> {
  const { graph } = model
  const activations = decideActivations(graph, choice, target, ranges)
  const weights = new Map<ValueName, QuantParams>()
  const biases = new Map<NodeId, BiasUse>()
  const quantized = nodesOf(choice, () => true)
  const floatBias = target.quant.bias === 'float32'
  const decideFor = (node: Node, { weights: name, scales }: LayerFormats) =>
    decideWeight(
      graph,
      node,
      name,
      granularityOf(node, graph, target, scales),
      choice,
      { activations, quantized, floatBias },
      weights,
      biases,
      lent,
    )
  for (const c of choice.chosen.values()) {
    if (c.rule.constantWeight) await decideFor(c.node, c.formats)
    else
      for (const name of constantInputs(c, graph))
        weights.set(name, await constantParams(graph, name, activations.get(c.output)!, lent.bytes))
  }
  for (const { node, formats } of choice.weightOnly.values()) await decideFor(node, formats)
  return {
    activations,
    weights,
    biases,
    floatBias,
    ...(target.quant.outputs ? { floatOutputs: true as const } : {}),
    ...(target.quant.roundsUnasked ? { roundsUnasked: target.quant.roundsUnasked.ops } : {}),
    quantized,
    integer: nodesOf(choice, c => c.integer),
    weightOnly: new Set(choice.weightOnly.keys()),
    float: choice.float,
    shared: choice.shared,
  }
}

/** Nodes of those chosen, with the activation functions that are fused behind them. */
const nodesOf = (choice: Choice, which: (c: Chosen) => boolean): Set<NodeId> =>
  new Set([...choice.chosen.values()].filter(which).flatMap(c => (c.fused ? [c.node.id, c.fused.id] : [c.node.id])))

function decideActivations(graph: Graph, choice: Choice, target: Target, ranges: Ranges): Map<ValueName, QuantParams> {
  const fixed = [8, 16].map(bits => [bits, fixedOutputs(graph, target, bits)] as const)
  const activations = new Map<ValueName, QuantParams>()
  for (const name of choice.values) {
    const format = numberFormat(choice.valueFormats.get(name)!, target.quant.activations.signed)!
    const spec = activationSpec(format, target)
    const { set, range, bounds } = spanOf(name, spec, choice, ranges)
    const prescribed = fixed.flatMap(([bits, outputs]) =>
      bitsOfNumber(format) === bits ? set.map(m => outputs.get(m)) : [],
    )
    const fix = isInt(format) ? prescribed.find(f => f !== undefined) : undefined
    activations.set(
      name,
      fix
        ? { spec, scale: Float32Array.of(fix.scale), zeroPoint: Int32Array.of(fix.zeroPoint) }
        : activationParams(spec, range, bounds),
    )
  }
  return activations
}

/** What a value spans with those that share its scale, and what the function fused behind one of them bounds it to. */
export function spanOf(
  name: ValueName,
  spec: QuantSpec<NumberFormat>,
  choice: Choice,
  ranges: Ranges,
): { set: readonly ValueName[]; range: Range; bounds: Range | null } {
  // Values of one set are moved, not computed: what the first of them spans is what all of them hold.
  const set = choice.shared.find(members => members.includes(name)) ?? [name]
  const clip = set.every(member => !choice.unclipped.has(member))
  const seen = set.map(member => ranges.of(member, isInt(spec.format) ? (spec as QuantSpec) : eightBits, clip))
  const range = { min: Math.min(...seen.map(r => r.min)), max: Math.max(...seen.map(r => r.max)) }
  const bounded = [...choice.chosen.values()].filter(c => c.bounds !== null)
  const bounds = set.map(member => bounded.findLast(c => c.output === member)?.bounds).find(b => b != null) ?? null
  return { set, range, bounds }
}

const activationSpec = (format: NumberFormat, target: Target): QuantSpec<NumberFormat> => ({
  format,
  symmetric: isSymmetric(format, target),
  granularity: { kind: 'tensor' },
  restricted: target.quant.activations.restricted ?? false,
})

/** What methods that look for a range are told where the format is no grid. */
const eightBits: QuantSpec = {
  format: { kind: 'int', bits: 8, signed: true },
  symmetric: true,
  granularity: { kind: 'tensor' },
  restricted: false,
}

// With 16 bits a step more or less does not matter, but a value beyond the range does: they have room for what was not seen.
const headroom = 2

/** Scale and zero point of what spans `seen`, held within `bounds`. */
export function activationParams(spec: QuantSpec<NumberFormat>, seen: Range, bounds: Range | null): QuantParams {
  const { format } = spec
  if (!isInt(format)) {
    const bound = Math.max(-seen.min, seen.max)
    const perOctave = format.kind === 'levels' ? levelsOf(format.name).scalesPerOctave : null
    const scale =
      format.kind === 'half' ? 1 : perOctave !== null ? admissible(bound, perOctave) : bound / largestOf(format, false)
    return { spec, scale: Float32Array.of(scale > 0 ? scale : 1), zeroPoint: Int32Array.of(0) }
  }
  const wide = format.bits >= 16 ? headroom : 1
  const integer = spec as QuantSpec
  const free = paramsFromRange({ min: seen.min * wide, max: seen.max * wide }, integer)
  // Codes around zero reach to both sides: the function itself stays, and the target's kernel computes it.
  const held = bounds && !(integer.symmetric && integer.format.signed)
  const { scale, zeroPoint } = held ? within(bounds, free, codeRange(integer)) : free
  return { spec, scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) }
}

function granularityOf(node: Node, graph: Graph, target: Target, scales: WeightScales | undefined): Granularity {
  const { axis } = weightOf(node, graph)!
  return (
    weightBlocks(node, graph, scales) ??
    (axis === null || scales === 'tensor' || !target.quant.weights.perChannel
      ? { kind: 'tensor' }
      : { kind: 'channel', axis })
  )
}

async function decideWeight(
  graph: Graph,
  node: Node,
  format: FormatName,
  granularity: Granularity,
  choice: Choice,
  plan: Pick<QuantPlan, 'activations' | 'quantized' | 'floatBias'>,
  weights: Map<ValueName, QuantParams>,
  biases: Map<NodeId, BiasUse>,
  lent: Lent,
): Promise<void> {
  const spec = weightSpec(format, granularity, choice.weightOnly.has(node.id))
  if (spec === null) return
  const name = weightOf(node, graph)!.name
  const tensor = graph.values.get(name)!.data!
  const data = await readFloats(lent.bytes, tensor)
  const params = weightParams(data, tensor.shape, spec, format, lent.kernels)
  const input = node.inputs[0]!
  const bias = biasOf(node)
  const inputParams = integerInput(plan, node.id, input, params)
  if (bias !== null && inputParams) {
    const values = await readFloats(lent.bytes, graph.values.get(bias)!.data!)
    widenForBias(params, values, inputParams.scale[0])
    biases.set(node.id, { bias, input, weight: name })
  }
  const before = weights.get(name)
  if (before) for (let i = 0; i < params.scale.length; i++) params.scale[i] = Math.max(params.scale[i], before.scale[i])
  weights.set(name, params)
}

const biasOf = (node: Node): ValueName | null => node.inputs[2] ?? null

// Where a bias is too large, the channel's scale is raised instead (typical after a BatchNorm with a tiny gamma was folded).
function widenForBias(params: QuantParams, bias: Float32Array, inputScale: number): void {
  for (let i = 0; i < bias.length; i++) {
    const channel = params.scale.length === 1 ? 0 : i % params.scale.length
    const smallest = Math.abs(bias[i]) / (inputScale * largestBias)
    if (smallest > params.scale[channel]) params.scale[channel] = Math.fround(smallest)
  }
}

/** A constant that is read as an activation is written as the activations beside it are. */
async function constantParams(graph: Graph, name: ValueName, beside: QuantParams, bytes: Bytes): Promise<QuantParams> {
  const data = await readFloats(bytes, graph.values.get(name)!.data!)
  let min = 0
  let max = 0
  for (const x of data) {
    if (x < min) min = x
    if (x > max) max = x
  }
  return activationParams(beside.spec, { min, max }, null)
}
