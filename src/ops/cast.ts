// Changes of the element type. https://onnx.ai/onnx/operators/onnx__Cast.html
import { type DType, dtypeOfOnnx } from '../base/dtype.ts'
import { attrInt } from '../ir/model.ts'
import { settle } from './content.ts'
import { filled, tensor } from './dims.ts'
import type { InferContext, OpDef, Scalar } from './types.ts'

const whole = (dtype: DType | null): boolean => dtype === 'int64' || dtype === 'int32'

function convert(ctx: InferContext, to: DType | null): Scalar[] | null {
  const cut = (x: Scalar): Scalar => (typeof x === 'number' && whole(to) ? Math.trunc(x) : x)
  return ctx.content(0)?.map(x => settle(cut(x), to)) ?? null
}

export const cast: OpDef = {
  type: 'Cast',
  kind: 'elementwise',
  infer: (node, ctx) => {
    const to = dtypeOfOnnx(attrInt(node, 'to', 0))
    return [filled(to, ctx.shape(0), convert(ctx, to))]
  },
}

export const castLike: OpDef = {
  type: 'CastLike',
  kind: 'elementwise',
  infer: (_, ctx) => [filled(ctx.dtype(1), ctx.shape(0), convert(ctx, ctx.dtype(1)))],
}

export const bitCast: OpDef = {
  type: 'BitCast',
  infer: (node, ctx) => [tensor(dtypeOfOnnx(attrInt(node, 'to', 0)), ctx.shape(0))],
}
