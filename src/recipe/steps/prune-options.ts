// What a recipe may ask of the step `prune`.
import * as v from 'valibot'
import { choice, flag, number, type OptionValues, value } from '../../base/options.ts'
import { importances } from '../../stages/prune/importance/index.ts'
import type { Wanted } from '../state.ts'
import { type Budget, budgetSchema } from './budget.ts'

export const options = {
  budget: value('What may be left', budgetSchema, { of: 'macs', share: 0.5 } as Budget),
  importance: choice(
    'Which channels go first',
    importances.map(i => i.id),
    'covariance',
  ),
  ratios: choice('How many of each layer', ['equal', 'rank', 'threshold', 'greedy', 'knapsack'], 'greedy'),
  multiple: value(
    'Channels are left in multiples of',
    v.union([v.literal('target'), v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(256))]),
    1 as number | 'target',
  ),
  reconstruct: flag('Fit the remaining weights to the samples', true),
  fold: flag('Merge channels that go into those most like them where weights are not fitted', true),
  batchNorm: flag('Take statistics of BatchNormalizations anew where weights are not fitted', true),
  samples: number('Samples to measure each layer on', { default: 128, min: 1, max: 4096 }),
  batch: number('Samples per batch', { default: 32, min: 1, max: 1024 }),
}
export type PruneOptions = OptionValues<typeof options>

/** In whose multiples channels are left: a number, or the greatest that a target's kernels are made for. */
export function multipleOf({ multiple }: Pick<PruneOptions, 'multiple'>, wanted: readonly Wanted[]): number {
  return multiple === 'target' ? Math.max(1, ...wanted.map(({ target }) => target.channels?.multiple ?? 1)) : multiple
}
