// What the outputs would change by without a channel, to first order (Molchanov et al., Importance Estimation for Neural Network Pruning,
// 2019): the sum, over the weights that read it, of weight times gradient. There it is squared for the loss of labelled samples; here for
// the outputs themselves, as the mean over random signs of the square for their signed sum, which is the sum of the squares of all outputs'
// changes (Hutchinson, 1990), so that no labels are needed.
import { viewAs } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import type { Batch } from '../../ir/batches.ts'
import type { Context } from '../../ir/context.ts'
import { type Model, type NodeId, reads, type ValueName } from '../../ir/model.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'
import type { Training } from '../../ir/training.ts'
import { eachOf } from './channels.ts'
import type { Group } from './groups.ts'

/** Of each group's channels, [size]; batches of one sample each. */
export async function firstOrderChanges(
  model: Model,
  groups: readonly Group[],
  given: readonly Batch[],
  training: Training,
  { bytes, kernels, rng, signal }: Context,
): Promise<ReadonlyMap<NodeId, Float64Array>> {
  const { graph } = model
  const refused = training.refusal(graph.nodes)
  if (refused)
    throw new StudioError('unsupported', `${refused.node.op} (${refused.node.id}) ${refused.why}`, {
      where: { node: refused.node.id },
      hint: 'Choose another importance, such as covariance, or cut the model before this node with the step cut.',
    })
  const constants = new Map<ValueName, NdArray>()
  for (const name of new Set(graph.nodes.flatMap(reads))) {
    const tensor = graph.values.get(name)?.data
    if (!tensor) continue
    const { dtype, shape } = tensor
    const data = viewAs(dtype, await bytes.read(tensor))
    constants.set(name, dtype === 'float32' ? floats(shape, data as Float32Array) : { dtype, shape, data })
  }
  const weights = new Set(groups.flatMap(g => g.readers.map(r => r.value)))
  const network = training.network(graph.nodes, weights, new Map(), kernels)
  const changes = new Map(groups.map(g => [g.id, new Float64Array(g.size)]))
  for (const [index, { feeds }] of given.entries()) {
    signal.throwIfAborted()
    const draw = rng.fork('first-order').fork(`${index}`)
    const run = network.forward(new Map([...constants, ...Object.entries(feeds)]), () => 1)
    const start = new Map<ValueName, Float32Array>()
    for (const name of graph.outputs) {
      const { dtype, data } = run.value(name)
      if (dtype === 'float32')
        start.set(
          name,
          Float32Array.from({ length: data.length }, () => 2 * draw.below(2) - 1),
        )
    }
    const gradients = run.backward(start)
    for (const { id, readers } of groups) {
      const own = new Float64Array(changes.get(id)!.length)
      for (const reader of readers) {
        const gradient = gradients.get(reader.value)
        if (!gradient) continue
        const weight = constants.get(reader.value)!
        for (const c of own.keys())
          eachOf(reader, weight.shape, c, i => {
            own[c] += gradient[i] * Number(weight.data[i])
          })
      }
      for (const [c, change] of own.entries()) changes.get(id)![c] += change * change
    }
  }
  return changes
}
