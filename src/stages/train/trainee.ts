// What is trained: a part of a graph, the parameters that the optimiser moves, and how these become what the nodes read.
import { viewAs } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes } from '../../ir/context.ts'
import { leadingTo } from '../../ir/cut.ts'
import { type Graph, type Node, reads, type ValueName } from '../../ir/model.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'
import type { RoundedRead } from '../../ir/training.ts'
import { refusal } from './network.ts'

/** Values that the optimiser moves, in place. */
export interface Parameter {
  name: string
  values: Float32Array
  /** Its learning rate over the general one. */
  rate: number
  /**
   * Root of its mean square: what a step of Adam, which is as long for small values as for large ones, is measured in. Weights behind pixels
   * of 0 to 255 are a hundred times smaller than those behind normalised ones.
   */
  size: number
  /** Drawn towards zero by weight decay; biases, normalisations and scales are not. */
  decays: boolean
}

export interface Trainee {
  part: Part
  parameters: readonly Parameter[]
  /** What the nodes read of the parameters as they stand. */
  settle(): { arrays: Map<ValueName, NdArray>; rounded: Map<ValueName, RoundedRead> }
  /** Gradients of the parameters, in their order, by those of what the nodes read. */
  gradients(found: ReadonlyMap<ValueName, Float32Array>): Float32Array[]
}

/** The part of a graph that depends on what is learned and leads to `ends`. */
export interface Part {
  nodes: readonly Node[]
  /** Float constants that are learned, and those of them that weight decay draws. */
  learned: readonly ValueName[]
  decays: ReadonlySet<ValueName>
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
  const active = new Set<ValueName>()
  const nodes: Node[] = []
  for (const node of needed) {
    const slot = node.domain === '' ? slots[node.op] : undefined
    const own = (which: readonly number[]): ValueName[] => which.map(i => node.inputs[i]).filter(isLearned)
    const [weights, others] = slot ? [own(slot.weights), own(slot.others)] : [[], []]
    // A constant beside constants alone is folded, not learned.
    const alone = node.inputs.every(name => name === null || graph.values.get(name)?.data)
    const starts = !alone && weights.length + others.length > 0
    if (blind.has(node.op) || !(starts || reads(node).some(name => active.has(name)))) continue
    nodes.push(node)
    for (const name of node.outputs) if (name !== null) active.add(name)
    if (!starts) continue
    for (const name of weights) decays.add(name)
    for (const name of [...weights, ...others]) learned.add(name)
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
  return { nodes, learned: [...learned], decays, constants, fed }
}

/** Sizes of all parameters as they stand; those of zeros alone are as large as the others of their kind. */
export function measure(parameters: readonly Parameter[]): void {
  for (const p of parameters) p.size = rms(p.values)
  for (const decays of [true, false]) {
    const known = parameters.filter(p => p.decays === decays && p.size > 0)
    const usual = known.reduce((sum, p) => sum + p.size, 0) / Math.max(1, known.length)
    for (const p of parameters) if (p.decays === decays && p.size === 0) p.size = usual || 1
  }
}

function rms(values: Float32Array): number {
  let sum = 0
  for (const v of values) sum += v * v
  return Math.sqrt(sum / Math.max(1, values.length))
}

/** Weights as they are. */
export async function floatTrainee(graph: Graph, part: Part, bytes: Bytes): Promise<Trainee> {
  const parameters: Parameter[] = []
  for (const name of part.learned) {
    const tensor = graph.values.get(name)!.data!
    const values = (await readFloats(bytes, tensor)).slice()
    parameters.push({ name, values, rate: 1, size: 0, decays: part.decays.has(name) })
  }
  measure(parameters)
  const shapes = part.learned.map(name => graph.values.get(name)!.data!.shape)
  return {
    part,
    parameters,
    settle: () => ({
      arrays: new Map(parameters.map(({ name, values }, i) => [name, floats(shapes[i], values)])),
      rounded: new Map(),
    }),
    gradients: found => parameters.map(({ name, values }) => found.get(name) ?? new Float32Array(values.length)),
  }
}
