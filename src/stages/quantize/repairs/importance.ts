// How much each element of a block's output counts (BRECQ, 2021, section 3.3): the diagonal of the Fisher information of the network's
// answer, taken as a Gaussian of unit variance around each output. That is the mean square of gradients from random signs at the outputs
// (Hutchinson's estimator), so that neither labels nor a task are asked for.

import { viewAs } from '../../../base/dtype.ts'
import type { Batch } from '../../../ir/batches.ts'
import type { Context } from '../../../ir/context.ts'
import { leadingTo } from '../../../ir/cut.ts'
import { type Model, reads, type ValueName } from '../../../ir/model.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { type Block, endsOf } from './blocks.ts'
import { Samples } from './samples.ts'
import type { Learning } from './types.ts'

const probes = 4

/** Importance of each block's output, 1 on average; or why it cannot be had. */
export async function importanceOf(
  float: Model,
  blocks: readonly Block[],
  given: readonly Batch[],
  { training }: Learning,
  ctx: Context,
): Promise<Map<ValueName, Samples> | string> {
  const { graph } = float
  const ends = endsOf(graph, training)
  const nodes = leadingTo(graph, ends)
  const refused = training.refusal(nodes)
  if (refused)
    return `Errors of all elements of a block count alike: ${refused.node.op} (${refused.node.id}) ${refused.why}.`
  const constants = new Map<ValueName, NdArray>()
  for (const name of new Set(nodes.flatMap(reads))) {
    const tensor = graph.values.get(name)?.data
    if (tensor) constants.set(name, { ...tensor, data: viewAs(tensor.dtype, await ctx.bytes.read(tensor)) })
  }
  const outputs = blocks.map(b => b.output)
  const network = training.network(nodes, new Set(outputs), new Map(), ctx.kernels)
  const squares = new Map<ValueName, { shape: readonly number[]; parts: Float32Array[] }>()
  const rng = ctx.rng.fork('importance')
  for (const [index, { feeds }] of given.entries()) {
    ctx.signal.throwIfAborted()
    ctx.progress({ stage: 'quantize', done: index, total: given.length, note: 'importance' })
    const run = network.forward(new Map([...constants, ...Object.entries(feeds)]), () => 1)
    for (let probe = 0; probe < probes; probe++) {
      const signs = ends.map(name => [name, signsFor(run.value(name), () => rng.uniform())] as const)
      for (const [name, gradient] of run.backward(new Map(signs))) {
        const { shape } = run.value(name)
        const known = squares.get(name) ?? { shape, parts: [] }
        squares.set(name, known)
        known.parts[index] ??= new Float32Array(gradient.length)
        for (let i = 0; i < gradient.length; i++) known.parts[index][i] += gradient[i] * gradient[i]
      }
    }
  }
  const count = given.reduce((n, batch) => n + batch.count, 0)
  return new Map(
    [...squares].map(([name, { shape, parts }]) => {
      const all = new Float32Array(parts.reduce((n, p) => n + p.length, 0))
      let at = 0
      for (const part of parts) {
        all.set(part, at)
        at += part.length
      }
      const mean = all.reduce((sum, x) => sum + x, 0) / all.length
      const rows = all.length / shape.slice(1).reduce((n, d) => n * d, 1)
      return [name, new Samples([rows, ...shape.slice(1)], mean > 0 ? all.map(x => x / mean) : all.fill(1), count)]
    }),
  )
}

const signsFor = ({ data }: NdArray, uniform: () => number): Float32Array =>
  Float32Array.from({ length: data.length }, () => (uniform() < 0.5 ? -1 : 1))
