// Edits of a recipe: each takes one and returns a new one. The page never holds a half-made recipe.
import type { Catalogue } from '../../../workers/api.ts'
import type { Range } from '../../ir/quant.ts'
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

/** At the end but before the exports, or on the side of the step that quantises where it has something to do. */
export function addStep(recipe: Recipe, { id, stands }: Pick<Catalogue['steps'][number], 'id' | 'stands'>): Recipe {
  const exporting = recipe.steps.findIndex(step => step.do === 'export')
  const end = id === 'export' || exporting < 0 ? recipe.steps.length : exporting
  const rounding = quantizing(recipe)
  const at = stands === null || rounding < 0 ? end : stands === 'before' ? rounding : rounding + 1
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

/** What the first step that quantises says of an option for all layers; undefined: its default. */
export const stepSays = (recipe: Recipe, option: string): unknown =>
  quantizeOf(recipe.steps[quantizing(recipe)])[option]

/** What the first step that quantises says of a selector. */
export const layerSetting = (recipe: Recipe, selector: string): LayerFields | undefined =>
  layersOf(recipe.steps[quantizing(recipe)])[selector]

export const settingOf = (fields: LayerFields | undefined): LayerSetting =>
  fields?.float === true ? 'float' : fields?.weights === 'int7' ? 'int7' : 'step'

export const fieldsOf = (setting: LayerSetting): LayerFields | null =>
  setting === 'float' ? { float: true } : setting === 'int7' ? { weights: 'int7' } : null

/** Options of quantising with other settings of layers. */
export const withLayers = (options: Record<string, unknown>, layers: LayerFields): LayerFields =>
  withOption(options, 'layers', layers)

/** An empty record is left out. */
function withOption(options: Record<string, unknown>, key: string, value: LayerFields): LayerFields {
  const { [key]: _, ...rest } = options
  return same(value, {}) ? rest : { ...rest, [key]: value }
}

/** What the first step that quantises says by names, with `key` said anew. */
function setByName(recipe: Recipe, key: 'layers' | 'ranges', value: LayerFields): Recipe {
  const index = quantizing(recipe)
  const step = recipe.steps[index]
  if (step.do !== 'search') return setOption(recipe, index, key, value, {})
  const quantize = withOption(quantizeOf(step), key, value)
  // What was decided before it was known is decided anew.
  return setOption(setOption(recipe, index, 'quantize', quantize, {}), index, 'found', null, null)
}

/** `said` with the fields of each name replaced; null or none takes back what was said of it. */
function replaced<T extends object>(said: Readonly<Record<string, T>>, names: readonly string[], fields: T | null) {
  const others = Object.fromEntries(Object.entries(said).filter(([name]) => !names.includes(name)))
  return fields && !same(fields, {}) ? { ...others, ...Object.fromEntries(names.map(name => [name, fields])) } : others
}

/** Each of the layers with these fields and no others. */
export const setLayers = (recipe: Recipe, selectors: readonly string[], fields: LayerFields | null): Recipe =>
  setByName(recipe, 'layers', replaced(layersOf(recipe.steps[quantizing(recipe)]), selectors, fields))

/** Each of the layers with these fields beside those that it has; undefined takes a field back. */
export function changeLayers(recipe: Recipe, selectors: readonly string[], fields: LayerFields): Recipe {
  const changed = (selector: string): LayerFields =>
    Object.fromEntries(
      Object.entries({ ...layerSetting(recipe, selector), ...fields }).filter(([, value]) => value !== undefined),
    )
  return selectors.reduce((now, selector) => setLayers(now, [selector], changed(selector)), recipe)
}

export const setLayer = (recipe: Recipe, selector: string, setting: LayerSetting): Recipe =>
  setLayers(recipe, [selector], fieldsOf(setting))

const searching = (recipe: Recipe): number => recipe.steps.findIndex(step => step.do === 'search')

export const searches = (recipe: Recipe): boolean => searching(recipe) >= 0

/** The search chooses for these layers and for no others; what it decided, and what was said of them, is gone. */
export function searchOnly(recipe: Recipe, selectors: readonly string[]): Recipe {
  const open = setLayers(recipe, selectors, null)
  const index = searching(open)
  return setOption(setOption(open, index, 'only', [...selectors], []), index, 'found', null, null)
}

type Ranges = Readonly<Record<string, Range>>

const rangesOf = (recipe: Recipe): Ranges =>
  (quantizeOf(recipe.steps[quantizing(recipe)]).ranges as Ranges | undefined) ?? {}

/** The range that the recipe gives a value; null where its method is to choose. */
export const rangeOf = (recipe: Recipe, value: string): Range | null => rangesOf(recipe)[value] ?? null

/** One range for values that share a scale; null leaves them to the method. */
export const setRange = (recipe: Recipe, values: readonly string[], range: Range | null): Recipe =>
  setByName(recipe, 'ranges', replaced(rangesOf(recipe), values, range))

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
    (recipe.seed === undefined || typeof recipe.seed === 'number') &&
    Array.isArray(recipe.steps) &&
    recipe.steps.every(step => typeof step === 'object' && step !== null && typeof step.do === 'string')
  // On the command line a recipe need not name it either.
  return good ? { recipe: { ...(recipe as Recipe), seed: recipe.seed ?? 0 } } : { form: true }
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
