// A recipe as it comes from a file, checked against the declarations of the steps: unknown keys are errors that name near ones.
import * as v from 'valibot'
import { StudioError, type Where } from '../base/errors.ts'
import { describeIssue } from '../base/issues.ts'
import { meant } from '../base/nearest.ts'
import { defaultsOf, schemaOf } from '../base/options.ts'
import { inputSpecSchema } from '../data/input-schema.ts'
import type { StepDef } from './state.ts'
import { findStep, steps } from './steps/index.ts'
import type { Recipe, Step } from './types.ts'

/** A recipe but for the options of its steps. */
export const shell = v.strictObject({
  $schema: v.optional(v.string()),
  thimble: v.literal(1),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  input: v.optional(inputSpecSchema),
  steps: v.array(v.looseObject({ do: v.string() })),
})

/** The recipe with every default filled in. `file` is what it was read from, for messages. */
export function checkRecipe(input: unknown, file?: string): Recipe {
  const where = file === undefined ? {} : { file }
  const parsed = v.safeParse(shell, input)
  if (!parsed.success)
    throw wrong(
      'The recipe is wrong',
      parsed.issues,
      shell,
      where,
      'Compare with recipe.schema.json, or start from `thimble recipe preset balanced`.',
    )
  const { output } = parsed
  return { ...output, steps: output.steps.map((step, i) => checkStep(step as Step, i, where)) } as Recipe
}

/** Weights are rounded once: throws where a step that works on floats comes after that, or one that trains codes before. */
export function checkOrder(steps: readonly Step[], file?: string): void {
  let rounded: string | null = null
  for (const { do: id } of steps) {
    const { stands, rounds } = findStep(id)!
    const where = { ...(file === undefined ? {} : { file }), step: id }
    if (stands === 'before' && rounded !== null)
      throw new StudioError('bad-recipe', `The model is quantised already when the step ${id} comes`, {
        where,
        hint: `Put the step ${id} before ${rounded}.`,
      })
    if (stands === 'behind' && rounded === null)
      throw new StudioError('bad-recipe', `The model is not quantised yet when the step ${id} comes`, {
        where,
        hint: `Put the step ${id} behind quantize.`,
      })
    if (rounds) rounded ??= id
  }
}

/** What a step may hold; every key but `do` may be left out. */
export function schemaOfStep(def: StepDef) {
  const entries = Object.entries(def.options).map(([key, option]) => [key, v.optional(schemaOf(option))] as const)
  return v.strictObject({ do: v.literal(def.id), ...Object.fromEntries(entries) })
}

function checkStep(step: Step, index: number, file: Where): Step {
  const def = findStep(step.do)
  const known = steps.map(s => s.id)
  const where = { ...file, step: step.do }
  if (!def) {
    const near = meant(step.do, known)
    throw new StudioError(
      'bad-recipe',
      `Step ${index + 1} of the recipe is ${JSON.stringify(step.do)}, which there is not${near ? `; did you mean "${near}"?` : ''}`,
      { where, hint: `Known steps: ${known.join(', ')}.` },
    )
  }
  const schema = schemaOfStep(def)
  const parsed = v.safeParse(schema, step)
  if (!parsed.success)
    throw wrong(
      `Step ${index + 1} of the recipe (${def.id}) is wrong`,
      parsed.issues,
      schema,
      where,
      `Options of this step: ${Object.keys(def.options).join(', ') || 'none'}.`,
    )
  const given = Object.fromEntries(Object.entries(parsed.output).filter(([, value]) => value !== undefined))
  return { do: def.id, ...defaultsOf(def.options), ...given }
}

function wrong(
  what: string,
  issues: readonly v.BaseIssue<unknown>[],
  schema: v.GenericSchema,
  where: Where,
  hint: string,
): StudioError {
  const problems = issues.map(issue => describeIssue(issue, schema))
  return new StudioError('bad-recipe', `${what}: ${problems.join('; ')}`, { where, hint })
}
