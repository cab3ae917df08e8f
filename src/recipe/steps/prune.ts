// Step `prune`: channels are removed until a budget of multiply-accumulates, parameters or bytes is met, those first that are least
// important and where the model can best do without, and the weights that are left make up for them.
import { StudioError } from '../../base/errors.ts'
import { sum } from '../../base/sum.ts'
import { held } from '../../ir/batches.ts'
import type { Model, NodeId } from '../../ir/model.ts'
import { infer } from '../../ops/infer.ts'
import { reestimate } from '../../stages/prune/batch-norm.ts'
import { savingsOf } from '../../stages/prune/cost.ts'
import { firstOrderChanges } from '../../stages/prune/first-order.ts'
import { foldChannels } from '../../stages/prune/fold.ts'
import { findGroups, type Group, type Skipped } from '../../stages/prune/groups.ts'
import { findImportance } from '../../stages/prune/importance/index.ts'
import {
  byRank,
  byThreshold,
  type Curve,
  closeIn,
  equally,
  type Gone,
  lossAt,
  type Problem,
  stepsOf,
  utmost,
} from '../../stages/prune/ratios.ts'
import { reconstruct } from '../../stages/prune/reconstruct.ts'
import { keptOf, type Removal, removeChannels } from '../../stages/prune/remove.ts'
import { statisticsOf } from '../../stages/prune/statistics.ts'
import { knapsack } from '../../stages/search/knapsack.ts'
import { training } from '../../stages/train/index.ts'
import { type State, type StepEnv, step } from '../state.ts'
import { isSize, type SizeBudget, sizeOf, tolerance, wantedBy, wordsFor } from './budget.ts'
import { multipleOf, options, type PruneOptions } from './prune-options.ts'
import { curvesOf, measureGroups } from './prune-sensitivity.ts'
import { openTrial } from './trial.ts'
import { within } from './within.ts'

const measures = (ratios: PruneOptions['ratios']): boolean =>
  ratios === 'threshold' || ratios === 'greedy' || ratios === 'knapsack'

export const prune = step({
  id: 'prune',
  label: 'Prune channels',
  stands: 'before',
  options,
  needs: o =>
    o.reconstruct || measures(o.ratios) || findImportance(o.importance).needsData || !isSize(o.budget)
      ? ['calibration']
      : [],
  run: (state, o, env) => within('prune', state, o, env, pruneWith),
})

async function pruneWith(state: State, o: PruneOptions & { budget: SizeBudget }, env: StepEnv): Promise<State> {
  const { ctx } = env
  const model = infer(state.model)
  const { groups, skipped } = findGroups(model)
  const now = await sizeOf(model, o.budget.of, env)
  const wanted = await wantedBy(o.budget, state, env)
  const words = wordsFor(o.budget)
  if (now <= wanted)
    return {
      ...state,
      notes: [...state.notes, `Nothing was pruned: the model has ${words(now)}, and ${words(wanted)} were asked for.`],
    }
  if (groups.length === 0) throw nothingToPrune(skipped)

  const savings = savingsOf(model, groups)
  const { of } = o.budget
  const saved = (gone: Gone): number => savings(gone)[of]
  const multiple = multipleOf(o, env.wanted)
  checkReach(groups, { multiple, saved, wanted: now - wanted }, { now, wanted, words, skipped })

  const { order, scores, notes } = await ranking(model, groups, o, env)
  const curves = await curvesFor(model, groups, { order, multiple }, o, env)
  const problem: Problem = { curves, multiple, saved, wanted: now - wanted, slack: tolerance * wanted }
  const gone = choose(problem, scores, o)
  if (!o.budget.about) checkClose(now - saved(gone), { wanted, words, multiple })

  const removal = firstOf(order, gone)
  const folded = o.fold && !o.reconstruct ? await foldChannels(model, groups, removal, ctx.bytes) : model
  const pruned = await removeChannels(folded, groups, removal, ctx.bytes)
  let after = pruned
  const data = { data: env.calibration!, count: env.samples, batch: o.batch }
  if (o.reconstruct) {
    const key = { stage: 'prune-fit', removal: [...removal], batch: o.batch }
    const fit = await reconstruct(model, pruned, keptOf(model, groups, removal), data, ctx, (node, make) =>
      env.memo({ ...key, node }, make),
    )
    after = fit.model
    notes.push(...fit.left.map(({ node, why }) => `The layer ${node} is not fitted after pruning: ${why}.`))
  } else if (o.batchNorm && env.calibration) after = (await reestimate(pruned, data, ctx)).model
  else if (o.batchNorm && pruned.graph.nodes.some(n => n.op === 'BatchNormalization'))
    notes.push('BatchNormalizations keep the statistics of the unpruned model, since there are no samples.')
  const reached = await sizeOf(after, o.budget.of, env)
  return {
    ...state,
    model: after,
    notes: [...state.notes, ...notes],
    pruned: {
      of: o.budget.of,
      before: now,
      asked: wanted,
      after: reached,
      groups: groups.map(group => ({
        layer: group.id,
        layers: [...new Set(group.makers.map(m => m.node))],
        before: group.size,
        after: group.size - (gone.get(group.id) ?? 0),
        importance: importanceLost(scores.get(group.id)!, gone.get(group.id) ?? 0),
        loss: measures(o.ratios) ? lossAt(curves.find(c => c.group === group.id)!, gone.get(group.id) ?? 0) : null,
      })),
      skipped: skipped.map(s => ({ layer: s.node, why: reasonOf(s) })),
    },
  }
}

