// Reshape, Flatten, Squeeze and Unsqueeze keep the elements and their order, so that of several in a row only the last counts.

import { attrInt, type Node } from '../../ir/model.ts'
import { int64s } from '../../ir/tensor.ts'
import { intsOf } from './constant.ts'
import { reshapeTarget, sameShape, shapeOf } from './known-shape.ts'
import { bypass, canBypass, isOp, kept, originOf, rule } from './rule.ts'

const isView = (node: Node | null): node is Node => isOp(node, 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze')

export const cancelReshapes = rule({
  id: 'cancel-reshapes',
  label: 'Merge consecutive reshapes',
  level: 'exact',
  find(node, e, opset) {
    const x = node.inputs[0]
    const output = node.outputs[0]
    if (!isView(node) || x === null || output === null) return null
    const first = e.producer(x)
    const source = isView(first) ? first.inputs[0] : null
    if (!isView(first) || source === null) return null
    if (sameShape(shapeOf(e, source), shapeOf(e, output)) && canBypass(e, output, source))
      return {
        apply() {
          bypass(e, node, output, source)
          return `undoes ${first.op} ${first.id}`
        },
      }
    if (opset < 5) return kept(`Reshape of opset ${opset} has no target input`)
    // A target without zeros says the whole shape by itself, whatever it is applied to.
    const own = isOp(node, 'Reshape') ? intsOf(e, node.inputs[1]) : null
    const whole = own !== null && (own.every(dim => dim !== 0) || attrInt(node, 'allowzero', 0) !== 0)
    const target = whole ? own : reshapeTarget(shapeOf(e, source), shapeOf(e, output))
    if (!target) return kept('the shape it gives is not known well enough')
    return {
      apply() {
        const shape = whole ? node.inputs[1] : e.addInitializer(`${output}.shape`, int64s(target))
        e.updateNode(node.id, {
          op: 'Reshape',
          inputs: [source, shape],
          attrs: whole ? node.attrs : new Map(),
          origin: originOf(first, node),
        })
        return `skips ${first.op} ${first.id}`
      },
    }
  },
})
