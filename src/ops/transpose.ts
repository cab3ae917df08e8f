// Axes in another order. https://onnx.ai/onnx/operators/onnx__Transpose.html
import { attrInts } from '../ir/model.ts'
import { offsets, stridesOf } from './content.ts'
import { axisOf, filled, numeric, show, tensor } from './dims.ts'
import type { OpDef } from './types.ts'

export const transpose: OpDef = {
  type: 'Transpose',
  kind: 'layout',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const dtype = ctx.dtype(0)
    const given = attrInts(node, 'perm')
    if (x === null) return [tensor(dtype, given?.map(() => null) ?? null)]
    if (given && given.length !== x.length) ctx.fail(`its perm [${given.join(', ')}] does not fit ${show(x)}`)
    const perm = given?.map(a => axisOf(a, x.length, ctx)) ?? x.map((_, i) => x.length - 1 - i)
    const shape = perm.map(a => x[a])
    const content = ctx.content(0)
    const from = numeric(x)
    const to = numeric(shape)
    if (!content || !from || !to) return [tensor(dtype, shape)]
    const strides = stridesOf(from)
    const order = offsets(
      to,
      perm.map(a => strides[a]),
    )
    return [
      filled(
        dtype,
        shape,
        order.map(at => content[at]),
      ),
    ]
  },
}
