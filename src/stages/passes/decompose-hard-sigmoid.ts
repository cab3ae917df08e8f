// HardSigmoid, max(0, min(1, alpha x + beta)), as alpha times x + beta / alpha held between 0 and 1 / alpha: with alpha = 1/6 a sum with
// ReLU6, which kernels of integers have, and a product with a number.
import { attrFloat } from '../../ir/model.ts'
import { partsOf } from './decompose.ts'
import { isOp, rule } from './rule.ts'

export const decomposeHardSigmoid = rule({
  id: 'decompose-hard-sigmoid',
  label: 'Replace HardSigmoid by simpler operators',
  level: 'close',
  onRequest: true,
  find(node, e, opset) {
    // Since then Clip takes its bounds as inputs.
    if (opset < 11 || !isOp(node, 'HardSigmoid') || node.inputs[0] === null) return null
    const [alpha, beta] = [attrFloat(node, 'alpha', 0.2), attrFloat(node, 'beta', 0.5)]
    if (alpha <= 0) return null
    return {
      apply() {
        const p = partsOf(e, node)
        const moved = p.add('Add', [node.inputs[0], p.number('shift', beta / alpha)])
        const held = p.add('Clip', [moved, p.number('min', 0), p.number('max', 1 / alpha)])
        p.last('Mul', [held, p.number('alpha', alpha)])
        return 'became Add, Clip and Mul'
      },
    }
  },
})
