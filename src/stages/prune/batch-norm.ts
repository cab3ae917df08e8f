// Statistics of BatchNormalizations taken anew from the pruned model, one after the other, over all samples: E[x] and E[x^2] - E[x]^2 of
// each channel, every value counting once.
import { bytesOf } from '../../base/dtype.ts'
import { type Batch, bytesPerSample, held } from '../../ir/batches.ts'
import type { Context } from '../../ir/context.ts'
import { edit } from '../../ir/edit.ts'
import type { Model, Node, ValueName } from '../../ir/model.ts'
import { largestKept, openStream, type Stream } from '../../ir/stream.ts'
import type { FitData } from './reconstruct.ts'

export async function reestimate(
  pruned: Model,
  samples: FitData,
  ctx: Context,
): Promise<{ model: Model; count: number }> {
  const norms = pruned.graph.nodes.filter(n => n.op === 'BatchNormalization' && isOwn(n, pruned))
  const most = norms.reduce((m, n) => Math.max(m, bytesPerSample(pruned.graph, [n.inputs[0]!])), 0)
  const given: readonly Batch[] = await held(pruned.graph, samples, ctx, most)
  const stream = openStream(given, async part => part, ctx, { width: ctx.runner.threads, largest: largestKept })
  let model = pruned
  for (const [index, node] of norms.entries()) {
    const input = node.inputs[0]!
    const { mean, variance } = await momentsAt(stream, model, input, ctx)
    const graph = edit(model.graph, editor => {
      for (const [i, data] of [[3, mean] as const, [4, variance] as const]) {
        const value = editor.value(node.inputs[i]!)!
        editor.setValue({ ...value, data: { ...value.data!, data: bytesOf(data) } })
      }
    })
    model = { ...model, graph }
    stream.forget(
      model,
      norms.slice(index + 1).map(n => n.inputs[0]!),
    )
  }
  return { model, count: norms.length }
}

/** Whether its statistics are constants that no other node reads. */
function isOwn(node: Node, { graph }: Model): boolean {
  const statistics = [node.inputs[3], node.inputs[4]]
  return statistics.every(
    name =>
      name != null &&
      graph.values.get(name)?.data?.dtype === 'float32' &&
      graph.nodes.every(n => n === node || !n.inputs.includes(name)),
  )
}

async function momentsAt(
  stream: Stream,
  model: Model,
  input: ValueName,
  { signal }: Context,
): Promise<{ mean: Float32Array; variance: Float32Array }> {
  let count = 0
  let sum = new Float64Array(0)
  let squares = new Float64Array(0)
  for await (const { arrays } of stream.run(model, [input], [input])) {
    signal.throwIfAborted()
    const { shape, data } = arrays[input]
    const x = data as Float32Array
    const channels = shape[1]
    const size = shape.slice(2).reduce((n, d) => n * d, 1)
    if (sum.length === 0) {
      sum = new Float64Array(channels)
      squares = new Float64Array(channels)
    }
    for (let at = 0; at < x.length; at++) {
      const c = Math.floor(at / size) % channels
      sum[c] += x[at]
      squares[c] += x[at] * x[at]
    }
    count += shape[0] * size
  }
  const mean = Float32Array.from(sum, s => s / count)
  const variance = Float32Array.from(squares, (s, c) => Math.max(0, s / count - (sum[c] / count) * (sum[c] / count)))
  return { mean, variance }
}
