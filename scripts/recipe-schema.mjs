// Writes public/recipe.schema.json, the published JSON Schema of recipes, from what the steps declare. Run it after a step's options
// have changed; a test says so when it was forgotten.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { toJsonSchema } from '@valibot/to-json-schema'
import { runnerImport } from 'vite'
import { root } from './install.mjs'

const load = async path => (await runnerImport(join(root, path), { configFile: false, logLevel: 'error', root })).module

// Checks that JSON Schema cannot express (no std of 0) are left to `thimble recipe check`.
const convert = schema => {
  const { $schema: _, ...rest } = toJsonSchema(schema, { errorMode: 'ignore' })
  return rest
}

/** The schema, as it should stand in the file. */
export async function recipeSchema() {
  const { shell, schemaOfStep } = await load('src/recipe/validate.ts')
  const { steps } = await load('src/recipe/steps/index.ts')
  const whole = convert(shell)
  whole.properties.steps = {
    type: 'array',
    items: { anyOf: steps.map(def => ofStep(def, convert(schemaOfStep(def)))) },
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Thimble recipe',
    description: 'What is done to a model, step by step. Unknown keys are errors.',
    ...whole,
  }
}

function ofStep({ label, options }, schema) {
  for (const [key, { label, default: value }] of Object.entries(options))
    schema.properties[key] = { description: label, ...schema.properties[key], default: value }
  return { title: label, ...schema }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const path = join(root, 'public/recipe.schema.json')
  writeFileSync(path, JSON.stringify(await recipeSchema()))
  execFileSync(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'format', '--write', path])
}
