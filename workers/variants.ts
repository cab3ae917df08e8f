// The variants of a project: which one the present settings have come to, and steps back and forth through the recipe.
import { hashJson } from '../src/base/hash.ts'
import type { Report } from '../src/jobs/report.ts'
import type { Recipe } from '../src/recipe/types.ts'
import type { VariantFigures } from './api.ts'
import type { Project, StoredData, StoredVariant } from './project.ts'

type Settings = Pick<Project, 'recipe' | 'input' | 'calibration' | 'evaluation'>

/** Of all that a run's result depends on. */
export const keyOf = ({ recipe, input, calibration, evaluation }: Settings): string =>
  hashJson([recipe, input, filesAndLabels(calibration), filesAndLabels(evaluation)])

const filesAndLabels = (data: StoredData | null) =>
  data && (data.byHand ? [data.pack.file, data.byHand] : data.pack.file)

/** The variant that these settings came to, where they were run. */
export const variantFor = (project: Project): StoredVariant | undefined => {
  const key = keyOf(project)
  return project.variants.findLast(variant => variant.key === key && !variant.deleted)
}

/** What is in the stage store of a variant begins with this. */
export const stageHead = (variant: string): string => `variant-${variant}${variant && '-'}`

export const figuresOf = ({ before, bundles }: Report): VariantFigures[] =>
  bundles.map(({ target, form, dir, after, agreement }) => ({ target, form, dir, before, after, agreement }))

// More than anyone goes back, and still a small record.
const mostSteps = 200

/** The recipe replaced, with the one before kept for undo. */
export function withRecipe({ recipe: before, past }: Project, recipe: Recipe): Partial<Project> {
  if (hashJson(before) === hashJson(recipe)) return { recipe }
  return { recipe, past: [...past, before].slice(-mostSteps), future: [] }
}

/** One step back (or forth, with the lists' roles changed); nothing where there is none. */
export function steppedBack({ recipe, past, future }: Project): Partial<Project> {
  const before = past.at(-1)
  return before ? { recipe: before, past: past.slice(0, -1), future: [...future, recipe] } : {}
}

export function steppedForth({ recipe, past, future }: Project): Partial<Project> {
  const after = future.at(-1)
  return after ? { recipe: after, past: [...past, recipe], future: future.slice(0, -1) } : {}
}
