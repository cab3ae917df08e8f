// BatchNormalization after Conv, ConvTranspose or Gemm, in inference:
//   y = gamma (x - mean) / sqrt(var + eps) + beta  =  k x + t   with   k = gamma / sqrt(var + eps),   t = beta - mean k
import { attrFloat, attrInt, type Node } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { canCompute, toNumbers } from './constant.ts'
import { foldAffine, linearBefore, readsOf } from './linear.ts'
import { isOp, kept, rule } from './rule.ts'

export const fuseBatchNorm = rule({
  id: 'fuse-batch-norm',
  label: 'Fold BatchNormalization into the layer before it',
  level: 'close',
  find(node, e, opset) {
    if (!isOp(node, 'BatchNormalization')) return null
    const [x, ...names] = node.inputs
    if (x === null) return null
    const linear = linearBefore(e, x)
    if (linear === null) return kept('no Conv, ConvTranspose or Gemm comes before it')
    if ('why' in linear) return linear
    if (inTraining(node, opset)) return kept('it is in training mode')
    const tensors = names.map(name => e.constant(name)).filter(t => t !== null)
    if (tensors.length !== 4) return kept('its parameters are not constant')
    const { channels } = linear
    if (!tensors.every(t => canCompute(t.dtype) && t.shape.length === 1 && t.shape[0] === channels))
      return kept('its parameters are not one float per channel')
    return {
      reads: [...readsOf(linear), ...tensors],
      apply(read) {
        const numbers = (t: Tensor): Float64Array => toNumbers(t.dtype, read(t), channels)
        const [gamma, beta, mean, variance] = tensors.map(numbers)
        const epsilon = attrFloat(node, 'epsilon', 1e-5)
        const k = gamma.map((g, c) => g / Math.sqrt(variance[c] + epsilon))
        const t = beta.map((b, c) => b - mean[c] * k[c])
        return foldAffine(e, linear, node, k, t, read) ?? `folded into ${linear.node.op} ${linear.node.id}`
      },
    }
  },
})

function inTraining(node: Node, opset: number): boolean {
  if (opset >= 14) return attrInt(node, 'training_mode', 0) !== 0
  if (opset < 7) return attrInt(node, 'is_test', 0) === 0 || attrInt(node, 'spatial', 1) === 0
  return attrInt(node, 'spatial', 1) === 0 || node.outputs.slice(1).some(name => name !== null)
}