/** The least important channels of every group. */
function firstOf(order: ReadonlyMap<NodeId, readonly number[]>, gone: Gone): Removal {
  const some = [...gone].filter(([, count]) => count > 0)
  return new Map(some.map(([id, count]) => [id, order.get(id)!.slice(0, count)]))
}

/** The share of a group's importance that goes. */
function importanceLost(scores: readonly number[], gone: number): number {
  return sum(scores.slice(0, gone)) / Math.max(sum(scores), 1e-30)
}

/** Channels of each group by importance, and the scores to it, both ascending. */
export async function ranking(model: Model, groups: readonly Group[], o: PruneOptions, env: StepEnv) {
  const importance = findImportance(o.importance)
  const statistics =
    importance.needsData && !importance.needsGradients
      ? await statisticsOf(
          model,
          groups,
          await held(model.graph, { data: env.calibration!, count: env.samples, batch: o.batch }, env.ctx),
          importance.needsPairs === true,
          env.ctx,
        )
      : null
  const changes = importance.needsGradients ? await changesOf(model, groups, o, env) : null
  const order = new Map<NodeId, readonly number[]>()
  const scores = new Map<NodeId, readonly number[]>()
  const without: NodeId[] = []
  for (const group of groups) {
    const evidence = {
      model,
      bytes: env.ctx.bytes,
      statistics: statistics?.get(group.id) ?? [],
      changes: changes?.get(group.id),
    }
    const own = await importance.score(group, evidence)
    if (!own) without.push(group.id)
    const score = own ?? (await findImportance('l1').score(group, evidence))!
    const sorted = [...score.keys()].sort((a, b) => score[a] - score[b] || a - b)
    order.set(group.id, sorted)
    scores.set(
      group.id,
      sorted.map(c => score[c]),
    )
  }
  if (without.length === groups.length)
    throw new StudioError('bad-recipe', `No channel of this model has an importance by ${o.importance}`, {
      where: { step: 'prune' },
      hint:
        o.importance === 'bn'
          ? 'Put the step prune before optimize, which folds BatchNormalizations away, or choose another importance.'
          : 'Choose another importance, such as l1.',
    })
  const notes =
    without.length > 0
      ? [
          `Channels of ${without.length} groups, such as ${without[0]}, are ranked by l1: they have no importance by ${o.importance}.`,
        ]
      : []
  return { order, scores, notes }
}

/** Gradients of single samples, whose signs must not meet in one sum. */
async function changesOf(model: Model, groups: readonly Group[], o: PruneOptions, env: StepEnv) {
  const count = Math.min(env.samples, o.samples)
  const given = await held(model.graph, { data: env.calibration!, count, batch: 1 }, env.ctx)
  return firstOrderChanges(model, groups, given, training, env.ctx)
}

