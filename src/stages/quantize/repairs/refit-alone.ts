// Refit of a single layer of a float network, in several formats at once: what its own rounding costs when it is done as well as the
// repair does it. Second moments are gathered once for all formats.
import type { Batch } from '../../../ir/batches.ts'
import type { Context } from '../../../ir/context.ts'
import type { Model } from '../../../ir/model.ts'
import type { QuantPlan } from '../../../ir/quant.ts'
import type { Stream } from '../../../ir/stream.ts'
import { layersOf, roundNode } from './refit.ts'
import { observeLayer } from './refit-moments.ts'

/** `plans` are of one layer and differ in its format alone; `stream` runs the float model over `given`. */
export async function refitAlone(
  model: Model,
  plans: readonly QuantPlan[],
  given: readonly Batch[],
  stream: Stream,
  ctx: Context,
): Promise<{ model: Model; plan: QuantPlan }[]> {
  const layers = plans.map(plan => layersOf(model.graph, plan).layers)
  const done = plans.map(plan => ({ float: model, model, plan, notes: [] as string[] }))
  if (layers.length === 0 || layers.some(list => list.length !== 1)) return done
  const images = given.reduce((n, batch) => n + batch.count, 0)
  const moments = await observeLayer(layers[0][0], done[0], { exact: stream, rounded: stream }, given, ctx)
  for (const [k, work] of done.entries()) await roundNode(layers[k][0], moments, images, work, ctx)
  return done
}
