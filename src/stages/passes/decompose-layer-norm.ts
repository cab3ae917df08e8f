// LayerNormalization by its definition, for targets before opset 17: d = x - mean(x), y = d / sqrt(mean(d^2) + eps) * gamma + beta.

import { type Attr, attrFloat, attrInt, int, ints } from '../../ir/model.ts'
import { int64s } from '../../ir/tensor.ts'
import { canCompute } from './constant.ts'
import { partsOf } from './decompose.ts'
import { rankOf } from './known-shape.ts'
import { isOp, kept, rule } from './rule.ts'

export const decomposeLayerNorm = rule({
  id: 'decompose-layer-norm',
  label: 'Replace LayerNormalization by simpler operators',
  level: 'close',
  onRequest: true,
  find(node, e, opset) {
    const [x, gamma, beta] = node.inputs
    if (!isOp(node, 'LayerNormalization') || x === null || gamma === null) return null
    const dtype = e.value(x)?.dtype ?? null
    const rank = rankOf(e, x)
    if (dtype === null || !canCompute(dtype) || rank === null) return kept('type or rank of its input is not known')
    if (node.outputs.slice(1).some(name => name !== null)) return kept('its mean or deviation is used')
    return {
      apply() {
        const p = partsOf(e, node, dtype)
        const axis = attrInt(node, 'axis', -1)
        const first = axis < 0 ? axis + rank : axis
        const axes = Array.from({ length: rank - first }, (_, i) => first + i)
        const axesName = opset >= 18 ? e.addInitializer(`${node.outputs[0]}.axes`, int64s(axes)) : null
        const mean = (name: string): string => {
          const attrs: [string, Attr][] = [['keepdims', int(1)]]
          if (axesName === null) attrs.push(['axes', ints(axes)])
          return p.add('ReduceMean', axesName === null ? [name] : [name, axesName], attrs)
        }
        const d = p.add('Sub', [x, mean(x)])
        const variance = p.add('Add', [
          mean(p.add('Mul', [d, d])),
          p.number('epsilon', attrFloat(node, 'epsilon', 1e-5)),
        ])
        const normal = p.add('Div', [d, p.add('Sqrt', [variance])])
        if (beta == null) p.last('Mul', [normal, gamma])
        else p.last('Add', [p.add('Mul', [normal, gamma]), beta])
        return 'became its definition'
      },
    }
  },
})
