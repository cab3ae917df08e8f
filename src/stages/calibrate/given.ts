// Ranges that the recipe gives by the names of values, measured elsewhere: they go before whatever the method would choose.
import { StudioError } from '../../base/errors.ts'
import { meant } from '../../base/nearest.ts'
import type { ValueName } from '../../ir/model.ts'
import type { Range } from '../../ir/quant.ts'

export type GivenRanges = Readonly<Record<ValueName, Range>>

/** The given range of a value; null where the method is to choose. */
export const givenRange = (given: GivenRanges, value: ValueName): Range | null =>
  Object.hasOwn(given, value) ? given[value] : null

/**
 * Every given range is one, of a value that is there: of `known`, all names of the imported model and of the one to be quantised. What
 * optimisation has folded away since is no mistake.
 */
export function checkGiven(given: GivenRanges, known: Iterable<ValueName>): void {
  const names = new Set(known)
  for (const [value, { min, max }] of Object.entries(given)) {
    const where = { step: 'quantize', value }
    if (!Number.isFinite(min) || !Number.isFinite(max) || min > max)
      throw new StudioError('bad-recipe', `The range given for ${value} goes from ${min} to ${max}`, {
        where,
        hint: 'Give two numbers, the smaller one as min.',
      })
    if (names.has(value)) continue
    const near = meant(value, [...names])
    throw new StudioError('bad-recipe', `A range is given for ${value}, which the model does not have`, {
      where,
      hint: near ? `Did you mean ${near}?` : 'thimble inspect MODEL --json lists the names of its values.',
    })
  }
}
