// What a recipe may ask of the step `prune`.
import { choice, flag, number, type OptionValues, value } from '../../base/options.ts'
import { importances } from '../../stages/prune/importance/index.ts'
import { type Budget, budgetSchema } from './budget.ts'

export const options = {
  budget: value('What may be left', budgetSchema, { of: 'macs', share: 0.5 } as Budget),
  importance: choice(
    'Which channels go first',
    importances.map(i => i.id),
    'covariance',
  ),
  ratios: choice('How many of each layer', ['equal', 'rank', 'threshold', 'greedy', 'knapsack'], 'greedy'),
  multiple: number('Channels are left in multiples of', { default: 1, min: 1, max: 256 }),
  reconstruct: flag('Fit the remaining weights to the samples', true),
  batchNorm: flag('Take statistics of BatchNormalizations anew where weights are not fitted', true),
  samples: number('Samples to measure each layer on', { default: 128, min: 1, max: 4096 }),
  batch: number('Samples per batch', { default: 32, min: 1, max: 1024 }),
}
export type PruneOptions = OptionValues<typeof options>
