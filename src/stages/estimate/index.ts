// What activations would be like, for want of samples: the statistics of BatchNormalization carried through the graph, channel by channel
// (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4). Nothing is run.
import type { ChannelNormals } from '../../ir/channel-normals.ts'
import type { Bytes } from '../../ir/context.ts'
import type { Model, ValueName } from '../../ir/model.ts'
import type { Statistics } from './batch-norm.ts'
import { carry } from './carry.ts'

/**
 * Normals of every value that they can be carried to. `inputs`: what is known of what is fed. A value that a BatchNormalization made in
 * the model as imported is as that said, whatever was folded into what makes it now. Shapes must have been inferred.
 */
export async function estimate(
  { graph }: Model,
  statistics: Statistics,
  inputs: ReadonlyMap<ValueName, ChannelNormals>,
  bytes: Pick<Bytes, 'read'>,
): Promise<Map<ValueName, ChannelNormals>> {
  const known = new Map<ValueName, ChannelNormals>(inputs)
  for (const node of graph.nodes) {
    const [output, ...others] = node.outputs
    if (output === null || node.domain !== '' || others.some(o => o !== null)) continue
    const said = statistics.get(output)
    const width = graph.values.get(output)?.shape?.[1]
    const fill = (value: number): Float64Array => new Float64Array(said!.mean.length).fill(value)
    const normals =
      said && width === said.mean.length
        ? { axis: 1, ...said, low: fill(Number.NEGATIVE_INFINITY), high: fill(Number.POSITIVE_INFINITY) }
        : await carry(node, graph, known, bytes)
    if (normals) known.set(output, normals)
  }
  return known
}
