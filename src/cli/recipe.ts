// thimble recipe check RECIPE.json | preset NAME
import { wantedOf } from '../jobs/compress.ts'
import { presetOf } from '../recipe/presets.ts'
import { checkOrder, checkRecipe } from '../recipe/validate.ts'
import { type OptionTable, type Parsed, usage } from './arguments.ts'
import { readJson } from './workbench.ts'

export const options: OptionTable = {}

export async function run({ positionals: [what, name, ...rest] }: Parsed): Promise<string> {
  if (!name || rest.length > 0 || (what !== 'check' && what !== 'preset'))
    throw usage(
      'recipe wants check FILE or preset NAME',
      'thimble recipe check RECIPE.json, or thimble recipe preset balanced',
    )
  const recipe = what === 'check' ? checkRecipe(await readJson(name, 'recipe'), name) : checkRecipe(presetOf(name))
  checkOrder(recipe.steps, what === 'check' ? name : undefined)
  wantedOf(recipe)
  return `${JSON.stringify(recipe, null, 2)}\n`
}
