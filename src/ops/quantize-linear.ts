// Between real numbers and codes. https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html
import { type DType, dtypeOfOnnx } from '../base/dtype.ts'
import { attrInt, type Node } from '../ir/model.ts'
import { tensor } from './dims.ts'
import type { InferContext, OpDef } from './types.ts'

/** The type of the zero point, else the attribute, else uint8. */
function codeType(node: Node, ctx: InferContext): DType | null {
  if (ctx.has(2)) return ctx.dtype(2)
  const given = attrInt(node, 'output_dtype', 0)
  return given === 0 ? 'uint8' : dtypeOfOnnx(given)
}

function realType(node: Node, ctx: InferContext): DType | null {
  const given = attrInt(node, 'output_dtype', 0)
  return given === 0 ? ctx.dtype(1) : dtypeOfOnnx(given)
}

export const quantizeLinear: OpDef = {
  type: 'QuantizeLinear',
  scales: [1, 2],
  kind: 'elementwise',
  infer: (node, ctx) => [tensor(codeType(node, ctx), ctx.shape(0))],
}
export const quantizeLinearMicrosoft: OpDef = { ...quantizeLinear, domain: 'com.microsoft' }

export const dequantizeLinear: OpDef = {
  type: 'DequantizeLinear',
  scales: [1, 2],
  kind: 'elementwise',
  infer: (node, ctx) => [tensor(realType(node, ctx), ctx.shape(0))],
}
export const dequantizeLinearMicrosoft: OpDef = { ...dequantizeLinear, domain: 'com.microsoft' }

/** Scale and zero point come from the data: y, y_scale, y_zero. */
export const dynamicQuantizeLinear: OpDef = {
  type: 'DynamicQuantizeLinear',
  infer: (_, ctx) => [tensor('uint8', ctx.shape(0)), tensor('float32', []), tensor('uint8', [])],
}
