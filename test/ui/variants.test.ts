// The variants as the page and the studio worker know them: the Pareto front, undo and redo, and what settings were run already.
import { describe, expect, test } from 'vitest'
import type { Recipe } from '../../src/recipe/types.ts'
import { paretoFront } from '../../src/ui/state/pareto.ts'
import type { Project, StoredVariant } from '../../workers/project.ts'
import { keyOf, steppedBack, steppedForth, variantFor, withRecipe } from '../../workers/variants.ts'

test('the front keeps what nothing beats in both, and of equals one', () => {
  const point = (x: number, y: number) => ({ x, y })
  const points = [point(3, 9), point(1, 5), point(2, 5), point(2, 7), point(3, 8), point(1, 5)]
  expect(paretoFront(points)).toEqual([point(1, 5), point(2, 7), point(3, 9)])
})

const recipe = (weights: string): Recipe => ({ thimble: 1, seed: 0, steps: [{ do: 'quantize', weights }] })
const project = (part: Partial<Project>): Project =>
  ({
    recipe: recipe('int8'),
    past: [],
    future: [],
    variants: [],
    calibration: null,
    evaluation: null,
    input: { inputs: {} },
    ...part,
  }) as unknown as Project

describe('undo', () => {
  const after = (base: Project, part: Partial<Project>): Project => ({ ...base, ...part })

  test('each change can be taken back and done again, in order', () => {
    let now = project({})
    now = after(now, withRecipe(now, recipe('int4')))
    now = after(now, withRecipe(now, recipe('int3')))
    now = after(now, steppedBack(now))
    expect(now.recipe).toEqual(recipe('int4'))
    now = after(now, steppedBack(now))
    expect(now.recipe).toEqual(recipe('int8'))
    expect(steppedBack(now)).toEqual({})
    now = after(now, steppedForth(after(now, steppedForth(now))))
    expect(now.recipe).toEqual(recipe('int3'))
    expect(steppedForth(now)).toEqual({})
  })

  test('a new change forgets what was undone, and a change that changes nothing is none', () => {
    let now = project({})
    now = after(now, withRecipe(now, recipe('int4')))
    now = after(now, steppedBack(now))
    now = after(now, withRecipe(now, recipe('int2')))
    expect(now.future).toEqual([])
    expect(withRecipe(now, recipe('int2'))).toEqual({ recipe: recipe('int2') })
  })
})

test('settings that were run before are known again, a deleted result is not', () => {
  const base = project({})
  const variant = { id: 'v', key: keyOf(base), deleted: false } as StoredVariant
  expect(variantFor({ ...base, variants: [variant] })?.id).toBe('v')
  expect(variantFor({ ...base, variants: [variant], recipe: recipe('int4') })).toBeUndefined()
  expect(variantFor({ ...base, variants: [{ ...variant, deleted: true }] })).toBeUndefined()
})
