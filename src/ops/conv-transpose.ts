// ConvTranspose. https://onnx.ai/onnx/operators/onnx__ConvTranspose.html  Weight: [C, M / group, ...].
// out = stride * (in - 1) + output_padding + (dilation * (kernel - 1) + 1) - pads; SAME_*: in * stride.
// MACs = input elements * output channels per group * kernel elements.
import { attrInt, attrInts } from '../ir/model.ts'
import { windowOf } from './conv.ts'
import { nulls, product, show, tensor } from './dims.ts'
import type { OpDef } from './types.ts'

export const convTranspose: OpDef = {
  type: 'ConvTranspose',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const w = ctx.shape(1)
    const dtype = ctx.dtype(0) ?? ctx.dtype(1)
    const rank = x?.length ?? w?.length
    if (rank === undefined || rank < 2) return [tensor(dtype, null)]
    if (x && w && x.length !== w.length)
      ctx.fail(`its input ${show(x)} and its weight ${show(w)} have different numbers of axes`)
    const channels = x?.[1]
    const takes = w?.[0]
    if (typeof channels === 'number' && typeof takes === 'number' && channels !== takes)
      ctx.fail(`its input has ${channels} channels, its weight ${show(w)} takes ${takes}`)
    const window = windowOf(node, rank - 2)
    const kernel = attrInts(node, 'kernel_shape') ?? w?.slice(2) ?? nulls(rank - 2)
    const extra = attrInts(node, 'output_padding') ?? []
    const wanted = attrInts(node, 'output_shape')?.slice(2 - rank)
    const spatial = nulls(rank - 2).map((_, i) => {
      if (wanted && rank > 2) return wanted[i] ?? null
      const size = x?.[i + 2] ?? null
      const stride = window.strides[i] ?? 1
      if (window.autoPad.startsWith('SAME')) return product([size, stride])
      const k = kernel[i]
      if (typeof size !== 'number' || typeof k !== 'number') return null
      const half = window.pads.length / 2
      const pads = window.autoPad === 'VALID' ? 0 : (window.pads[i] ?? 0) + (window.pads[half + i] ?? 0)
      return stride * (size - 1) + (extra[i] ?? 0) + (window.dilations[i] ?? 1) * (k - 1) + 1 - pads
    })
    return [tensor(dtype, [x?.[0] ?? null, product([w?.[1] ?? null, attrInt(node, 'group', 1)]), ...spatial])]
  },
  macs: (_, ctx) => {
    const x = ctx.input(0)
    const w = ctx.input(1)
    return x && w ? [...x, ...w.slice(1)].reduce((a, b) => a * b, 1) : 0
  },
  weight: { input: 1, bias: 2, axis: () => 1 },
}
