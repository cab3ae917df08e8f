// A bundle of a model as it is: no optimisation, no quantisation, no data.
import type { Imported } from '../importers/types.ts'
import type { Context } from '../ir/context.ts'
import { infer } from '../ops/infer.ts'
import { emptyVariant, initialState } from '../recipe/state.ts'
import type { Recipe } from '../recipe/types.ts'
import { findTarget } from '../targets/index.ts'
import { type Bundle, writeBundle } from './bundle.ts'

export async function convert(imported: Imported, target: string, ctx: Context): Promise<Bundle> {
  const wanted = { target: findTarget(target), form: null, io: 'float' as const }
  const state = initialState(infer(imported.model))
  const recipe: Recipe = { thimble: 1, seed: 0, steps: [{ do: 'export', target, form: null, io: 'float' }] }
  // What is written is the imported model itself: inferred shapes are ours, not the file's.
  const variant = emptyVariant(wanted, 'float', imported.model, null, [], ['as imported', 'as imported'])
  return writeBundle(variant, state, imported, recipe, ctx)
}