/** Measured where the way of choosing asks for it; else nothing but sizes. */
async function curvesFor(
  model: Model,
  groups: readonly Group[],
  { order, multiple }: { order: ReadonlyMap<NodeId, readonly number[]>; multiple: number },
  o: PruneOptions,
  env: StepEnv,
): Promise<Curve[]> {
  // Without measurements every channel counts alike.
  if (!measures(o.ratios))
    return groups.map(g => ({ group: g.id, size: g.size, points: [{ gone: g.size, loss: g.size }] }))
  const count = Math.min(env.samples, o.samples)
  const trial = await openTrial(model, env.calibration!, { batch: o.batch, count, input: env.input }, env.ctx)
  const key = { importance: o.importance, count, batch: o.batch, fit: o.reconstruct, samples: env.samples }
  const with_ = { trial, fit: o.reconstruct, multiple, key }
  return curvesOf(groups, await measureGroups(model, groups, order, with_, env))
}

function choose(problem: Problem, scores: ReadonlyMap<NodeId, readonly number[]>, o: PruneOptions): Gone {
  const start: Record<PruneOptions['ratios'], () => Gone> = {
    equal: () => equally(problem),
    rank: () => byRank(problem, scores),
    threshold: () => byThreshold(problem),
    greedy: () => new Map(),
    knapsack: () => byKnapsack(problem),
  }
  return closeIn(problem, start[o.ratios]())
}

/** As if what groups save added up, for a budget that is tightened until the whole saves enough. */
function byKnapsack({ curves, multiple, saved, wanted }: Problem): Gone {
  const ways = curves.map(curve =>
    stepsOf(curve.size, multiple).map(gone => ({
      gone,
      cost: saved(new Map([[curve.group, curve.size]])) - saved(new Map([[curve.group, gone]])),
      score: lossAt(curve, gone),
    })),
  )
  const all = ways.reduce((sum, list) => sum + list[0].cost, 0)
  let best: Gone = utmost({ curves, multiple })
  let [low, high] = [0, 1]
  for (let i = 0; i < 24; i++) {
    const share = (low + high) / 2
    const point = knapsack(ways, share * all)
    const gone: Gone | null = point && new Map(curves.map((c, k) => [c.group, ways[k][point.choice[k]].gone]))
    if (!gone || saved(gone) >= wanted) {
      best = gone ?? best
      low = share
    } else high = share
  }
  return best
}

const reasonOf = ({ by, why }: Skipped): string => `${by ?? 'the model'} ${why}`

function nothingToPrune(skipped: readonly Skipped[]): StudioError {
  const [first] = skipped
  return new StudioError('unsupported', 'No channel of this model can be removed', {
    where: first ? { step: 'prune', node: first.node } : { step: 'prune' },
    hint: first
      ? `For example ${first.node}: ${reasonOf(first)}.`
      : 'None of its layers has constant float weights; put the step optimize before, where they are made by nodes.',
  })
}

interface Told {
  wanted: number
  words: (amount: number) => string
}

function checkReach(
  groups: readonly Group[],
  { multiple, saved, wanted }: Pick<Problem, 'multiple' | 'saved' | 'wanted'>,
  { now, wanted: left, words, skipped }: Told & { now: number; skipped: readonly Skipped[] },
): void {
  const curves = groups.map(g => ({ group: g.id, size: g.size, points: [] }))
  const most = saved(utmost({ curves, multiple }))
  if (most >= wanted) return
  const why = skipped.slice(0, 3).map(s => `${s.node} keeps its channels (${reasonOf(s)})`)
  throw new StudioError(
    'bad-recipe',
    `Pruning cannot get down to ${words(left)}: at least ${words(now - most)} are left`,
    {
      where: { step: 'prune' },
      hint: `Ask for more, or for a smaller multiple than ${multiple}.${why.length > 0 ? ` ${why.join('; ')}.` : ''}`,
    },
  )
}

function checkClose(reached: number, { wanted, words, multiple }: Told & { multiple: number }): void {
  if (reached >= (1 - tolerance) * wanted) return
  throw new StudioError(
    'bad-recipe',
    `With channels in multiples of ${multiple} the nearest below ${words(wanted)} is ${words(reached)}`,
    {
      where: { step: 'prune' },
      hint: 'Ask for that, or give a smaller multiple.',
    },
  )
}
