// Functions of one argument: Sigmoid, Tanh, LeakyRelu, HardSwish, Relu and Clip on their own.
import type { NdArray } from '../../../ir/tensor.ts'
import { mapped, tableOf } from '../table.ts'
import { affineOf, type Curve, type IntegerOp } from '../types.ts'

export const curve: IntegerOp = {
  types: ['Sigmoid', 'Tanh', 'LeakyRelu', 'HardSwish', 'Relu', 'Clip'],
  data: [0],
  prepare(unit, arithmetic) {
    const x = unit.inputs[0]!
    const { dtype, affine } = unit.output
    const f = tableOf(x.dtype, arithmetic.curve!(unit.node.op as Curve, unit.node, affineOf(x), affine!))
    return inputs => {
      const { shape, data } = inputs[0]!
      return { dtype, shape, data: mapped(data as Uint8Array, f, dtype) } as NdArray
    }
  },
}
