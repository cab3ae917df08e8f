// Windows and Fourier transforms. https://onnx.ai/onnx/operators/onnx__DFT.html  Complex numbers are a last axis of 2.
import { dtypeOfOnnx } from '../base/dtype.ts'
import { attrInt, type Dim } from '../ir/model.ts'
import { axisOf, nulls, replaceAt, tensor } from './dims.ts'
import type { OpDef } from './types.ts'

const half = (n: Dim): Dim => (typeof n === 'number' ? Math.floor(n / 2) + 1 : null)

export const window: OpDef = {
  type: ['BlackmanWindow', 'HammingWindow', 'HannWindow'],
  infer: (node, ctx) => [tensor(dtypeOfOnnx(attrInt(node, 'output_datatype', 1)), [ctx.content(0)?.[0] ?? null])],
}

/** bins, DFT length, sample rate, edges -> [DFT length / 2 + 1, bins]. */
export const melWeightMatrix: OpDef = {
  type: 'MelWeightMatrix',
  infer: (node, ctx) => [
    tensor(dtypeOfOnnx(attrInt(node, 'output_datatype', 1)), [
      half(ctx.content(1)?.[0] ?? null),
      ctx.content(0)?.[0] ?? null,
    ]),
  ],
}

/** x, length, axis (an attribute before operator set 20). */
export const dft: OpDef = {
  type: 'DFT',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const dtype = ctx.dtype(0)
    if (x === null) return [tensor(dtype, null)]
    const oneSided = attrInt(node, 'onesided', 0) !== 0
    const inverse = attrInt(node, 'inverse', 0) !== 0
    const given = ctx.opset < 20 ? attrInt(node, 'axis', 1) : ctx.has(2) ? ctx.numbers(2)?.[0] : -2
    if (given === undefined || (oneSided && inverse)) return [tensor(dtype, nulls(x.length))]
    const axis = axisOf(given, x.length, ctx)
    const length = ctx.has(1) ? (ctx.content(1)?.[0] ?? null) : x[axis]
    return [tensor(dtype, replaceAt(replaceAt(x, x.length - 1, 2), axis, oneSided ? half(length) : length))]
  },
}

/** signal [batch, length, 1 or 2], step, window, frame length -> [batch, frames, bins, 2]. */
export const stft: OpDef = {
  type: 'STFT',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const step = ctx.numbers(1)?.[0]
    const frame = ctx.has(3) ? (ctx.numbers(3)?.[0] ?? null) : (ctx.shape(2)?.[0] ?? null)
    const length = x?.[1]
    const frames =
      typeof length === 'number' && typeof frame === 'number' && step ? Math.floor((length - frame) / step) + 1 : null
    const bins = attrInt(node, 'onesided', 1) !== 0 ? half(frame) : frame
    return [tensor(ctx.dtype(0), [x?.[0] ?? null, frames, bins, 2])]
  },
}
