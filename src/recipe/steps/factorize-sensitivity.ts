// How much more, or less, than the share of its own output that a factorised layer loses reaches the model's outputs: each layer is
// factorised alone, at about half of what it costs, and run from the cut before it.
import type { Feeds } from '../../ir/context.ts'
import { cutGraph } from '../../ir/cut.ts'
import type { Model } from '../../ir/model.ts'
import { openStream } from '../../ir/stream.ts'
import { noiseShare } from '../../stages/evaluate/errors.ts'
import { withRanks } from '../../stages/factorize/apply.ts'
import { wholeCost } from '../../stages/factorize/layers.ts'
import type { LayerCost, Method, Prepared, Ranks } from '../../stages/factorize/types.ts'
import type { StepEnv } from '../state.ts'
import type { FactorizeOptions } from './factorize-options.ts'
import { arraysAt, cutAt } from './sensitivity.ts'
import { openTrial } from './trial.ts'

/** For each layer the error of the outputs, as a share of their energy, in units of the share of its own output that it loses. */
export async function errorsAlone(
  model: Model,
  prepared: readonly Prepared[],
  method: Method,
  unit: (cost: LayerCost) => number,
  o: FactorizeOptions,
  env: StepEnv,
): Promise<number[]> {
  const { ctx } = env
  const count = Math.min(env.samples, o.samples)
  const trial = await openTrial(model, env.calibration!, { batch: o.batch, count, input: env.input }, ctx)
  const stream = openStream(trial.batches, async part => part, ctx, {
    width: ctx.runner.threads,
    largest: Number.POSITIVE_INFINITY,
  })
  const key = { stage: 'factorize-sensitivity', method: method.id, of: o.budget.of, aware: o.dataAware, count }
  const weights: number[] = []
  for (const [done, one] of prepared.entries()) {
    const { node } = one.layer
    const { live, outputs } = cutAt(model.graph, { nodes: [node.id] })
    const half = halfOf(one, method, unit)
    const { sqnrDb } = await env.memo({ ...key, batch: o.batch, fit: o.reconstruct, node: node.id }, async () => {
      const feeds: Feeds[] = await arraysAt(stream, model, live, ctx)
      const changed = withRanks(model, [one], [half], method)
      const { errors: _, ...figures } = await trial.compare(cutGraph(changed, live, outputs), feeds)
      return figures
    })
    const lost = one.loss(half)
    weights.push(lost > 0 ? noiseShare(sqnrDb) / lost : 0)
    ctx.progress({ stage: 'factorize', done: done + 1, total: prepared.length, note: node.id })
  }
  return weights
}

/** The ranks that lose least of those that cost no more than half. */
function halfOf({ layer, loss }: Prepared, method: Method, unit: (cost: LayerCost) => number): Ranks {
  const most = unit(wholeCost(layer)) / 2
  const ways = method.ways(layer)
  const within = ways.filter(ranks => unit(method.cost(layer, ranks)) <= most)
  return within.reduce((best, ranks) => (loss(ranks) < loss(best) ? ranks : best), within[0] ?? ways[0])
}
