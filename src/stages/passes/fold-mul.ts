// What Conv, ConvTranspose or Gemm gives, multiplied or divided by a constant, one number per channel: W' = k W, b' = k b.
import { elementCount } from '../../base/dtype.ts'
import { canCompute, splitConstant, toNumbers } from './constant.ts'
import { foldAffine, isPerChannel, linearBefore, perChannel, readsOf } from './linear.ts'
import { isOp, kept, rule } from './rule.ts'

export const foldMul = rule({
  id: 'fold-mul',
  label: 'Fold the multiplication by a constant into the weights before it',
  level: 'close',
  find(node, e, opset) {
    if (!isOp(node, 'Mul', 'Div')) return null
    const operands = splitConstant(e, node)
    const linear = operands && linearBefore(e, operands.x)
    if (!linear) return null
    if ('why' in linear) return linear
    const tensor = e.constant(operands.constant)!
    if (node.op === 'Div' && operands.first) return kept('the layer is the divisor')
    // Before opset 7, operands were aligned by the attributes axis and broadcast.
    if (opset < 7) return kept(`the broadcasting of opset ${opset} is another`)
    if (!canCompute(tensor.dtype) || !isPerChannel(tensor.shape, linear.channels, linear.rank))
      return kept('the constant is not one number per channel')
    return {
      reads: [...readsOf(linear), tensor],
      apply(read) {
        const c = perChannel(toNumbers(tensor.dtype, read(tensor), elementCount(tensor.shape)), linear.channels)
        const why = foldAffine(e, linear, node, node.op === 'Div' ? c.map(v => 1 / v) : c, null, read)
        return why ?? `folded into ${linear.node.op} ${linear.node.id}`
      },
    }
  },
})
