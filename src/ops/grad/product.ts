// Gemm, and MatMul of stacks of matrices: products, whose gradients are products.
import { attrFloat, attrInt, type Node } from '../../ir/model.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'
import { broadcast, gathered, positions, spread } from './broadcast.ts'
import { count, floatsOf, type GradDef, single } from './types.ts'

const gemmOf = (node: Node, x: readonly number[], w: readonly number[]) => {
  const [transA, transB] = [attrInt(node, 'transA', 0) !== 0, attrInt(node, 'transB', 0) !== 0]
  const [m, k] = transA ? [x[1], x[0]] : x
  return { m, k, n: transB ? w[0] : w[1], transA, transB, alpha: attrFloat(node, 'alpha', 1) }
}

const times = (factor: number, x: Float32Array): Float32Array => (factor === 1 ? x : x.map(v => factor * v))

/** y = alpha A B + beta C. */
const gemm = single({
  type: 'Gemm',
  forward(node, [x, w, c], kernels) {
    const { m, n, k, transA, transB, alpha } = gemmOf(node, x!.shape, w!.shape)
    const product = new Float32Array(m * n)
    kernels.gemm(floatsOf(x!), floatsOf(w!), { m, n, k, transA, transB }, product)
    const y = times(alpha, product)
    if (c) {
      const beta = attrFloat(node, 'beta', 1)
      const bias = spread(floatsOf(c), c.shape, [m, n])
      for (let i = 0; i < y.length; i++) y[i] += beta * bias[i]
    }
    return floats([m, n], y)
  },
  backward(node, { inputs: [x, w, c] }, dy, wanted, kernels) {
    const { m, n, k, transA, transB, alpha } = gemmOf(node, x!.shape, w!.shape)
    const given = times(alpha, dy)
    const dx = wanted[0] ? new Float32Array(m * k) : null
    if (dx && transA) kernels.gemm(floatsOf(w!), given, { m: k, n: m, k: n, transA: transB, transB: true }, dx)
    else if (dx) kernels.gemm(given, floatsOf(w!), { m, n: k, k: n, transA: false, transB: !transB }, dx)
    const dw = wanted[1] ? new Float32Array(k * n) : null
    if (dw && transB) kernels.gemm(given, floatsOf(x!), { m: n, n: k, k: m, transA: true, transB: transA }, dw)
    else if (dw) kernels.gemm(floatsOf(x!), given, { m: k, n, k: m, transA: !transA, transB: false }, dw)
    const dc = wanted[2] ? times(attrFloat(node, 'beta', 1), gathered(dy, c!.shape, [m, n])) : null
    return [dx, dw, dc]
  },
})

/** Operands as stacks of matrices; a vector is a matrix of one row, or of one column where it stands on the right. */
function stacks({ shape: a }: NdArray, { shape: b }: NdArray) {
  const left = a.length === 1 ? [1, a[0]] : a
  const right = b.length === 1 ? [b[0], 1] : b
  const [m, k] = left.slice(-2)
  const n = right[right.length - 1]
  const [ahead, beside] = [left.slice(0, -2), right.slice(0, -2)]
  const outer = broadcast(ahead, beside)
  const shape = [...outer, ...(a.length === 1 ? [] : [m]), ...(b.length === 1 ? [] : [n])]
  // A right operand of one matrix is read by all rows at once.
  if (count(beside) === 1) return { m: m * count(ahead), n, k, stacked: 1, at: [null, null], shape }
  return { m, n, k, stacked: count(outer), at: [positions(ahead, outer), positions(beside, outer)], shape }
}

const matMul = single({
  type: 'MatMul',
  forward(_, [a, b], kernels) {
    const { m, n, k, stacked, at, shape } = stacks(a!, b!)
    const [x, w] = [floatsOf(a!), floatsOf(b!)]
    const y = new Float32Array(stacked * m * n)
    for (let s = 0; s < stacked; s++) {
      const [i, j] = at.map(p => (p ? p[s] : s))
      const product = y.subarray(s * m * n, (s + 1) * m * n)
      const [left, right] = [x.subarray(i * m * k, (i + 1) * m * k), w.subarray(j * k * n, (j + 1) * k * n)]
      kernels.gemm(left, right, { m, n, k, transA: false, transB: false }, product)
    }
    return floats(shape, y)
  },
  backward(_, { inputs: [a, b] }, dy, wanted, kernels) {
    const { m, n, k, stacked, at } = stacks(a!, b!)
    const [x, w] = [floatsOf(a!), floatsOf(b!)]
    const dx = wanted[0] ? new Float32Array(x.length) : null
    const dw = wanted[1] ? new Float32Array(w.length) : null
    // What is read by several products gathers the gradients of all, since gemm adds.
    for (let s = 0; s < stacked; s++) {
      const [i, j] = at.map(p => (p ? p[s] : s))
      const given = dy.subarray(s * m * n, (s + 1) * m * n)
      const [left, right] = [x.subarray(i * m * k, (i + 1) * m * k), w.subarray(j * k * n, (j + 1) * k * n)]
      if (dx) {
        const into = dx.subarray(i * m * k, (i + 1) * m * k)
        kernels.gemm(given, right, { m, n: k, k: n, transA: false, transB: true }, into)
      }
      if (!dw) continue
      const into = dw.subarray(j * k * n, (j + 1) * k * n)
      kernels.gemm(left, given, { m: k, n, k: m, transA: true, transB: false }, into)
    }
    return [dx, dw]
  },
})

export const productGrads: readonly GradDef[] = [gemm, matMul]
