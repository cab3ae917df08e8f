import { describe, expect, test } from 'vitest'
import { presets } from '../../src/recipe/presets.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'

const recipe = (...steps: unknown[]) => ({ thimble: 1, steps })
const refusal = (given: unknown): string => {
  try {
    checkRecipe(given, 'r.json')
  } catch (error) {
    const { message, where, hint } = error as { message: string; where: object; hint: string }
    expect(where).toMatchObject({ file: 'r.json' })
    return `${message} | ${hint}`
  }
  throw new Error('the recipe was taken')
}

describe('a recipe', () => {
  test.each(presets.map(p => [p.id, p.recipe]))('the preset %s passes', (_, preset) => {
    expect(checkRecipe(preset).steps.map(s => s.do)).toEqual(preset.steps.map(s => s.do))
  })

  test('gets every default, and the seed 0', () => {
    const checked = checkRecipe(recipe({ do: 'evaluate', batch: 4 }))
    expect(checked.seed).toBe(0)
    expect(checked.steps).toEqual([{ do: 'evaluate', batch: 4, layerSamples: 16, latency: true }])
  })

  test('checked twice is the same', () => {
    const once = checkRecipe(recipe({ do: 'quantize' }, { do: 'export' }))
    expect(checkRecipe(once)).toEqual(once)
  })

  test('may name its schema', () => {
    expect(() => checkRecipe({ $schema: './recipe.schema.json', thimble: 1, steps: [] })).not.toThrow()
  })
})

describe('what is wrong is said with its place, and with what was most likely meant', () => {
  test.each([
    ['a step that is none', recipe({ do: 'quantise' }), /Step 1 .*"quantise".*did you mean "quantize"\?.*Known steps/],
    ['a key that is none', recipe({ do: 'quantize', weigths: 'int8' }), /no "weigths"; did you mean "weights"\?/],
    ['a key like no other', recipe({ do: 'optimize', zzz: 1 }), /no "zzz"; known: "do"/],
    [
      'a key of a layer',
      recipe({ do: 'quantize', layers: { fc: { flot: true } } }),
      /layers\.fc: there is no "flot"; did you mean "float"/,
    ],
    [
      'a format that is none',
      recipe({ do: 'quantize', weights: 'int9' }),
      /weights: "int9".*did you mean "int8".*"uint7"/,
    ],
    ['a number too small', recipe({ do: 'evaluate', batch: 0 }), /batch: 0 cannot stand here, at least 1/],
    ['a part of a sample', recipe({ do: 'evaluate', batch: 2.5 }), /batch: 2\.5 cannot stand here/],
    ['a word for a flag', recipe({ do: 'evaluate', latency: 'yes' }), /latency: "yes" cannot stand here, boolean/],
    ['another version', { thimble: 2, steps: [] }, /thimble: 2 cannot stand here, 1 is wanted/],
    ['no steps', { thimble: 1, step: [] }, /"steps" is missing; there is no "step"; did you mean "steps"/],
    ['a step without do', recipe({ weights: 'int8' }), /steps\.0: "do" is missing/],
    ['a seed below 0', { ...recipe(), seed: -1 }, /seed: -1/],
    [
      'a key in the input spec',
      { ...recipe(), input: { inputs: { x: { layuot: 'NCHW' } } } },
      /input\.inputs\.x: there is no "layuot"; did you mean "layout"/,
    ],
    ['a list', [], /The recipe is wrong/],
    ['nothing', null, /The recipe is wrong/],
  ])('%s', (_, given, words) => {
    expect(refusal(given)).toMatch(words)
  })
})
