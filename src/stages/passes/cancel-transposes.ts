// A Transpose of a Transpose is one Transpose, or none. And a region of elementwise operators between Transposes that undo each other is
// computed in the layout in front of them: where more Transposes vanish at its border than must be added, all go.
import type { Editor } from '../../ir/edit.ts'
import { attrInts, ints, type Node } from '../../ir/model.ts'
import { rankOf } from './known-shape.ts'
import { findRegion, moveRegion } from './layout-region.ts'
import { bypass, canBypass, isOp, kept, originOf, rule } from './rule.ts'

export const cancelTransposes = rule({
  id: 'cancel-transposes',
  label: 'Cancel transposes that undo each other',
  level: 'exact',
  find(node, e, opset) {
    const x = node.inputs[0]
    const output = node.outputs[0]
    if (!isOp(node, 'Transpose') || x === null || output === null) return null
    const perm = permOf(node, e)
    if (!perm) return kept('the rank of its input is not known')
    const first = e.producer(x)
    const before = isOp(first, 'Transpose') ? permOf(first, e) : null
    if (isOp(first, 'Transpose') && before && first.inputs[0] !== null) {
      const source = first.inputs[0]
      const both = perm.map(axis => before[axis])
      const undone = both.every((axis, i) => axis === i)
      if (undone && canBypass(e, output, source))
        return {
          apply() {
            bypass(e, node, output, source)
            return `undoes Transpose ${first.id}`
          },
        }
      if (undone) return kept(`it would give ${source} the name of the graph output ${output}`)
      return {
        apply() {
          e.updateNode(node.id, {
            inputs: [source],
            attrs: new Map([...node.attrs, ['perm', ints(both)]]),
            origin: originOf(first, node),
          })
          return `merged with Transpose ${first.id}`
        },
      }
    }
    const region = findRegion(e, output, perm, opset)
    if (region === null) return null
    const gone = region.sources.size + region.sinks.size
    const added = region.entries.size + region.exits.size
    if (gone <= added) return kept('moving it past the operators after it would add as many as it removes')
    return {
      apply() {
        moveRegion(e, region, opset)
        return `${gone - added} fewer around ${[...region.nodes.values()].map(n => n.op).join(', ')}`
      },
    }
  },
})

/** The permutation; by default it reverses the axes. */
export function permOf(node: Node, e: Editor): number[] | null {
  const perm = attrInts(node, 'perm')
  if (perm) return perm
  const rank = rankOf(e, node.inputs[0])
  return rank === null ? null : Array.from({ length: rank }, (_, i) => rank - 1 - i)
}
