// Step `factorize`: layers become two or three smaller ones, with ranks that meet a budget of multiply-accumulates, parameters or bytes
// where the model loses least, and what is left is fitted to the samples.
import { StudioError } from '../../base/errors.ts'
import { held } from '../../ir/batches.ts'
import { inLots } from '../../ir/lots.ts'
import type { Model, NodeId } from '../../ir/model.ts'
import { infer } from '../../ops/infer.ts'
import { withRanks } from '../../stages/factorize/apply.ts'
import { covarianceOf, layersOf, weightsOf, wholeCost } from '../../stages/factorize/layers.ts'
import { lossOf } from '../../stages/factorize/losses.ts'
import { findMethod } from '../../stages/factorize/methods/index.ts'
import { chooseRanks, type Way, worthwhile } from '../../stages/factorize/ranks.ts'
import { splitTask } from '../../stages/factorize/split.ts'
import type { Layer, LayerCost, Method, Prepared } from '../../stages/factorize/types.ts'
import { momentsOfLayers } from '../../stages/prune/alone.ts'
import { reconstruct } from '../../stages/prune/reconstruct.ts'
import { type State, type StepEnv, step } from '../state.ts'
import { isSize, type SizeBudget, type SizeKind, sizeOf, tolerance, wantedBy, wordsFor } from './budget.ts'
import { type FactorizeOptions, options } from './factorize-options.ts'
import { errorsAlone } from './factorize-sensitivity.ts'
import { within } from './within.ts'

export const factorize = step({
  id: 'factorize',
  label: 'Factorise layers',
  stands: 'before',
  options,
  needs: o => (o.dataAware || o.reconstruct || o.ranks === 'measured' || !isSize(o.budget) ? ['calibration'] : []),
  run: (state, o, env) => within('factorize', state, o, env, factorizeWith),
})

async function factorizeWith(state: State, o: FactorizeOptions & { budget: SizeBudget }, env: StepEnv): Promise<State> {
  const { ctx } = env
  const model = infer(state.model)
  const method = findMethod(o.method)
  const { layers, skipped } = layersOf(model, method)
  const { of } = o.budget
  const now = await sizeOf(model, of, env)
  const wanted = await wantedBy(o.budget, state, env)
  const words = wordsFor(o.budget)
  if (now <= wanted)
    return {
      ...state,
      notes: [
        ...state.notes,
        `Nothing was factorised: the model has ${words(now)}, and ${words(wanted)} were asked for.`,
      ],
    }
  const prepared = await prepare(model, layers, method, o, env)
  const weights =
    o.ranks === 'measured' ? await errorsAlone(model, prepared, method, unitOf(of), o, env) : layers.map(() => 1)
  const ways = prepared.map((p, i) => waysOf(p, method, unitOf(of), weights[i]))
  const { chosen, factored, reached } = await meet(
    model,
    prepared,
    ways,
    method,
    { of, now, wanted, words, about: o.budget.about === true },
    env,
  )
  const notes: string[] = []
  let after = factored
  if (o.reconstruct) {
    const data = { data: env.calibration!, count: env.samples, batch: o.batch }
    const key = { stage: 'factorize-fit', method: o.method, aware: o.dataAware, batch: o.batch }
    const ranks = chosen.map((way, i) => [layers[i].node.id, way.ranks])
    const fit = await reconstruct(model, factored, new Map(), data, ctx, (node, make) =>
      env.memo({ ...key, ranks, node }, make),
    )
    after = fit.model
    notes.push(...fit.left.map(({ node, why }) => `The layer ${node} is not fitted after factorising: ${why}.`))
  }
  return {
    ...state,
    model: after,
    notes: [...state.notes, ...notes],
    factorized: {
      of,
      method: o.method,
      before: now,
      asked: wanted,
      after: reached,
      layers: chosen.map(({ ranks, loss }, i) => ({ layer: layers[i].node.id, ranks, loss })),
      skipped: skipped.map(({ node, why }) => ({ layer: node, why })),
    },
  }
}

