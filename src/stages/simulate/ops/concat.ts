// Concat: the codes of each input, in the output's scale. https://onnx.ai/onnx/operators/onnx__Concat.html
import { elementCount } from '../../../base/dtype.ts'
import { attrInt } from '../../../ir/model.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { codeArray } from '../constants.ts'
import { tableOf } from '../table.ts'
import { affineOf, type CodeArray, type IntegerOp } from '../types.ts'

export const concat: IntegerOp = {
  types: ['Concat'],
  alike: true,
  prepare(unit, arithmetic) {
    const { affine, dtype } = unit.output
    const tables = unit.inputs.map(x => tableOf(x!.dtype, arithmetic.rescaler!(affineOf(x!), affine!)))
    return inputs => {
      const parts = unit.inputs.map((x, i) => x!.constant ?? inputs[i]!)
      const rank = parts[0].shape.length
      const axis = (attrInt(unit.node, 'axis', 0) + rank) % rank
      const shape = [...parts[0].shape]
      shape[axis] = parts.reduce((sum, part) => sum + part.shape[axis], 0)
      const y = codeArray(dtype, elementCount(shape))
      const stride = elementCount(shape.slice(axis))
      let offset = 0
      parts.forEach((part, i) => {
        const data = part.data as CodeArray
        const length = elementCount(part.shape.slice(axis))
        const map = tables[i]
        for (let k = 0; k < data.length; k++)
          y[Math.floor(k / length) * stride + offset + (k % length)] = map(data[k] as number)
        offset += length
      })
      return { dtype, shape, data: y } as NdArray
    }
  },
}
