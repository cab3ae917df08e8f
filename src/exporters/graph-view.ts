// What exporters of layer formats (ncnn, Caffe) ask of a graph: shapes that are known, constants, who makes and who reads a value, and
// what pairs of QuantizeLinear and DequantizeLinear stand for.
import { type Graph, type Model, type Node, type NodeId, reads, type ValueName } from '../ir/model.ts'
import type { Tensor } from '../ir/tensor.ts'
import { contentOf } from '../ops/content.ts'
import type { Problem } from './types.ts'

/** Why a node cannot be written; thrown while its layer is planned, and gathered as a finding. */
export class Refused extends Error {
  readonly fix: string | undefined
  constructor(why: string, fix?: string) {
    super(why)
    this.fix = fix
  }
}

/** Codes of int8 whose zero point is 0, with a scale each or for each channel. */
export interface Codes {
  codes: Tensor
  scale: Tensor
}

/** A value as int8 codes: the float that is rounded, the unit of the codes, and which of them is 0. */
export interface Rounded {
  source: ValueName
  scale: number
  zero: number
}

export class GraphView {
  readonly graph: Graph
  readonly #producers = new Map<ValueName, Node>()
  readonly #consumers = new Map<ValueName, Node[]>()
  readonly #outputs: ReadonlySet<ValueName>
  /** Nodes that are no layers of their own: pairs, and clips that only keep codes within -127. */
  readonly ofPairs = new Set<NodeId>()

  constructor({ graph }: Model) {
    this.graph = graph
    this.#outputs = new Set(graph.outputs)
    for (const node of graph.nodes) {
      for (const name of node.outputs) if (name !== null) this.#producers.set(name, node)
      for (const name of new Set(reads(node))) this.#consumers.set(name, [...this.consumers(name), node])
    }
    for (const node of graph.nodes) {
      if (node.op === 'DequantizeLinear' || node.op === 'QuantizeLinear') this.ofPairs.add(node.id)
      const clip = node.op === 'QuantizeLinear' ? this.#clipBefore(node) : null
      if (clip) this.ofPairs.add(clip.id)
    }
  }

  producer(name: ValueName): Node | null {
    return this.#producers.get(name) ?? null
  }
  consumers(name: ValueName): readonly Node[] {
    return this.#consumers.get(name) ?? []
  }
  isOutput(name: ValueName): boolean {
    return this.#outputs.has(name)
  }

  /** Every dimension as a number. */
  shape(name: ValueName): number[] {
    const value = this.graph.values.get(name)
    const shape = value?.data?.shape ?? value?.shape ?? null
    if (shape?.every(d => typeof d === 'number')) return shape as number[]
    throw new Refused(`the shape of ${name} is not known`, 'Fix the shapes of the inputs.')
  }

  constant(name: ValueName | null | undefined): Tensor | null {
    return (name != null && this.graph.values.get(name)?.data) || null
  }

  /** Numbers of a small constant. */
  numbers(name: ValueName | null | undefined): number[] | null {
    const tensor = this.constant(name)
    return tensor && contentOf(tensor)
  }

  /** The one node that reads a value, where nobody else does. */
  onlyReader(name: ValueName): Node | null {
    const readers = this.consumers(name)
    return readers.length === 1 && !this.isOutput(name) ? readers[0] : null
  }

  /** What a value behind a pair of int8 stands for; null for all others. */
  rounded(name: ValueName): Rounded | null {
    const restore = this.producer(name)
    if (restore?.op !== 'DequantizeLinear' || restore.inputs[0] === null) return null
    const quantize = this.producer(restore.inputs[0])
    return quantize?.op === 'QuantizeLinear' ? this.#roundedBy(quantize) : null
  }

  #roundedBy(quantize: Node): Rounded | null {
    const scale = this.numbers(quantize.inputs[1])
    const zero = this.constant(quantize.inputs[2])
    const zeros = zero?.dtype === 'int8' ? contentOf(zero) : null
    if (scale?.length !== 1 || zeros?.length !== 1) return null
    const source = this.#clipBefore(quantize)?.inputs[0] ?? quantize.inputs[0]!
    return { source, scale: scale[0], zero: zeros[0] }
  }

  /** A constant of int8 behind DequantizeLinear; scales along `axis` of its shape, or one. */
  codes(name: ValueName, axis: number): Codes | null {
    const restore = this.producer(name)
    const codes = restore?.op === 'DequantizeLinear' ? this.constant(restore.inputs[0]) : null
    const scale = restore && this.constant(restore.inputs[1])
    if (codes?.dtype !== 'int8' || !scale || !this.#isAroundZero(restore!.inputs[2])) return null
    const given = restore!.attrs.get('axis')
    const along = given?.kind === 'int' ? Number(given.value) : 1
    const channels = scale.shape.length === 0 || scale.shape[0] === 1
    if (restore!.attrs.has('block_size') || (!channels && (along + codes.shape.length) % codes.shape.length !== axis))
      return null
    return { codes, scale }
  }

  /** How a value is rounded and who reads it so, where nothing reads it as it is; null where something does. */
  readersOfCodes(name: ValueName): { rounded: Rounded; readers: readonly Node[] } | null {
    const only = this.onlyReader(name)
    const quantize = only && this.ofPairs.has(only.id) && only.op === 'Clip' ? this.onlyReader(only.outputs[0]!) : only
    if (quantize?.op !== 'QuantizeLinear') return null
    const restores = this.consumers(quantize.outputs[0]!)
    if (restores.some(n => n.op !== 'DequantizeLinear' || this.isOutput(n.outputs[0]!))) return null
    const rounded = this.#roundedBy(quantize)
    return rounded && { rounded, readers: restores.flatMap(n => this.consumers(n.outputs[0]!)) }
  }

  #isAroundZero(zero: ValueName | null | undefined): boolean {
    const tensor = this.constant(zero)
    if (!tensor) return zero == null
    return tensor.dtype === 'int8' && contentOf(tensor)?.every(z => z === 0) === true
  }

  /** A clip at the smallest code that is kept, before a QuantizeLinear that alone reads it. */
  #clipBefore(quantize: Node): Node | null {
    const clip = quantize.inputs[0] === null ? null : this.producer(quantize.inputs[0])
    if (clip?.op !== 'Clip' || this.onlyReader(clip.outputs[0]!) !== quantize) return null
    const scale = this.numbers(quantize.inputs[1])
    const low = this.numbers(clip.inputs[1])
    const high = clip.inputs[2] == null ? null : this.numbers(clip.inputs[2])
    const zero = this.numbers(quantize.inputs[2])?.[0] ?? 0
    if (scale?.length !== 1 || low?.length !== 1) return null
    const at = (bound: number, code: number): boolean => Math.abs(bound / scale[0] + zero - code) < 1e-3
    return at(low[0], -127) && (high === null || at(high[0], 127)) ? clip : null
  }
}

/** A finding for what `plan` of a node throws; null where it throws nothing. */
export function refusalOf(node: Node, source: string, plan: () => void): Problem | null {
  try {
    plan()
    return null
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown
    const { message, fix } = thrown
    return { node: node.id, op: node.op, why: message, level: 'refused', ...(fix ? { fix } : {}), source }
  }
}
