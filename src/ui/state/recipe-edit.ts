// Edits of a recipe: each takes one and returns a new one. The page never holds a half-made recipe.
import type { Recipe, Step } from '../../recipe/types.ts'

export type LayerFields = Record<string, unknown>
export type LayerSetting = 'step' | 'float' | 'int7'

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Sets an option; a value equal to the default is left out, so that the recipe says only what was meant. */
export function setOption(recipe: Recipe, index: number, key: string, value: unknown, initial: unknown): Recipe {
  const steps = recipe.steps.map((step, k): Step => {
    if (k !== index) return step
    const { [key]: _, ...rest } = step
    return { ...rest, do: step.do, ...(same(value, initial) ? {} : { [key]: value }) }
  })
  return { ...recipe, steps }
}

export const addStep = (recipe: Recipe, id: string): Recipe => {
  const last = recipe.steps.findIndex(step => step.do === 'export')
  const at = id === 'export' || last < 0 ? recipe.steps.length : last
  return { ...recipe, steps: recipe.steps.toSpliced(at, 0, { do: id }) }
}

export const removeStep = (recipe: Recipe, index: number): Recipe => ({
  ...recipe,
  steps: recipe.steps.toSpliced(index, 1),
})

export function moveStep(recipe: Recipe, index: number, by: -1 | 1): Recipe {
  const to = index + by
  if (to < 0 || to >= recipe.steps.length) return recipe
  return { ...recipe, steps: recipe.steps.toSpliced(index, 1).toSpliced(to, 0, recipe.steps[index]) }
}

/** Position of the first step that quantises, or -1. */
const quantizing = (recipe: Recipe): number => recipe.steps.findIndex(s => s.do === 'quantize' || s.do === 'search')

export const quantizes = (recipe: Recipe): boolean => quantizing(recipe) >= 0

/** What a step says of quantising: all of a step `quantize`, an option of a step `search`. */
const quantizeOf = (step: Step | undefined): Record<string, unknown> =>
  (step?.do === 'search' ? (step.quantize as Record<string, unknown> | undefined) : step) ?? {}

const layersOf = (step: Step | undefined): Record<string, LayerFields> =>
  (quantizeOf(step).layers as Record<string, LayerFields> | undefined) ?? {}

/** What the first step that quantises says of a selector. */
export const layerSetting = (recipe: Recipe, selector: string): LayerFields | undefined =>
  layersOf(recipe.steps[quantizing(recipe)])[selector]

export const settingOf = (fields: LayerFields | undefined): LayerSetting =>
  fields?.float === true ? 'float' : fields?.weights === 'int7' ? 'int7' : 'step'

export const fieldsOf = (setting: LayerSetting): LayerFields | null =>
  setting === 'float' ? { float: true } : setting === 'int7' ? { weights: 'int7' } : null

/** Options of quantising with other settings of layers. */
export function withLayers({ layers: _, ...rest }: Record<string, unknown>, layers: LayerFields): LayerFields {
  return same(layers, {}) ? rest : { ...rest, layers }
}

export function setLayer(recipe: Recipe, selector: string, setting: LayerSetting): Recipe {
  const index = quantizing(recipe)
  const step = recipe.steps[index]
  const { [selector]: _, ...others } = layersOf(step)
  const fields = fieldsOf(setting)
  const layers = fields ? { ...others, [selector]: fields } : others
  if (step.do !== 'search') return setOption(recipe, index, 'layers', layers, {})
  const quantize = withLayers(quantizeOf(step), layers)
  // What was decided before it was known is decided anew.
  return setOption(setOption(recipe, index, 'quantize', quantize, {}), index, 'found', null, null)
}

/** Fixes the dimensions of an input, or sets them free again, in a cut step at the head of the recipe. */
export function setShape(recipe: Recipe, input: string, dims: readonly number[] | null): Recipe {
  const index = recipe.steps.findIndex(step => step.do === 'cut')
  const { [input]: _, ...others } = (recipe.steps[index]?.shapes as Record<string, number[]> | undefined) ?? {}
  const shapes = dims ? { ...others, [input]: dims } : others
  if (index < 0) return dims ? { ...recipe, steps: [{ do: 'cut', shapes }, ...recipe.steps] } : recipe
  const cut = setOption(recipe, index, 'shapes', shapes, {})
  // A cut that says nothing more is dropped.
  return Object.keys(cut.steps[index]).length === 1 ? removeStep(cut, index) : cut
}

export const shapeOf = (recipe: Recipe, input: string): readonly number[] | undefined =>
  (recipe.steps.find(step => step.do === 'cut')?.shapes as Record<string, number[]> | undefined)?.[input]

/** Ends the graph at these values, in a cut step at the head of the recipe. */
export function cutBefore(recipe: Recipe, values: readonly string[]): Recipe {
  const index = recipe.steps.findIndex(step => step.do === 'cut')
  if (index < 0) return { ...recipe, steps: [{ do: 'cut', outputs: [...values] }, ...recipe.steps] }
  const before = (recipe.steps[index].outputs as string[] | undefined) ?? []
  return setOption(recipe, index, 'outputs', [...new Set([...before, ...values])], [])
}

/** All that a target's findings depend on of the recipe. */
export const cutsOf = (recipe: Recipe): Step[] => recipe.steps.filter(step => step.do === 'cut')

/** The targets that the recipe writes bundles for. */
export const targetsOf = (recipe: Recipe): string[] =>
  recipe.steps.flatMap(step => (step.do === 'export' && typeof step.target === 'string' ? [step.target] : []))

/** Steps and seed are the same; the input spec belongs to the project, not to the preset. */
export const isPreset = (recipe: Recipe, preset: Recipe): boolean =>
  recipe.seed === preset.seed && same(recipe.steps, preset.steps)

export type Parsed = { recipe: Recipe } | { syntax: string } | { form: true }

/** The text beside the form. Whether the steps are right is for the worker to say; here only that it is a recipe at all. */
export function parseRecipe(text: string): Parsed {
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch (error) {
    return { syntax: error instanceof Error ? error.message : String(error) }
  }
  const recipe = read as Partial<Recipe> | null
  const good =
    typeof recipe === 'object' &&
    recipe !== null &&
    recipe.thimble === 1 &&
    typeof recipe.seed === 'number' &&
    Array.isArray(recipe.steps) &&
    recipe.steps.every(step => typeof step === 'object' && step !== null && typeof step.do === 'string')
  return good ? { recipe: recipe as Recipe } : { form: true }
}

/** The first step that quantises with a remedy's options in the place of its own. */
export function withRemedy(recipe: Recipe, options: Readonly<Record<string, unknown>>): Recipe {
  const index = quantizing(recipe)
  const step = recipe.steps[index]
  const changed: Step =
    step.do === 'search'
      ? // What was decided without it is decided anew.
        { ...step, quantize: { ...quantizeOf(step), ...options }, found: null }
      : { ...step, ...options }
  return { ...recipe, steps: recipe.steps.with(index, changed) }
}
