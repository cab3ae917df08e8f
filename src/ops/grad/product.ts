// Gemm, and MatMul with a matrix behind: rows times a matrix.
import { attrFloat, attrInt, type Graph, type Node } from '../../ir/model.ts'
import { floats } from '../../ir/tensor.ts'
import { addBias, biasGradient } from './bias.ts'
import { floatsOf, type GradDef } from './types.ts'

function refuses(node: Node, graph: Graph): string | null {
  if (graph.values.get(node.inputs[1]!)?.data?.shape.length !== 2) return 'its second operand is no constant matrix'
  return attrInt(node, 'transA', 0) !== 0 || attrFloat(node, 'alpha', 1) !== 1 || attrFloat(node, 'beta', 1) !== 1
    ? 'alpha, beta or transA is not the default'
    : null
}

/** y = x W + bias for rows x [m, k] and W [k, n], or [n, k]. */
export const productGrad: GradDef = {
  type: ['Gemm', 'MatMul'],
  refuses,
  forward(node, [x, w, bias], kernels) {
    const transB = attrInt(node, 'transB', 0) !== 0
    const [k, n] = transB ? [w!.shape[1], w!.shape[0]] : w!.shape
    const m = x!.data.length / k
    const y = new Float32Array(m * n)
    kernels.gemm(floatsOf(x!), floatsOf(w!), { m, n, k, transA: false, transB }, y)
    if (bias) addBias(y, floatsOf(bias), 1)
    return floats([...x!.shape.slice(0, -1), n], y)
  },
  backward(node, { inputs: [x, w, bias] }, dy, wanted, kernels) {
    const transB = attrInt(node, 'transB', 0) !== 0
    const [k, n] = transB ? [w!.shape[1], w!.shape[0]] : w!.shape
    const m = x!.data.length / k
    const dx = wanted[0] ? new Float32Array(x!.data.length) : null
    if (dx) kernels.gemm(dy, floatsOf(w!), { m, n: k, k: n, transA: false, transB: !transB }, dx)
    const dw = wanted[1] ? new Float32Array(w!.data.length) : null
    if (dw && transB) kernels.gemm(dy, floatsOf(x!), { m: n, n: k, k: m, transA: true, transB: false }, dw)
    else if (dw) kernels.gemm(floatsOf(x!), dy, { m: k, n, k: m, transA: true, transB: false }, dw)
    return [dx, dw, wanted[2] ? biasGradient(dy, bias!.data.length, 1) : null]
  },
}
