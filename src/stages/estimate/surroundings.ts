// What a rule that carries channels through an operator may look at.

import { readFloats } from '../../ir/bytes.ts'
import type { ChannelNormals } from '../../ir/channel-normals.ts'
import type { Bytes } from '../../ir/context.ts'
import type { Dim, Graph, Node, ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'

export interface Surroundings {
  graph: Graph
  known: ReadonlyMap<ValueName, ChannelNormals>
  bytes: Pick<Bytes, 'read'>
}
export function constantOf(graph: Graph, name: ValueName | null | undefined): Tensor | null {
  return name == null || graph.inputs.includes(name) ? null : (graph.values.get(name)?.data ?? null)
}

export const shapeOf = (graph: Graph, name: ValueName | null | undefined): readonly Dim[] | null =>
  name == null ? null : (graph.values.get(name)?.data?.shape ?? graph.values.get(name)?.shape ?? null)

export async function floatsOf(tensor: Tensor, bytes: Pick<Bytes, 'read'>): Promise<Float32Array | null> {
  return tensor.dtype === 'float32' ? readFloats(bytes, tensor) : null
}

export type Rule = (node: Node, around: Surroundings) => ChannelNormals | null | Promise<ChannelNormals | null>

export const first = (node: Node, { known }: Surroundings): ChannelNormals | null =>
  known.get(node.inputs[0] ?? '') ?? null
