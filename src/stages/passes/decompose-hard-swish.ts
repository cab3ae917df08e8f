// HardSwish as x * HardSigmoid(x) with alpha = 1/6, beta = 1/2, for targets before opset 14.
import { float } from '../../ir/model.ts'
import { partsOf } from './decompose.ts'
import { isOp, rule } from './rule.ts'

export const decomposeHardSwish = rule({
  id: 'decompose-hard-swish',
  label: 'Replace HardSwish by simpler operators',
  level: 'close',
  onRequest: true,
  find(node, e) {
    if (!isOp(node, 'HardSwish') || node.inputs[0] === null) return null
    const [x] = node.inputs
    return {
      apply() {
        const p = partsOf(e, node)
        const gate = p.add(
          'HardSigmoid',
          [x],
          [
            ['alpha', float(Math.fround(1 / 6))],
            ['beta', float(0.5)],
          ],
        )
        p.last('Mul', [x, gate])
        return 'became HardSigmoid and Mul'
      },
    }
  },
})
