// MatMul of matrices followed by the addition of a constant row is Gemm: A B + c, the row broadcast over the rows.
import { canCompute, splitConstant } from './constant.ts'
import { rankOf } from './known-shape.ts'
import { isPerChannel } from './linear.ts'
import { isOp, kept, originOf, rule, sharedBecause } from './rule.ts'

export const fuseMatmulAdd = rule({
  id: 'fuse-matmul-add',
  label: 'Join MatMul and Add to Gemm',
  level: 'close',
  find(node, e, opset) {
    if (!isOp(node, 'Add')) return null
    const operands = splitConstant(e, node)
    const matmul = operands && e.producer(operands.x)
    if (!operands || !isOp(matmul, 'MatMul')) return null
    const [a, b] = matmul.inputs
    const weight = e.constant(b)
    if (a === null || !weight) return kept(`the right operand of ${matmul.id} is not constant`)
    if (weight.shape.length !== 2 || rankOf(e, a) !== 2) return kept(`${matmul.id} multiplies more than two dimensions`)
    if (!canCompute(weight.dtype)) return kept(`Gemm has no ${weight.dtype} form everywhere`)
    if (opset < 7) return kept(`Gemm of opset ${opset} does not broadcast its bias`)
    const shared = sharedBecause(e, operands.x)
    if (shared) return kept(shared)
    const bias = e.constant(operands.constant)!
    if (!isPerChannel(bias.shape, weight.shape[1], 2)) return kept('the addend is not one number per column')
    return {
      apply() {
        e.removeNode(node.id)
        e.updateNode(matmul.id, {
          op: 'Gemm',
          inputs: [a, b, operands.constant],
          outputs: node.outputs,
          origin: originOf(matmul, node),
        })
        return `became Gemm with MatMul ${matmul.id}`
      },
    }
  },
})
