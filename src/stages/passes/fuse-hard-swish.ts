// HardSwish, x min(max(x + 3, 0), 6) / 6 (Searching for MobileNetV3, 2019), became an operator in opset 14.
import type { Editor } from '../../ir/edit.ts'
import { attrFloat, type ValueName } from '../../ir/model.ts'
import { isFactor, near, productOf } from './factors.ts'
import { type Gate, relu6Of, sixth } from './relu6.ts'
import { isOp, kept, onlyReader, originOf, rule } from './rule.ts'

export const fuseHardSwish = rule({
  id: 'fuse-hard-swish',
  label: 'Recognise HardSwish',
  level: 'close',
  find(node, e, opset) {
    if (!isFactor(e, node)) return null
    const { values, number, nodes } = productOf(e, node)
    if (values.length !== 2) return null
    for (const i of [0, 1]) {
      const x = values[i]
      const gate = near(number, sixth)
        ? relu6Of(e, values[1 - i], opset)
        : near(number, 1)
          ? hardSigmoidOf(e, values[1 - i])
          : null
      if (!gate || gate.x !== x) continue
      if (opset < 14) return kept(`opset ${opset} has no HardSwish; it came with 14`)
      if (gate.nodes.some(n => !onlyReader(e, n.outputs[0]))) return kept('a part of it is used elsewhere')
      return {
        apply() {
          const origin = originOf(...gate.nodes, ...nodes)
          e.updateNode(node.id, { op: 'HardSwish', inputs: [x], attrs: new Map(), origin })
          return `became HardSwish, with ${gate.nodes.length + nodes.length - 1} nodes before it`
        },
      }
    }
    return null
  },
})

function hardSigmoidOf(e: Editor, name: ValueName): Gate | null {
  const node = e.producer(name)
  if (!isOp(node, 'HardSigmoid') || node.inputs[0] === null) return null
  if (!near(attrFloat(node, 'alpha', 0.2), sixth) || !near(attrFloat(node, 'beta', 0.5), 0.5)) return null
  return { x: node.inputs[0], nodes: [node] }
}
