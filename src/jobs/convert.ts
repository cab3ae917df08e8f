// A bundle of a model as it is: no quantisation, no data. For formats that keep a graph as it came it is written so; the others get it in
// fewer operators, of which they have more.
import type { Imported } from '../importers/types.ts'
import type { Context } from '../ir/context.ts'
import type { Model } from '../ir/model.ts'
import { infer } from '../ops/infer.ts'
import { emptyVariant, initialState } from '../recipe/state.ts'
import type { Recipe } from '../recipe/types.ts'
import { optimize } from '../stages/passes/index.ts'
import { findTarget } from '../targets/index.ts'
import { type Bundle, writeBundle } from './bundle.ts'

export async function convert(imported: Imported, id: string, ctx: Context): Promise<Bundle> {
  const target = findTarget(id)
  const wanted = { target, form: null, io: 'float' as const }
  const state = initialState(infer(imported.model))
  const recipe: Recipe = { thimble: 1, seed: 0, steps: [{ do: 'export', target: id, form: null, io: 'float' }] }
  // What is written as ONNX is the imported model itself: inferred shapes are ours, not the file's.
  const asItCame = target.exporter === 'onnx' || isQuantized(imported.model)
  const model = asItCame ? imported.model : (await optimize(state.model, ctx)).model
  const holds = target.exporter !== 'onnx' && isQuantized(model) ? 'quantised' : 'float'
  const form = target.forms.find(f => f.holds === holds)?.id ?? 'float'
  const variant = emptyVariant(wanted, form, model, null, [], ['as imported', 'as imported'])
  return writeBundle(variant, state, imported, recipe, ctx)
}

const isQuantized = ({ graph }: Model): boolean => graph.nodes.some(node => node.op === 'DequantizeLinear')
