// Samples for a target whose own compiler quantises. Made-up ones unless the recipe asks for real ones by their number, since a bundle
// is mailed to people who may not see the data.
import { StudioError } from '../base/errors.ts'
import type { Calibration } from '../exporters/types.ts'
import type { Dataset, Feeds } from '../ir/context.ts'
import type { Variant } from '../recipe/state.ts'
import type { Recipe } from '../recipe/types.ts'

// Enough for a compiler to start on, too few to be taken for a calibration.
const madeUp = 8

/** The step that asked for a bundle. */
export const exportOf = ({ target, asked }: Pick<Variant, 'target' | 'asked'>, { steps }: Recipe) =>
  steps.find(s => s.do === 'export' && s.target === target && (s.form ?? null) === asked)

/** `synthetic` makes one sample of a seed. */
export async function calibrationFor(
  { target, asked }: Variant,
  recipe: Recipe,
  data: Dataset | null,
  synthetic: (seed: number) => Feeds,
): Promise<Calibration> {
  const count = Number(exportOf({ target, asked }, recipe)?.samples ?? 0)
  if (count === 0)
    return { real: false, samples: Array.from({ length: madeUp }, (_, i) => synthetic(recipe.seed + i + 1)) }
  if (data === null)
    throw new StudioError('bad-recipe', `The export for ${target} asks for ${count} samples, and there are none`, {
      where: { step: 'export' },
      hint: 'Give them with --data, or leave "samples" out: then the bundle has synthetic ones.',
    })
  const samples: Feeds[] = []
  for await (const { feeds } of data.samples({ count })) samples.push(feeds)
  return { real: true, samples }
}
