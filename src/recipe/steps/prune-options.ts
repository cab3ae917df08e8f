// What a recipe may ask of the step `prune`.
import * as v from 'valibot'
import { choice, flag, number, type OptionValues, value } from '../../base/options.ts'
import { importances } from '../../stages/prune/importance/index.ts'

const of = v.picklist(['macs', 'parameters', 'bytes'])
const budgetSchema = v.union([
  v.strictObject({ of, share: v.pipe(v.number(), v.gtValue(0), v.maxValue(1)) }),
  v.strictObject({ of, amount: v.pipe(v.number(), v.gtValue(0)) }),
])

/** What may be left: a share of the imported model, or so much. Bytes are those of a float32 ONNX file. */
export type Budget = { of: 'macs' | 'parameters' | 'bytes'; share?: number; amount?: number }

export const options = {
  budget: value('What may be left', budgetSchema as v.GenericSchema<unknown, Budget>, { of: 'macs', share: 0.5 }),
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
