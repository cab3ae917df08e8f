// What a model costs with fewer channels, reckoned from lengths alone, so that a search may ask thousands of times.
import { bitsOf, elementCount, isFloat } from '../../base/dtype.ts'
import type { Model, NodeId, ValueName } from '../../ir/model.ts'
import { infer } from '../../ops/infer.ts'
import { opOf } from '../../ops/lookup.ts'
import type { Group } from './groups.ts'

export interface Cost {
  macs: number
  parameters: number
  bytes: number // of weights
}
export type CostKind = keyof Cost

/** How many channels of each group go, by its id. */
export type Counts = ReadonlyMap<NodeId, number>

/** What the model saves by losing so many channels of each group. Axes of open length count as 1. */
export function savingsOf(given: Model, groups: readonly Group[]): (gone: Counts) => Cost {
  const { graph } = infer(given)
  const spans = new Map<ValueName, { axis: number; group: NodeId; each: number }[]>()
  for (const group of groups)
    for (const { value, axis, at } of group.spans) {
      const list = spans.get(value) ?? []
      list.push({ axis, group: group.id, each: at[0].length })
      spans.set(value, list)
    }
  const shapeOf = (name: ValueName | null | undefined, gone: Counts): readonly number[] | null => {
    const shape = name == null ? null : (graph.values.get(name)?.shape ?? null)
    if (!shape) return null
    const left = shape.map(d => (typeof d === 'number' ? d : 1))
    for (const { axis, group, each } of spans.get(name!) ?? []) left[axis] -= each * (gone.get(group) ?? 0)
    return left
  }
  const none: Counts = new Map()
  const nodes = graph.nodes.filter(node => [...node.inputs, ...node.outputs].some(name => name && spans.has(name)))
  const macs = (gone: Counts): number =>
    nodes.reduce((sum, node) => {
      const input = (i: number) => shapeOf(node.inputs[i], gone)
      return sum + (opOf(node)?.macs?.(node, { input, output: i => shapeOf(node.outputs[i], gone) }) ?? 0)
    }, 0)
  const weights = [...spans.keys()].flatMap(name => {
    const data = graph.values.get(name)?.data
    return data && isFloat(data.dtype) ? [{ name, width: bitsOf(data.dtype) / 8, count: elementCount(data.shape) }] : []
  })
  const before = macs(none)
  return gone => {
    let parameters = 0
    let bytes = 0
    for (const { name, width, count } of weights) {
      const fewer = count - elementCount(shapeOf(name, gone)!)
      parameters += fewer
      bytes += width * fewer
    }
    return { macs: before - macs(gone), parameters, bytes }
  }
}
