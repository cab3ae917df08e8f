// Of Relu and Clip one after the other, one is enough where its bounds lie within the other's: all let NaN and -0 through alike.
import { boundsOf } from './clip.ts'
import { bypass, canBypass, kept, originOf, rule, sharedBecause } from './rule.ts'

export const eliminateClip = rule({
  id: 'eliminate-clip',
  label: 'Remove a Relu or Clip that another makes needless',
  level: 'exact',
  find(node, e, opset) {
    const outer = boundsOf(node, e, opset)
    const x = node.inputs[0]
    const before = x === null ? null : e.producer(x)
    const inner = boundsOf(before, e, opset)
    const output = node.outputs[0]
    if (!outer || !inner || x === null || before === null || output === null) return null
    if (outer.min <= inner.min && inner.max <= outer.max && inner.min <= inner.max) {
      if (!canBypass(e, output, x)) return kept(`${x} and ${output} are both outputs of the graph`)
      return {
        apply() {
          bypass(e, node, output, x)
          return `the values of ${before.op} ${before.id} are within its bounds`
        },
      }
    }
    // What the first cuts off, the second would cut off anyway.
    if (!(inner.min <= outer.min && outer.max <= inner.max && outer.min <= outer.max)) return kept('the bounds overlap')
    const shared = sharedBecause(e, x)
    if (shared) return kept(shared)
    return {
      apply() {
        e.updateNode(node.id, { inputs: [before.inputs[0], ...node.inputs.slice(1)], origin: originOf(before, node) })
        return `makes ${before.op} ${before.id} before it needless`
      },
    }
  },
})
