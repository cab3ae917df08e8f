// What the lowering of one node works with.
import type { DType } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import type { Bytes } from '../../ir/context.ts'
import type { Graph, Node, NodeId, ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import type { Draft } from './draft.ts'

/** How the codes of a tensor stand for reals. */
export interface Codes {
  scale: number
  zero: number
}

/** 1 Relu, 2 Relu6; 0 where the codes of the output do it. */
export interface Fused {
  kind: 0 | 1 | 2
  output: ValueName
}

export interface Lowering {
  graph: Graph
  opset: number
  bytes: Bytes
  draft: Draft
  /** Nodes by the value that they give. */
  producer: ReadonlyMap<ValueName, Node>
  notes: string[]
  /** By the node before them, activations that it computes as well. */
  fused: ReadonlyMap<NodeId, Fused>
  /** How values that are kept as codes stand for reals. */
  codes: ReadonlyMap<ValueName, Codes>
  /** Weights of convolutions and matrices in halves. */
  halves: boolean
}

export interface Shaped {
  shape: readonly number[]
  dtype: DType | null
}

export const refuse = (node: Node, what: string, fix: string): StudioError =>
  new StudioError('unsupported', `${node.id} (${node.op}) ${what}`, { where: { node: node.id }, hint: fix })

/** Shape of a value; every one is known in what is written. */
export function shapeOf({ graph }: Lowering, node: Node, name: ValueName | null | undefined): readonly number[] {
  const shape = name ? graph.values.get(name)?.shape : null
  if (!shape?.every(d => typeof d === 'number'))
    throw refuse(node, `has the value ${name}, whose shape is not known`, 'Fix the inputs with --shape.')
  return shape as readonly number[]
}

/** The codes that a node is given by a pair. */
export function codesRead({ producer, codes }: Lowering, name: ValueName | null | undefined): Codes | null {
  const restore = producer.get(name ?? '')
  const quantize = restore?.op === 'DequantizeLinear' ? producer.get(restore.inputs[0]!) : null
  return codes.get(quantize?.inputs[0] ?? '') ?? null
}

export const constantOf = ({ graph }: Pick<Lowering, 'graph'>, name: ValueName | null | undefined): Tensor | null =>
  (name && graph.values.get(name)?.data) || null
