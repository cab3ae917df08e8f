// Pieces of a quantised model carried over into the float one, so that its layers can be looked at one at a time.
import type { Editor } from '../../ir/edit.ts'
import type { Model, Node, ValueName } from '../../ir/model.ts'
import type { QuantParams } from '../../ir/quant.ts'
import { addRounding } from '../../ir/rounding.ts'

/** The value behind its rounding; null where it has no scale. */
export function roundTrip(editor: Editor, name: ValueName, params: QuantParams | undefined): ValueName | null {
  if (!params) return null
  const back = editor.freshName(`${name}__rounded`)
  addRounding(editor, `${name}__local`, name, back, params, [])
  return back
}

/** What restores a constant from its codes, carried from the quantised graph into the branch; itself where nothing does. */
export function copyConstant(
  editor: Editor,
  quantized: Model,
  producers: ReadonlyMap<ValueName | null, Node>,
  name: ValueName,
): ValueName {
  const tensor = quantized.graph.values.get(name)?.data
  const producer = producers.get(name)
  if (!producer) return tensor && !editor.constant(name) ? editor.addInitializer(`${name}__local`, tensor) : name
  const inputs = producer.inputs.map(i => (i === null ? null : copyConstant(editor, quantized, producers, i)))
  const output = editor.freshName(`${name}__local`)
  const { op, domain, attrs } = producer
  editor.addNode({ op, domain, inputs, outputs: [output], attrs, origin: [] })
  return output
}
