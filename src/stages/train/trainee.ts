// What is trained: a part of a graph, the parameters that the optimiser moves, and how these become what the nodes read.
import { elementCount, viewAs } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes } from '../../ir/context.ts'
import { leadingTo } from '../../ir/cut.ts'
import { attrInt, type Graph, type Node, reads, type ValueName } from '../../ir/model.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'
import type { RoundedRead } from '../../ir/training.ts'
import { inTrainingForm, keepMoments, type Moments, normsIn } from './batch-statistics.ts'
import { refusal } from './network.ts'
import type { Sizes } from './optimizers.ts'

/** Values that the optimiser moves, in place. */
export interface Parameter {
  name: string
  values: Float32Array
  /** Its learning rate over the general one. */
  rate: number
  /** What a step of Adam, which is as long for small values as for large ones, is measured in. */
  size: Sizes
  /** Drawn towards zero by weight decay; biases, normalisations and scales are not. */
  decays: boolean
}

export interface Trainee {
  part: Part
  /** The part's nodes as they learn. */
  nodes: readonly Node[]
  parameters: readonly Parameter[]
  /** What the nodes read of the parameters as they stand. */
  settle(): { arrays: Map<ValueName, NdArray>; rounded: Map<ValueName, RoundedRead> }
  /** Gradients of the parameters, in their order, by those of what was settled last. */
  gradients(found: ReadonlyMap<ValueName, Float32Array>): Float32Array[]
  /** Moves what follows the samples rather than gradients, by what the shards of a step found. */
  observe(shards: readonly ReadonlyMap<ValueName, Moments>[]): void
}

/** The part of a graph that depends on what is learned and leads to `ends`. */
export interface Part {
  nodes: readonly Node[]
  /** Float constants that are learned, and those of them that weight decay draws. */
  learned: readonly ValueName[]
  decays: ReadonlySet<ValueName>
  /** Along which axis weights have their output channels, where that is known. */
  axes: ReadonlyMap<ValueName, number>
  constants: ReadonlyMap<ValueName, NdArray>
  /** What it reads of the rest: inputs of the graph, and values that depend on them alone. */
  fed: readonly ValueName[]
}

/** Where an operator's learned constants stand: those that are matrices, and those that are biases or normalise. */
const slots: Readonly<Record<string, { weights: readonly number[]; others: readonly number[] }>> = {
  Conv: { weights: [1], others: [2] },
  ConvTranspose: { weights: [1], others: [2] },
  Gemm: { weights: [0, 1], others: [2] },
  MatMul: { weights: [0, 1], others: [] },
  Gather: { weights: [0], others: [] },
  BatchNormalization: { weights: [], others: [1, 2] },
  LayerNormalization: { weights: [], others: [1, 2] },
  PRelu: { weights: [], others: [1] },
  Add: { weights: [], others: [0, 1] },
}

/** What comes of values of any content alike: nothing that is learned shows in it. */
const blind = new Set(['Shape', 'Size', 'ConstantOfShape'])

/** Throws where the part cannot be trained. */
export async function partOf(graph: Graph, ends: readonly ValueName[], bytes: Bytes): Promise<Part> {
  const part = await cutOut(graph, ends, bytes)
  const refused = refusal(part.nodes)
  if (refused)
    throw new StudioError('unsupported', `${refused.node.op} (${refused.node.id}) ${refused.why}`, {
      where: { node: refused.node.id },
      hint: 'Leave the training step out, or cut the model before this node with the step cut.',
    })
  if (part.learned.length === 0)
    throw new StudioError('unsupported', 'The model has no weights that could be trained', {
      hint: 'Leave the training step out: its weights may be computed at run time, or no float32.',
    })
  return part
}

export async function cutOut(graph: Graph, ends: readonly ValueName[], bytes: Bytes): Promise<Part> {
  const needed = leadingTo(graph, ends)
  const isLearned = (name: ValueName | null | undefined): name is ValueName => {
    const tensor = name ? graph.values.get(name)?.data : null
    return tensor != null && tensor.dtype === 'float32' && tensor.shape.length > 0
  }
  const learned = new Set<ValueName>()
  const decays = new Set<ValueName>()
  const axes = new Map<ValueName, number>()
  const active = new Set<ValueName>()
  const nodes: Node[] = []
  for (const node of needed) {
    const slot = node.domain === '' ? slots[node.op] : undefined
    const own = (which: readonly number[]): number[] => which.filter(i => isLearned(node.inputs[i]))
    const [weights, others] = slot ? [own(slot.weights), own(slot.others)] : [[], []]
    // A constant beside constants alone is folded, not learned.
    const alone = node.inputs.every(name => name === null || graph.values.get(name)?.data)
    const starts = !alone && weights.length + others.length > 0
    if (blind.has(node.op) || !(starts || reads(node).some(name => active.has(name)))) continue
    nodes.push(node)
    for (const name of node.outputs) if (name !== null) active.add(name)
    if (!starts) continue
    for (const at of weights) {
      const name = node.inputs[at]!
      decays.add(name)
      const axis = outputAxis(node, at, graph.values.get(name)!.data!.shape.length)
      if (axis !== null) axes.set(name, axis)
    }
    for (const at of [...weights, ...others]) learned.add(node.inputs[at]!)
  }
  const made = new Set(nodes.flatMap(n => n.outputs))
  const constants = new Map<ValueName, NdArray>()
  const fed: ValueName[] = []
  for (const name of new Set(nodes.flatMap(reads))) {
    const tensor = graph.values.get(name)?.data
    if (made.has(name) || learned.has(name)) continue
    if (tensor) {
      const { dtype, shape } = tensor
      constants.set(name, { dtype, shape, data: viewAs(dtype, await bytes.read(tensor)) })
    } else fed.push(name)
  }
  return { nodes, learned: [...learned], decays, axes, constants, fed }
}

