// Softmax along one axis (opset 13), or over all axes from one on (before). https://onnx.ai/onnx/operators/onnx__Softmax.html
import { elementCount } from '../../../base/dtype.ts'
import { attrInt } from '../../../ir/model.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { codeArray } from '../constants.ts'
import { affineOf, type CodeArray, type IntegerOp } from '../types.ts'

export const softmax: IntegerOp = {
  types: ['Softmax'],
  prepare(unit, arithmetic, _, model) {
    const before13 = (model.opsets[''] ?? 0) < 13
    const { dtype, affine } = unit.output
    return inputs => {
      const { shape, data } = inputs[0]!
      const axis = (attrInt(unit.node, 'axis', before13 ? 1 : -1) + shape.length) % shape.length
      const length = before13 ? elementCount(shape.slice(axis)) : shape[axis]
      const inner = before13 ? 1 : elementCount(shape.slice(axis + 1))
      const compute = arithmetic.softmax!(affineOf(unit.inputs[0]!), affine!, length)
      const x = data as CodeArray
      const y = codeArray(dtype, x.length)
      const row = new Int32Array(length)
      const out = new Int32Array(length)
      for (let r = 0; r < x.length / Math.max(1, length); r++) {
        const from = Math.floor(r / inner) * length * inner + (r % inner)
        for (let i = 0; i < length; i++) row[i] = x[from + i * inner] as number
        compute(row, out)
        for (let i = 0; i < length; i++) y[from + i * inner] = out[i]
      }
      return { dtype, shape, data: y } as NdArray
    }
  },
}
