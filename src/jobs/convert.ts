// A bundle of a model as it is: no samples, no search for better scales. For formats that keep a graph as it came it is written so; the others
// get it in fewer operators, of which they have more, and one that came in quantised in integers of their own kind.
import type { Imported } from '../importers/types.ts'
import type { Context } from '../ir/context.ts'
import type { Model, Node, ValueName } from '../ir/model.ts'
import type { Form, Target } from '../ir/target.ts'
import { infer } from '../ops/infer.ts'
import { emptyVariant, initialState, type Variant, type Wanted } from '../recipe/state.ts'
import { isQuantized, requantize } from '../recipe/steps/requantize.ts'
import type { Recipe } from '../recipe/types.ts'
import { optimize } from '../stages/passes/index.ts'
import { findTarget } from '../targets/index.ts'
import { type Bundle, writeBundle } from './bundle.ts'
import { exportTo } from './compress.ts'

export async function convert(imported: Imported, id: string, ctx: Context): Promise<Bundle> {
  const target = findTarget(id)
  const wanted: Wanted = { target, form: null, io: 'float' }
  const recipe: Recipe = { thimble: 1, seed: 0, steps: [exportTo(id)] }
  return writeBundle(
    await asItIs(imported.model, wanted, ctx),
    initialState(infer(imported.model)),
    imported,
    recipe,
    null,
    ctx,
  )
}

async function asItIs(model: Model, wanted: Wanted, ctx: Context): Promise<Variant> {
  const { target } = wanted
  const form = target.forms.find(f => f.holds === (isQuantized(model) ? 'quantised' : 'float'))
  // What is written is the imported model itself: inferred shapes are ours, not the file's.
  if (target.id === 'onnx' || !form) return said(model, wanted, 'float')
  if (form.holds === 'float') {
    if (target.exporter === 'onnx') return said(model, wanted, form.id)
    return said((await optimize(infer(model), ctx)).model, wanted, form.id)
  }
  if (hasIntegerEdges(model))
    return requantize(model, { ...wanted, io: target.integerEdges ? 'integer' : 'float' }, form, ctx)
  return speaks(model, form, target) ? said(model, wanted, form.id) : requantize(model, wanted, form, ctx)
}

/** Whether it takes or gives codes, which every format says in a way of its own. */
const hasIntegerEdges = ({ graph }: Model): boolean =>
  [...graph.inputs, ...graph.outputs].some(name => /^u?int8$/.test(graph.values.get(name)?.dtype ?? ''))

const said = (model: Model, wanted: Wanted, form: string): Variant =>
  emptyVariant(wanted, form, model, null, [], ['as imported', 'as imported'])

/**
 * Whether the codes are of the target's own kind as they come in, and all that multiplies codes gives codes and adds codes as its bias: what
 * runtimes look for before they compute in integers.
 */
function speaks({ graph }: Model, { activations = 'uint8' }: Form, { quant }: Target): boolean {
  if (quant.bias !== 'int32' || quant.activations.symmetric) return false
  const wanted = `${quant.activations.signed ? '' : 'u'}${activations.replace(/^u/, '')}`
  const pairs = graph.nodes.filter(node => node.op === 'QuantizeLinear')
  const types = pairs.map(node => graph.values.get(node.inputs[2] ?? '')?.dtype ?? 'uint8')
  if (pairs.length === 0 || types.some(type => type !== wanted)) return false
  const restored = new Set(graph.nodes.filter(n => n.op === 'DequantizeLinear').flatMap(n => n.outputs))
  const readers = (name: ValueName | null): Node[] => graph.nodes.filter(n => n.inputs.includes(name))
  const rounded = (name: ValueName | null): boolean =>
    graph.outputs.includes(name!) ||
    readers(name).every(n => n.op === 'QuantizeLinear' || (/^(Relu|Clip)$/.test(n.op) && rounded(n.outputs[0])))
  return graph.nodes
    .filter(({ inputs: [x, w] }) => x && w && restored.has(x) && restored.has(w))
    .every(({ inputs: [, , bias], outputs: [y] }) => (!bias || restored.has(bias)) && rounded(y))
}
