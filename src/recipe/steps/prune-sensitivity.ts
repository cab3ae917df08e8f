// What losing channels of one group does to the model's answers, for every group and some numbers of channels: each is run from the cut
// before its first layer, where the float model's values are kept, with the layers behind it fitted to what they gave before.
import type { Feeds } from '../../ir/context.ts'
import { cutGraph } from '../../ir/cut.ts'
import type { Model, NodeId } from '../../ir/model.ts'
import { openStream } from '../../ir/stream.ts'
import { noiseShare } from '../../stages/evaluate/errors.ts'
import { momentsOfLayers, pruneAlone } from '../../stages/prune/alone.ts'
import type { Group } from '../../stages/prune/groups.ts'
import { type Curve, monotone, stepsOf } from '../../stages/prune/ratios.ts'
import type { StepEnv } from '../state.ts'
import type { Figures } from './search-options.ts'
import { arraysAt, cutAt } from './sensitivity.ts'
import type { Trial } from './trial.ts'

/** Shares of a group at which it is measured. */
export const shares = [0.0625, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875]

export interface Measured {
  group: NodeId
  points: { gone: number; figures: Figures }[]
}

/** `order`: the channels of each group, those that go first in front. */
export async function measureGroups(
  model: Model,
  groups: readonly Group[],
  order: ReadonlyMap<NodeId, readonly number[]>,
  { trial, fit, multiple, key }: { trial: Trial; fit: boolean; multiple: number; key: object },
  env: StepEnv,
): Promise<Measured[]> {
  const { ctx } = env
  const stream = openStream(trial.batches, async part => part, ctx, {
    width: ctx.runner.threads,
    largest: Number.POSITIVE_INFINITY,
  })
  const readers = new Set(groups.flatMap(g => g.readers.map(r => r.node)))
  let moments: ReturnType<typeof momentsOfLayers> | null = null
  const measured: Measured[] = []
  for (const [done, group] of groups.entries()) {
    const { live, outputs } = cutAt(model.graph, { nodes: group.makers.map(m => m.node) })
    let feeds: Feeds[] | null = null
    const points: Measured['points'] = []
    for (const gone of levelsOf(group.size, multiple)) {
      const figures = await env.memo({ ...key, stage: 'prune-sensitivity', group: group.id, gone }, async () => {
        moments ??= fit ? momentsOfLayers(model, readers, trial.batches, ctx) : Promise.resolve(new Map())
        feeds ??= await arraysAt(stream, model, live, ctx)
        const pruned = await pruneAlone(model, group, order.get(group.id)!.slice(0, gone), await moments, ctx)
        const { sqnrDb, kl } = await trial.compare(cutGraph(pruned, live, outputs), feeds)
        return { sqnrDb, kl }
      })
      points.push({ gone, figures })
    }
    measured.push({ group: group.id, points })
    ctx.progress({ stage: 'prune', done: done + 1, total: groups.length, note: group.id })
  }
  return measured
}

function levelsOf(size: number, multiple: number): number[] {
  const steps = stepsOf(size, multiple)
  const near = shares.map(share =>
    steps.reduce((best, s) => (Math.abs(s - share * size) < Math.abs(best - share * size) ? s : best)),
  )
  return [...new Set(near)].filter(gone => gone > 0)
}

/** The error's share of the outputs' energy, which adds up over groups where the divergence of answers does not: measured on ResNet20. */
export const curvesOf = (groups: readonly Group[], measured: readonly Measured[]): Curve[] =>
  groups.map((group, i) => ({
    group: group.id,
    size: group.size,
    points: monotone(measured[i].points.map(({ gone, figures }) => ({ gone, loss: noiseShare(figures.sqnrDb) }))),
  }))
