// Roundings of a model that came in quantised, as operators of their own, where the target's kernels give floats and would leave them out:
// what was between two codes would go on into sums and means, which then are not those of the model.
import { edit } from '../../ir/edit.ts'
import type { Model, Node, NodeId, ValueName } from '../../ir/model.ts'
import { floats, tensorOf } from '../../ir/tensor.ts'
import { readInstead } from './qdq.ts'
import { type Grid, moves } from './strip.ts'

/**
 * `model` with each value on its grid, for all readers but `products`, which round what they read themselves, and but nodes that hand codes on
 * to a value with a grid of its own. Half to even, as QuantizeLinear.
 */
export function keepRoundings(model: Model, grids: ReadonlyMap<ValueName, Grid>, products: ReadonlySet<NodeId>): Model {
  const handsOn = ({ op, outputs }: Node): boolean => moves.has(op) && outputs.some(o => o !== null && grids.has(o))
  const graph = edit(model.graph, editor => {
    for (const [name, { min, max, scale }] of grids) {
      const readers = editor.consumers(name).filter(node => !products.has(node.id) && !handsOn(node))
      if (readers.length === 0) continue
      const origin = editor.producer(name)?.origin ?? []
      const constant = (part: string, value: number): ValueName =>
        editor.addInitializer(`${name}_${part}`, tensorOf(floats([], [value])))
      const add = (op: string, inputs: ValueName[], part: string): ValueName => {
        const output = editor.freshName(`${name}_${part}`)
        editor.addNode({ op, name: '', inputs, outputs: [output], origin })
        return output
      }
      const unit = constant('unit', scale)
      const whole = add('Round', [add('Div', [name, unit], 'units')], 'whole')
      const bounds = [min, max].map((bound, i) => constant(['least', 'most'][i], Math.round(bound / scale)))
      const rounded = add('Mul', [add('Clip', [whole, ...bounds], 'held'), unit], 'rounded')
      for (const node of readers) readInstead(editor, node, name, rounded)
    }
  })
  return { ...model, graph }
}
