// Slices one after the other along different axes are one Slice.

import { type Attr, ints } from '../../ir/model.ts'
import { int64s } from '../../ir/tensor.ts'
import { rankOf } from './known-shape.ts'
import { isOp, kept, originOf, rule, sharedBecause } from './rule.ts'
import { type Slice, sliceOf } from './slice.ts'

export const mergeSlices = rule({
  id: 'merge-slices',
  label: 'Merge consecutive Slices',
  level: 'exact',
  find(node, e, opset) {
    const x = node.inputs[0]
    const first = isOp(node, 'Slice') && x !== null ? e.producer(x) : null
    if (x === null || !isOp(first, 'Slice')) return null
    const shared = sharedBecause(e, x)
    if (shared) return kept(shared)
    const a = sliceOf(first, e, opset)
    const b = sliceOf(node, e, opset)
    if (!a || !b) return kept('the bounds are not constant')
    const rank = rankOf(e, first.inputs[0])
    const axes = [...a.axes, ...b.axes]
    if (rank === null && axes.some(axis => axis < 0)) return kept('the rank of its input is not known')
    const counted = axes.map(axis => (axis < 0 ? axis + rank! : axis))
    if (new Set(counted).size < counted.length) return kept('both cut the same axis')
    const merged: Slice = {
      starts: [...a.starts, ...b.starts],
      ends: [...a.ends, ...b.ends],
      axes: counted,
      steps: [...a.steps, ...b.steps],
    }
    return {
      apply() {
        const source = first.inputs[0]
        const put = (part: keyof Slice): string => e.addInitializer(`${node.outputs[0]}.${part}`, int64s(merged[part]))
        const attrs: [string, Attr][] = [
          ['starts', ints(merged.starts)],
          ['ends', ints(merged.ends)],
          ['axes', ints(merged.axes)],
        ]
        e.updateNode(node.id, {
          inputs: opset < 10 ? [source] : [source, put('starts'), put('ends'), put('axes'), put('steps')],
          attrs: opset < 10 ? new Map(attrs) : node.attrs,
          origin: originOf(first, node),
        })
        return `took over what Slice ${first.id} cuts`
      },
    }
  },
})
