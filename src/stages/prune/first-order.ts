// What the outputs would change by without a channel, to first order (Molchanov et al., Importance Estimation for Neural Network Pruning,
// 2019): the sum, over the weights that read it, of weight times gradient. There it is squared for the loss of labelled samples; here for
// the outputs themselves, as the mean over random signs of the square for their signed sum, which is the sum of the squares of all outputs'
// changes (Hutchinson, 1990), so that no labels are needed.
import { viewAs } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import type { Batch } from '../../ir/batches.ts'
import type { Context } from '../../ir/context.ts'
import { type Graph, type Model, type Node, type NodeId, reads, type ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'
import type { Training } from '../../ir/training.ts'
import { eachOf } from './channels.ts'
import type { Group } from './groups.ts'

/** Of each group's channels, [size]; batches of one sample each. `model` with inferred types. */
export async function firstOrderChanges(
  model: Model,
  groups: readonly Group[],
  given: readonly Batch[],
  training: Training,
  ctx: Context,
): Promise<ReadonlyMap<NodeId, Float64Array>> {
  const { graph } = model
  const weights = new Set(groups.flatMap(g => g.readers.map(r => r.value)))
  const nodes = dependingOn(weights, graph)
  const refused = training.refusal(nodes)
  if (refused)
    throw new StudioError('unsupported', `${refused.node.op} (${refused.node.id}) ${refused.why}`, {
      where: { node: refused.node.id },
      hint: 'Choose another importance, such as covariance, or cut the model before this node with the step cut.',
    })
  const made = new Set(nodes.flatMap(n => n.outputs))
  const read = [...new Set(nodes.flatMap(reads))].filter(name => !made.has(name))
  const constants = new Map<ValueName, NdArray>()
  for (const name of read) {
    const tensor = graph.values.get(name)?.data
    if (!tensor) continue
    const { dtype, shape } = tensor
    constants.set(name, { dtype, shape, data: viewAs(dtype, await ctx.bytes.read(tensor)) })
  }
  const before = read.filter(name => !constants.has(name) && !graph.inputs.includes(name))
  const outputs = graph.outputs.filter(name => made.has(name) && graph.values.get(name)?.dtype === 'float32')
  const network = training.network(nodes, weights, new Map(), ctx.kernels)
  const changes = new Map(groups.map(g => [g.id, new Float64Array(g.size)]))
  const session = before.length > 0 ? await ctx.runner.open(model, { outputs: before }) : null
  try {
    for (const [index, { feeds }] of given.entries()) {
      ctx.signal.throwIfAborted()
      const rest = session ? await session.run(feeds) : {}
      const run = network.forward(new Map([...constants, ...Object.entries(feeds), ...Object.entries(rest)]), () => 1)
      const draw = ctx.rng.fork('first-order').fork(`${index}`)
      const signs = (name: ValueName): Float32Array =>
        Float32Array.from({ length: run.value(name).data.length }, () => 2 * draw.below(2) - 1)
      const gradients = run.backward(new Map(outputs.map(name => [name, signs(name)])))
      for (const { id, readers } of groups) addSquares(changes.get(id)!, readers, gradients, constants)
      ctx.progress({ stage: 'prune', done: index + 1, total: given.length })
    }
  } finally {
    await session?.close()
  }
  return changes
}

/** Nodes that the weights have a part in, by way of reals: whole numbers, such as shapes, have no gradients. */
function dependingOn(weights: ReadonlySet<ValueName>, graph: Graph): Node[] {
  const active = new Set(weights)
  return graph.nodes.filter(node => {
    const reals = node.outputs.filter(name => name !== null && graph.values.get(name)?.dtype === 'float32')
    if (reals.length === 0 || !reads(node).some(name => active.has(name))) return false
    for (const name of reals) active.add(name!)
    return true
  })
}

/** The square of what each channel adds to the signed sum, by all weights that read it. */
function addSquares(
  to: Float64Array,
  readers: Group['readers'],
  gradients: ReadonlyMap<ValueName, Float32Array>,
  weights: ReadonlyMap<ValueName, NdArray>,
): void {
  const own = new Float64Array(to.length)
  for (const reader of readers) {
    const gradient = gradients.get(reader.value)
    if (!gradient) continue
    const { shape, data } = weights.get(reader.value)!
    for (const c of own.keys())
      eachOf(reader, shape, c, i => {
        own[c] += gradient[i] * Number(data[i])
      })
  }
  for (const [c, change] of own.entries()) to[c] += change * change
}
