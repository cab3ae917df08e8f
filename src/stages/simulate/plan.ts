// The order in which a QDQ graph is computed: units, pairs that stand alone, and stretches of float operators between them.
import { StudioError } from '../../base/errors.ts'
import { type Model, type Node, reads, type ValueName } from '../../ir/model.ts'
import type { Arithmetic, IntegerOp, Params, Unit } from './types.ts'
import { isDequantize, isQuantize, type Units } from './units.ts'

export type Step =
  | { kind: 'unit'; unit: Unit; op: IntegerOp }
  | { kind: 'quantize' | 'dequantize'; node: Node; params: Params }
  | { kind: 'requantize'; from: Node; to: Node; x: Params; y: Params } // DequantizeLinear straight into QuantizeLinear
  | { kind: 'float'; inputs: ValueName[]; outputs: ValueName[] }

interface Item {
  step: Exclude<Step, { kind: 'float' }> | { kind: 'node'; node: Node }
  reads: ValueName[]
  makes: ValueName[]
}

/** Steps that give `wanted`, values named as in the graph. */
export function planSteps(
  model: Model,
  { units, pairs }: Units,
  arithmetic: Arithmetic,
  wanted: readonly ValueName[],
): Step[] {
  const { graph } = model
  const items = itemsOf(model, units, pairs, arithmetic, wanted)
  const makers = new Map(items.flatMap(item => item.makes.map(name => [name, item] as const)))
  const given = new Set<ValueName>(graph.inputs)
  for (const value of graph.values.values()) if (value.data) given.add(value.name)

  const needed = new Set<Item>()
  const visit = (name: ValueName): void => {
    const item = makers.get(name)
    if (!item || needed.has(item)) return
    needed.add(item)
    item.reads.forEach(visit)
  }
  for (const name of wanted) {
    if (!makers.has(name) && !graph.inputs.includes(name)) throw unknown(name, units)
    visit(name)
  }

  const steps: Step[] = []
  let waiting = items.filter(item => needed.has(item))
  while (waiting.length > 0) {
    const before = waiting.length
    waiting = waiting.filter(item => {
      if (item.step.kind === 'node' || !item.reads.every(name => given.has(name))) return true
      steps.push(item.step)
      for (const name of item.makes) given.add(name)
      return false
    })
    // As many float operators as can be reached from what is there.
    const reached = new Set<ValueName>()
    const stretch = waiting.filter(item => {
      const ready = item.step.kind === 'node' && item.reads.every(name => given.has(name) || reached.has(name))
      if (ready) for (const name of item.makes) reached.add(name)
      return ready
    })
    const rest = new Set(waiting.filter(item => !stretch.includes(item)))
    if (stretch.length > 0) {
      const later = new Set([...[...rest].flatMap(item => item.reads), ...wanted])
      const outputs = [...reached].filter(name => later.has(name))
      const inputs = new Set(stretch.flatMap(item => item.reads).filter(name => isFed(name)))
      steps.push({ kind: 'float', inputs: [...inputs].filter(name => !reached.has(name)), outputs })
      for (const name of reached) given.add(name)
      waiting = [...rest]
    }
    if (waiting.length === before) throw unknown(waiting[0].makes[0], units)
  }
  return steps

  /** Given at run time, not by the model. */
  function isFed(name: ValueName): boolean {
    return graph.inputs.includes(name) || !graph.values.get(name)?.data
  }
}

/** Units and nodes in graph order; nodes inside a unit, and DequantizeLinears whose readers are all units, are none of their own. */
function itemsOf(
  model: Model,
  units: Units['units'],
  pairs: Units['pairs'],
  arithmetic: Arithmetic,
  wanted: readonly ValueName[],
): Item[] {
  const inside = new Map<Node, (typeof units)[number] | null>()
  for (const found of units) {
    const { node, activation, quantize } = found.unit
    for (const part of [node, activation, quantize]) if (part) inside.set(part, null)
    inside.set(quantize ?? node, found) // stands where its last node does
  }
  const producers = new Map(model.graph.nodes.flatMap(n => n.outputs.map(name => [name, n] as const)))
  // A stretch reads codes and has its own DequantizeLinear, so that the runtime sees the pairs.
  const through = (name: ValueName): ValueName[] => {
    const producer = producers.get(name)
    return producer && isDequantize(producer) && arithmetic.fusesFloat ? reads(producer).flatMap(through) : [name]
  }
  const constant = (name: ValueName | null): boolean => name !== null && model.graph.values.get(name)?.data != null
  const items: Item[] = []
  for (const node of model.graph.nodes) {
    const found = inside.get(node)
    if (found === null) continue
    const makes = node.outputs.filter(name => name !== null)
    if (found) {
      const { unit } = found
      const names = unit.node.inputs.flatMap((name, i) =>
        name === null || unit.inputs[i]?.constant ? [] : [unit.inputs[i]?.codes ?? name],
      )
      items.push({ step: { kind: 'unit', ...found }, reads: names, makes: [unit.output.name] })
      continue
    }
    const params = pairs.get(node)
    if (params && isDequantize(node) && !constant(node.inputs[0])) {
      const own = !arithmetic.fusesFloat || node.outputs.some(name => name !== null && wanted.includes(name))
      if (own) items.push({ step: { kind: 'dequantize', node, params }, reads: [node.inputs[0]!], makes })
    } else if (params && isQuantize(node) && !arithmetic.fusesFloat) {
      const from = producers.get(node.inputs[0])
      const x = from && isDequantize(from) && !constant(from.inputs[0]) ? pairs.get(from) : undefined
      if (x?.scale.length === 1 && params.scale.length === 1)
        items.push({
          step: { kind: 'requantize', from: from!, to: node, x, y: params },
          reads: [from!.inputs[0]!],
          makes,
        })
      else items.push({ step: { kind: 'quantize', node, params }, reads: [node.inputs[0]!], makes })
    } else if (params && isQuantize(node) && model.graph.inputs.includes(node.inputs[0]!))
      items.push({ step: { kind: 'quantize', node, params }, reads: [node.inputs[0]!], makes })
    else items.push({ step: { kind: 'node', node }, reads: [...new Set(reads(node).flatMap(through))], makes })
  }
  return items
}

function unknown(name: ValueName, units: readonly { unit: Unit }[]): StudioError {
  const unit = units.map(u => u.unit).find(u => u.node.outputs.includes(name) || u.activation?.outputs.includes(name))
  return unit
    ? new StudioError('usage', `${name} lies inside the integer kernel of ${unit.node.op} ${unit.node.id}`, {
        where: { value: name, node: unit.node.id },
        hint: `Ask for ${unit.output.name}, which the kernel gives.`,
      })
    : new StudioError('usage', `The model has no value ${name}`, {
        where: { value: name },
        hint: 'Ask for an output of a node of the quantised model.',
      })
}
