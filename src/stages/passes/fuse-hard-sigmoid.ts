// HardSigmoid, min(max(x + 3, 0), 6) / 6 (Searching for MobileNetV3, 2019), is an operator since opset 6, written as
// max(0, min(1, alpha x + beta)) with alpha = 1/6, beta = 1/2.
import { float } from '../../ir/model.ts'
import { isFactor, near, productOf } from './factors.ts'
import { relu6Of, sixth } from './relu6.ts'
import { kept, onlyReader, originOf, rule } from './rule.ts'

export const fuseHardSigmoid = rule({
  id: 'fuse-hard-sigmoid',
  label: 'Recognise HardSigmoid',
  level: 'close',
  find(node, e, opset) {
    if (!isFactor(e, node) || opset < 6) return null
    const { values, number, nodes } = productOf(e, node)
    if (values.length !== 1 || !near(number, sixth)) return null
    const gate = relu6Of(e, values[0], opset)
    if (!gate) return null
    if (gate.nodes.some(n => !onlyReader(e, n.outputs[0]))) return kept('a part of it is used elsewhere')
    return {
      apply() {
        e.updateNode(node.id, {
          op: 'HardSigmoid',
          inputs: [gate.x],
          attrs: new Map([
            ['alpha', float(sixth)],
            ['beta', float(0.5)],
          ]),
          origin: originOf(...gate.nodes, ...nodes),
        })
        return 'became HardSigmoid, with Add and Clip before it'
      },
    }
  },
})
