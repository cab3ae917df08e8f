// All that is registered, as plain data for the page. The build computes it once and gives it to the studio worker as JSON, so that
// the first page is there without loading a single algorithm.
import type { Options } from '../src/base/options.ts'
import { withTargets } from '../src/jobs/compress.ts'
import { taskCatalogue } from '../src/jobs/proposed.ts'
import { presets } from '../src/recipe/presets.ts'
import { steps } from '../src/recipe/steps/index.ts'
import { chips } from '../src/targets/chips.ts'
import { targets } from '../src/targets/index.ts'
import type { Catalogue, ShownOption } from './api.ts'

export const defaultTarget = 'onnxruntime'

const shown = (options: Options): Readonly<Record<string, ShownOption>> =>
  Object.fromEntries(
    Object.entries(options).map(([name, option]): [string, ShownOption] => {
      if (option.kind !== 'value') return [name, option]
      const { schema: _, ...rest } = option
      return [name, rest]
    }),
  )

export const catalogue: Omit<Catalogue, 'samples'> = {
  steps: steps.map(({ id, label, options, stands }) => ({
    id,
    label,
    options: shown(options),
    stands: stands ?? null,
  })),
  tasks: taskCatalogue.tasks.map(({ id, label, options }) => ({ id, label, options: shown(options) })),
  decoders: taskCatalogue.decoders,
  presets: presets.map(({ id, label, recipe }) => ({ id, label, recipe: withTargets(recipe, [defaultTarget]) })),
  targets: targets.map(({ id, label, vendor, forms, quant, ranOnItsRuntime, caution }) => ({
    id,
    label,
    vendor,
    forms: forms.map(form => form.id),
    weights: quant.weights.formats,
    ranOnItsRuntime,
    caution: caution ?? null,
  })),
  chips,
}
