// A constant added to or subtracted from what Conv, ConvTranspose or Gemm gives, one number per channel, goes into the bias:
//   y + c: b' = b + c      y - c: b' = b - c      c - y: W' = -W, b' = c - b
import { elementCount } from '../../base/dtype.ts'
import { canCompute, splitConstant, toNumbers } from './constant.ts'
import { foldAffine, isPerChannel, linearBefore, perChannel, readsOf } from './linear.ts'
import { isOp, kept, rule } from './rule.ts'

export const foldAdd = rule({
  id: 'fold-add',
  label: 'Fold the addition of a constant into the bias before it',
  level: 'close',
  find(node, e, opset) {
    if (!isOp(node, 'Add', 'Sub')) return null
    const operands = splitConstant(e, node)
    const linear = operands && linearBefore(e, operands.x)
    if (!linear) return null
    if ('why' in linear) return linear
    const tensor = e.constant(operands.constant)!
    // Before opset 7, operands were aligned by the attributes axis and broadcast.
    if (opset < 7) return kept(`the broadcasting of opset ${opset} is another`)
    if (!canCompute(tensor.dtype) || !isPerChannel(tensor.shape, linear.channels, linear.rank))
      return kept('the constant is not one number per channel')
    return {
      reads: [...readsOf(linear), tensor],
      apply(read) {
        const c = perChannel(toNumbers(tensor.dtype, read(tensor), elementCount(tensor.shape)), linear.channels)
        const minus = node.op === 'Sub' && !operands.first
        const k = node.op === 'Sub' && operands.first ? new Float64Array(linear.channels).fill(-1) : null
        const why = foldAffine(e, linear, node, k, minus ? c.map(v => -v) : c, read)
        return why ?? `folded into the bias of ${linear.node.op} ${linear.node.id}`
      },
    }
  },
})