/** Which axis of the weights that a node reads at `slot` is that of its output channels. */
function outputAxis(node: Node, slot: number, rank: number): number | null {
  switch (node.op) {
    case 'Conv':
      return 0
    case 'ConvTranspose':
      return 1
    case 'Gemm':
      return attrInt(node, slot === 0 ? 'transA' : 'transB', 0) !== 0 ? 1 - slot : slot
    case 'MatMul':
      return rank < 2 ? null : rank - 2 + slot
    default:
      return null
  }
}

// Of the whole tensor's size, what a channel has at least: one of zeros should learn too.
const leastShare = 1 / 16

/** Sizes of all parameters as they stand; those of zeros alone are as large as the others of their kind. */
export function measure(parameters: readonly Parameter[]): void {
  const whole = parameters.map(({ values, size: { channels, inner } }) => {
    let all = 0
    const sums = new Float64Array(channels.length)
    for (let i = 0, run = 0; i < values.length; run++)
      for (const end = i + inner; i < end; i++) sums[run % channels.length] += values[i] * values[i]
    for (const sum of sums) all += sum
    const size = Math.sqrt(all / Math.max(1, values.length))
    for (const [c, sum] of sums.entries())
      channels[c] = Math.max(leastShare * size, Math.sqrt((sum * channels.length) / Math.max(1, values.length)))
    return size
  })
  for (const decays of [true, false]) {
    const known = whole.filter((size, i) => parameters[i].decays === decays && size > 0)
    const usual = known.reduce((sum, size) => sum + size, 0) / Math.max(1, known.length)
    for (const [i, p] of parameters.entries())
      if (p.decays === decays && whole[i] === 0) p.size.channels.fill(usual || 1)
  }
}

/** To be measured: of a parameter with output channels along an axis, or of one that is taken as a whole. */
export const sizesOf = (shape: readonly number[], axis: number | undefined): Sizes =>
  axis === undefined
    ? { channels: new Float32Array(1).fill(1), inner: elementCount(shape) }
    : { channels: new Float32Array(shape[axis]).fill(1), inner: elementCount(shape.slice(axis + 1)) }

export const normalizations = ['batch', 'frozen'] as const

/** Weights as they are; BatchNormalizations by the batch, with kept moments that follow it, or by the kept ones as they are. */
export async function floatTrainee(
  graph: Graph,
  part: Part,
  normalization: (typeof normalizations)[number],
  bytes: Bytes,
): Promise<Trainee> {
  const parameters: Parameter[] = []
  for (const name of part.learned) {
    const tensor = graph.values.get(name)!.data!
    const values = (await readFloats(bytes, tensor)).slice()
    const size = sizesOf(tensor.shape, part.axes.get(name))
    parameters.push({ name, values, rate: 1, size, decays: part.decays.has(name) })
  }
  measure(parameters)
  const norms = normalization === 'batch' ? normsIn(part.nodes, name => part.constants.has(name)) : []
  const kept = new Map<ValueName, Float32Array>()
  for (const name of norms.flatMap(({ mean, variance }) => [mean, variance])) {
    const { shape, data } = part.constants.get(name)!
    const values = (data as Float32Array).slice()
    parameters.push({ name, values, rate: 0, size: sizesOf(shape, undefined), decays: false })
    kept.set(name, values)
  }
  const shapes = parameters.map(({ name }) => graph.values.get(name)!.data!.shape)
  return {
    part,
    nodes: inTrainingForm(part.nodes, norms),
    parameters,
    settle: () => ({
      arrays: new Map(parameters.map(({ name, values }, i) => [name, floats(shapes[i], values)])),
      rounded: new Map(),
    }),
    gradients: found => parameters.map(({ name, values }) => found.get(name) ?? new Float32Array(values.length)),
    observe(shards) {
      for (const { mean, variance, keep } of norms)
        keepMoments(
          kept.get(mean)!,
          kept.get(variance)!,
          keep,
          shards.map(found => found.get(mean)!),
        )
    },
  }
}
