// What a recipe may ask of the step `factorize`.
import { choice, flag, number, type OptionValues, value } from '../../base/options.ts'
import { methods } from '../../stages/factorize/methods/index.ts'
import { type Budget, budgetSchema } from './budget.ts'

export const options = {
  method: choice(
    'What layers become',
    methods.map(m => m.id),
    'svd',
  ),
  budget: value('What may be left', budgetSchema, { of: 'parameters', share: 0.75 } as Budget),
  dataAware: flag('Weigh errors by what layers read on the samples', true),
  ranks: choice('Ranks by what is left out, or by its error at the outputs too', ['energy', 'measured'], 'measured'),
  reconstruct: flag('Fit the remaining weights to the samples', true),
  samples: number('Samples to measure each layer on', { default: 128, min: 1, max: 4096 }),
  batch: number('Samples per batch', { default: 32, min: 1, max: 1024 }),
}
export type FactorizeOptions = OptionValues<typeof options>
