// Add, Sub and Mul of two quantised tensors, broadcast. https://onnx.ai/onnx/repo-docs/Broadcasting.html
import { elementCount } from '../../../base/dtype.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { codeArray } from '../constants.ts'
import { affineOf, type CodeArray, type IntegerOp } from '../types.ts'

export const binary: IntegerOp = {
  types: ['Add', 'Sub', 'Mul'],
  alike: true,
  prepare(unit, arithmetic) {
    const [a, b] = unit.inputs
    const { op } = unit.node
    const [p, q, y] = [affineOf(a!), affineOf(b!), unit.output.affine!]
    const code = op === 'Mul' ? arithmetic.multiplier!(p, q, y) : arithmetic.adder!(p, q, y, op === 'Sub')
    return inputs => {
      const left = a!.constant ?? inputs[0]!
      const right = b!.constant ?? inputs[1]!
      const { shape, at } = together(left.shape, right.shape)
      const [l, r] = [left.data as CodeArray, right.data as CodeArray]
      const out = codeArray(unit.output.dtype, elementCount(shape))
      at((i, j, k) => {
        out[k] = code(l[i] as number, r[j] as number)
      })
      return { dtype: unit.output.dtype, shape, data: out } as NdArray
    }
  },
}

/** The common shape, and a walk over it with the indices in both arrays and in the result. */
function together(a: readonly number[], b: readonly number[]) {
  const rank = Math.max(a.length, b.length)
  const wide = (shape: readonly number[]): number[] => [...Array(rank - shape.length).fill(1), ...shape]
  const [p, q] = [wide(a), wide(b)]
  const shape = p.map((size, i) => (size === 1 ? q[i] : size))
  const strides = (own: readonly number[]): number[] =>
    own.map((size, i) => (size === 1 ? 0 : elementCount(own.slice(i + 1))))
  const [sa, sb] = [strides(p), strides(q)]
  const inner = rank === 0 ? 1 : shape[rank - 1]
  const at = (visit: (i: number, j: number, k: number) => void): void => {
    const count = elementCount(shape)
    for (let k = 0; k < count; k += inner) {
      let [i, j, rest] = [0, 0, Math.floor(k / inner)]
      for (let axis = rank - 2; axis >= 0; axis--) {
        const index = rest % shape[axis]
        rest = Math.floor(rest / shape[axis])
        i += index * sa[axis]
        j += index * sb[axis]
      }
      const [da, db] = rank === 0 ? [0, 0] : [sa[rank - 1], sb[rank - 1]]
      for (let c = 0; c < inner; c++) visit(i + c * da, j + c * db, k + c)
    }
  }
  return { shape, at }
}
