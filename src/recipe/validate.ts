// A recipe as it comes from a file, checked against the declarations of the steps: unknown keys are errors that name near ones.
import * as v from 'valibot'
import { StudioError } from '../base/errors.ts'
import { defaultsOf, schemaOf } from '../base/options.ts'
import { inputSpecSchema } from '../data/input-schema.ts'
import { findStep, steps } from './steps/index.ts'
import type { Recipe, Step } from './types.ts'

const shell = v.strictObject({
  $schema: v.optional(v.string()),
  thimble: v.literal(1),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  input: v.optional(inputSpecSchema),
  steps: v.array(v.looseObject({ do: v.string() })),
})

/** The recipe with every default filled in. */
export function checkRecipe(input: unknown): Recipe {
  const parsed = v.safeParse(shell, input)
  if (!parsed.success) throw wrong(parsed.issues, 'recipe')
  const { output } = parsed
  return { ...output, steps: output.steps.map((step, i) => checkStep(step as Step, i)) } as Recipe
}

function checkStep(step: Step, index: number): Step {
  const def = findStep(step.do)
  if (!def)
    throw new StudioError(
      'bad-recipe',
      `Step ${index + 1} of the recipe is ${JSON.stringify(step.do)}, which this version does not have`,
      {
        where: { step: step.do },
        hint: `Known steps: ${steps.map(s => s.id).join(', ')}.`,
      },
    )
  const entries = Object.fromEntries(
    Object.entries(def.options).map(([key, option]) => [key, v.optional(schemaOf(option))]),
  )
  const parsed = v.safeParse(v.strictObject({ do: v.literal(def.id), ...entries }), step)
  if (!parsed.success) throw wrong(parsed.issues, `step ${index + 1} (${def.id})`, step.do)
  const given = Object.fromEntries(Object.entries(parsed.output).filter(([, value]) => value !== undefined))
  return { do: def.id, ...defaultsOf(def.options), ...given }
}

function wrong(issues: readonly v.BaseIssue<unknown>[], where: string, step?: string): StudioError {
  const lines = issues.map(issue => `${v.getDotPath(issue) ?? 'recipe'}: ${issue.message}`)
  return new StudioError('bad-recipe', `The ${where} is not valid: ${lines.join('; ')}`, {
    where: step ? { step } : {},
    hint: 'Compare with recipe.schema.json, or start from `thimble recipe preset balanced`.',
  })
}
