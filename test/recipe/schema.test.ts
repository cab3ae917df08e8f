// The published JSON Schema of recipes is what the steps declare today.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
// The script is JavaScript, and has no types.
const script: { recipeSchema(): Promise<unknown> } = await import(
  new URL('../../scripts/recipe-schema.mjs', import.meta.url).href
)

test('public/recipe.schema.json is fresh (else run node scripts/recipe-schema.mjs)', async () => {
  const published = JSON.parse(readFileSync(join(root, 'public/recipe.schema.json'), 'utf8'))
  expect(published).toEqual(JSON.parse(JSON.stringify(await script.recipeSchema())))
})
