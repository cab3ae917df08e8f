// Biases that can take back what rounding the weights adds on average, and taking it back.
import { readFloats } from '../../../ir/bytes.ts'
import type { Context } from '../../../ir/context.ts'
import { edit } from '../../../ir/edit.ts'
import type { Model, Node, NodeId, ValueName } from '../../../ir/model.ts'
import { integerInput, type QuantPlan } from '../../../ir/quant.ts'
import { floats, tensorOf } from '../../../ir/tensor.ts'
import { weightOf } from '../../../ops/facts.ts'

/** Layers with weights of few bits that have, or could have, a bias for each output channel. */
export function correctable({ graph }: Model, plan: QuantPlan): Node[] {
  return graph.nodes.filter(node => {
    const weight = weightOf(node, graph)
    if (!weight?.bias || weight.axis === null || !plan.weights.has(weight.name)) return false
    if (!plan.quantized.has(node.id) && !plan.weightOnly.has(node.id)) return false
    const { name } = weight.bias
    return name === null || (graph.values.get(name)?.data?.dtype === 'float32' && !graph.inputs.includes(name))
  })
}

/** The model with the shifts taken off its biases, and a plan that knows those that are new. */
export async function shifted(
  model: Model,
  plan: QuantPlan,
  shifts: ReadonlyMap<NodeId, Float64Array>,
  ctx: Context,
): Promise<{ model: Model; plan: QuantPlan }> {
  const before = new Map<NodeId, Float32Array>()
  for (const id of shifts.keys()) {
    const name = model.graph.nodes.find(n => n.id === id)!.inputs[2]
    const tensor = name == null ? null : model.graph.values.get(name)!.data!
    if (tensor) before.set(id, await readFloats(ctx.bytes, tensor))
  }
  const biases = new Map(plan.biases)
  const graph = edit(model.graph, e => {
    for (const [id, shift] of shifts) {
      const node = e.node(id)!
      const old = before.get(id)
      const corrected = Float32Array.from(shift, (s, c) => (old ? old[old.length === 1 ? 0 : c] : 0) - s)
      const data = tensorOf(floats([shift.length], corrected))
      const name = node.inputs[2] ?? null
      if (name !== null && e.consumers(name).length === 1 && !e.isOutput(name)) {
        e.setValue({ ...e.value(name)!, shape: data.shape, data })
        continue
      }
      const bias = e.addInitializer(name ?? `${id}.bias`, data)
      e.updateNode(id, { inputs: [node.inputs[0], node.inputs[1], bias] })
      const [input, weight] = node.inputs as ValueName[]
      if (integerInput(plan, id, input, plan.weights.get(weight))) biases.set(id, { bias, input, weight })
    }
  })
  return { model: { ...model, graph }, plan: { ...plan, biases } }
}