type Unit = (cost: LayerCost) => number

const unitOf =
  (of: SizeKind): Unit =>
  ({ macs, parameters }) =>
    of === 'macs' ? macs : of === 'bytes' ? 4 * parameters : parameters

async function prepare(
  model: Model,
  layers: readonly Layer[],
  method: Method,
  o: FactorizeOptions,
  { ctx, calibration, samples }: StepEnv,
): Promise<Prepared[]> {
  const ids = new Set<NodeId>(layers.map(l => l.node.id))
  const moments = o.dataAware
    ? await momentsOfLayers(
        model,
        ids,
        await held(model.graph, { data: calibration!, count: samples, batch: o.batch }, ctx),
        ctx,
      )
    : new Map()
  const prepared: Prepared[] = []
  for (const [done, layer] of layers.entries()) {
    ctx.signal.throwIfAborted()
    const [seen] = moments.get(layer.node.id) ?? []
    const covariance = seen ? covarianceOf(seen, o.reconstruct && layer.bias !== null) : null
    const requests = method.matrices(layer, await weightsOf(layer, model, ctx.bytes), covariance)
    const splits = await inLots(splitTask, requests, ({ p, q }) => p * q + q * q, ctx.perform)
    prepared.push({ layer, splits, loss: lossOf(splits) })
    ctx.progress({ stage: 'factorize', done: done + 1, total: layers.length, note: layer.node.id })
  }
  return prepared
}

/** The layer as it is, and at all ranks at which it costs less. */
function waysOf({ layer, loss }: Prepared, method: Method, unit: Unit, weight: number): Way[] {
  const whole: Way = { ranks: null, cost: unit(wholeCost(layer)), loss: 0 }
  const ways = method.ways(layer).map(ranks => ({
    ranks,
    cost: unit(method.cost(layer, ranks)),
    loss: weight * loss(ranks),
  }))
  return worthwhile([whole, ...ways.filter(w => w.cost < whole.cost)])
}

interface Goal {
  of: SizeKind
  now: number
  wanted: number
  words: (amount: number) => string
  about: boolean
}

// What nodes and their names take in a file is known once they are there.
const rounds = 8

async function meet(
  model: Model,
  prepared: readonly Prepared[],
  ways: readonly Way[][],
  method: Method,
  { of, now, wanted, words, about }: Goal,
  env: StepEnv,
): Promise<{ chosen: Way[]; factored: Model; reached: number }> {
  const sizeAt = async (chosen: readonly Way[]) => {
    const factored = withRanks(
      model,
      prepared,
      chosen.map(w => w.ranks),
      method,
    )
    return { chosen: [...chosen], factored, reached: await sizeOf(factored, of, env) }
  }
  const rest = now - ways.reduce((sum, list) => sum + Math.max(...list.map(w => w.cost)), 0)
  let best: Awaited<ReturnType<typeof sizeAt>> | null = null
  for (let round = 0, budget = wanted - rest; round < rounds; round++) {
    const chosen = chooseRanks(ways, budget, tolerance * wanted)
    if (!chosen) break
    const made = await sizeAt(chosen)
    if (made.reached <= wanted && (best === null || made.reached > best.reached)) best = made
    if (made.reached <= wanted && made.reached >= (1 - tolerance) * wanted) break
    budget += wanted - made.reached
  }
  if (!best) {
    const { reached } = await sizeAt(ways.map(list => list[0]))
    throw new StudioError(
      'bad-recipe',
      `Factorising cannot get down to ${words(wanted)}: at least ${words(reached)} are left`,
      { where: { step: 'factorize' }, hint: 'Ask for more, take another method, or prune before.' },
    )
  }
  if (!about && best.reached < (1 - tolerance) * wanted)
    throw new StudioError(
      'bad-recipe',
      `With whole ranks the nearest below ${words(wanted)} is ${words(best.reached)}`,
      { where: { step: 'factorize' }, hint: 'Ask for that.' },
    )
  return best
}
