// From ranges to numbers: scale and zero point of every value that runs in integers. Biases take the product of the scales of
// their input and weight, so that they add into the int32 accumulator as they are.
import { viewAs } from '../../base/dtype.ts'
import type { Bytes } from '../../ir/context.ts'
import type { Graph, Model, Node, NodeId, ValueName } from '../../ir/model.ts'
import {
  codeRange,
  paramsFromRange,
  type QuantParams,
  type QuantPlan,
  type QuantSpec,
  type Range,
} from '../../ir/quant.ts'
import type { Target } from '../../ir/target.ts'
import { weightOf } from '../../ops/facts.ts'
import { type Choice, type Chosen, constantInputs } from './choose.ts'
import { bitsOfFormat, weightSpec } from './formats.ts'
import { within } from './fused.ts'

interface BiasUse {
  bias: ValueName
  input: ValueName
  weight: ValueName
}

export interface Ranges {
  /** Range of an activation under the calibration method of the node that makes or reads it. */
  of(value: ValueName, spec: QuantSpec, clip: boolean): Range
}

/** Scales for every chosen node. `ranges` turns observations into ranges; weights are read through `bytes`. */
export async function decide(
  model: Model,
  target: Target,
  choice: Choice,
  ranges: Ranges,
  bytes: Bytes,
  granularity: 'channel' | 'tensor',
): Promise<QuantPlan> {
  const { graph } = model
  const activationSpec: QuantSpec = {
    format: { kind: 'int', bits: target.quant.activations.bits, signed: target.quant.activations.signed },
    symmetric: target.quant.activations.symmetric,
    granularity: { kind: 'tensor' },
    restricted: false,
  }
  const activations = decideActivations(choice, activationSpec, ranges)

  const weights = new Map<ValueName, QuantParams>()
  const biases = new Map<NodeId, BiasUse>()
  for (const c of choice.chosen.values()) {
    if (c.rule.constantWeight)
      await decideWeight(
        graph,
        c,
        target.quant.weights.perChannel && granularity === 'channel',
        activations,
        weights,
        biases,
        bytes,
      )
    else
      for (const name of constantInputs(c, graph))
        weights.set(name, await constantParams(graph, name, activationSpec, bytes))
  }
  return {
    activations,
    weights,
    biases,
    quantized: new Set([...choice.chosen.values()].flatMap(c => (c.fused ? [c.node.id, c.fused.id] : [c.node.id]))),
    float: choice.float,
    shared: choice.shared,
  }
}

function decideActivations(choice: Choice, spec: QuantSpec, ranges: Ranges): Map<ValueName, QuantParams> {
  const setOf = new Map(choice.shared.flatMap(set => set.map(name => [name, set] as const)))
  const clips = (name: ValueName): boolean => !choice.unclipped.has(name)
  const boundsOf = new Map([...choice.chosen.values()].map(c => [c.output, c.bounds] as const))
  const activations = new Map<ValueName, QuantParams>()
  for (const name of choice.values) {
    // Values of one set are moved, not computed: what the first of them spans is what all of them hold.
    const set = setOf.get(name) ?? [name]
    const clip = set.every(clips)
    const seen = set.map(member => ranges.of(member, spec, clip))
    const range = { min: Math.min(...seen.map(r => r.min)), max: Math.max(...seen.map(r => r.max)) }
    const free = paramsFromRange(range, spec)
    const bounds = set.map(member => boundsOf.get(member)).find(b => b != null)
    const { scale, zeroPoint } = bounds ? within(bounds, free, codeRange(spec)) : free
    activations.set(name, { spec, scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) })
  }
  return activations
}

async function decideWeight(
  graph: Graph,
  c: Chosen,
  perChannel: boolean,
  activations: ReadonlyMap<ValueName, QuantParams>,
  weights: Map<ValueName, QuantParams>,
  biases: Map<NodeId, BiasUse>,
  bytes: Bytes,
): Promise<void> {
  const name = c.node.inputs[1]!
  const tensor = graph.values.get(name)!.data!
  const axis = weightOf(c.node, graph)!.axis
  const data = viewAs('float32', await bytes.read(tensor)) as Float32Array
  const format = bitsOfFormat(c.formats.weights) < 8 ? c.formats.weights : 'int8'
  const spec = weightSpec(format, perChannel ? axis : null)
  const params = weightParams(data, tensor.shape, spec)
  const input = c.node.inputs[0]!
  const bias = biasOf(c.node)
  if (bias !== null) {
    const values = viewAs('float32', await bytes.read(graph.values.get(bias)!.data!)) as Float32Array
    widenForBias(params, values, activations.get(input)!.scale[0])
    biases.set(c.node.id, { bias, input, weight: name })
  }
  const before = weights.get(name)
  if (before) for (let i = 0; i < params.scale.length; i++) params.scale[i] = Math.max(params.scale[i], before.scale[i])
  weights.set(name, params)
}

const biasOf = (node: Node): ValueName | null => node.inputs[2] ?? null

/**
 * Symmetric weight scales per channel, max|w| / qmax. A channel of zeros takes the median of the others' scales, so that its bias
 * keeps a usable unit.
 */
export function weightParams(data: Float32Array, shape: readonly number[], spec: QuantSpec): QuantParams {
  const { qmax } = codeRange(spec)
  const bound = channelMax(data, shape, spec.granularity.kind === 'channel' ? spec.granularity.axis : null)
  const alive = Array.from(bound).filter(b => b > 0)
  alive.sort((a, b) => a - b)
  const median = alive.length > 0 ? alive[alive.length >> 1] : qmax
  const scale = Float32Array.from(bound, b => paramsFromRange({ min: -(b || median), max: b || median }, spec).scale)
  return { spec, scale, zeroPoint: new Int32Array(scale.length) }
}

function channelMax(data: Float32Array, shape: readonly number[], axis: number | null): Float32Array {
  const channels = axis === null ? 1 : shape[axis]
  const inner = axis === null ? data.length : shape.slice(axis + 1).reduce((n, d) => n * d, 1)
  const bound = new Float32Array(channels)
  for (let i = 0; i < data.length; i++) {
    const channel = axis === null ? 0 : Math.floor(i / inner) % channels
    const magnitude = Math.abs(data[i])
    if (magnitude > bound[channel]) bound[channel] = magnitude
  }
  return bound
}

// A bias beyond 2^30 of its unit would leave no room in the accumulator: the channel's scale is raised instead (typical after a
// BatchNorm with a tiny gamma was folded).
const biasLimit = 1073741824

function widenForBias(params: QuantParams, bias: Float32Array, inputScale: number): void {
  for (let i = 0; i < bias.length; i++) {
    const channel = params.scale.length === 1 ? 0 : i % params.scale.length
    const smallest = Math.abs(bias[i]) / (inputScale * biasLimit)
    if (smallest > params.scale[channel]) params.scale[channel] = Math.fround(smallest)
  }
}

async function constantParams(graph: Graph, name: ValueName, spec: QuantSpec, bytes: Bytes): Promise<QuantParams> {
  const data = viewAs('float32', await bytes.read(graph.values.get(name)!.data!)) as Float32Array
  let min = 0
  let max = 0
  for (const x of data) {
    if (x < min) min = x
    if (x > max) max = x
  }
  const { scale, zeroPoint } = paramsFromRange({ min, max }, spec)
  return { spec, scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) }
}
