// Gelu by its definition, for targets before opset 20: x/2 (1 + erf(x / sqrt 2)), or with tanh where it is approximated.
import { attrString } from '../../ir/model.ts'
import { canCompute } from './constant.ts'
import { partsOf } from './decompose.ts'
import { isOp, kept, rule } from './rule.ts'

export const decomposeGelu = rule({
  id: 'decompose-gelu',
  label: 'Replace Gelu by simpler operators',
  level: 'close',
  onRequest: true,
  find(node, e) {
    const x = node.inputs[0]
    if (!isOp(node, 'Gelu') || x === null) return null
    const dtype = e.value(x)?.dtype ?? null
    if (dtype === null || !canCompute(dtype)) return kept('the type of its input is not known')
    return {
      apply() {
        const p = partsOf(e, node, dtype)
        let curve: string
        if (attrString(node, 'approximate', 'none') === 'tanh') {
          const cube = p.add('Mul', [p.add('Mul', [x, x]), x])
          const sum = p.add('Add', [x, p.add('Mul', [cube, p.number('c3', 0.044715)])])
          curve = p.add('Tanh', [p.add('Mul', [sum, p.number('c1', 0.7978845608028654)])]) // sqrt(2 / pi)
        } else curve = p.add('Erf', [p.add('Mul', [x, p.number('root', Math.SQRT1_2)])])
        const half = p.add('Mul', [x, p.number('half', 0.5)])
        p.last('Mul', [half, p.add('Add', [curve, p.number('one', 1)])])
        return 'became its definition'
      },
    }
  },
})
