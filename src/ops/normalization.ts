// Normalisations and softmax: the first output is as the first input. https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
import { dtypeOfOnnx } from '../base/dtype.ts'
import { attrInt } from '../ir/model.ts'
import { axisOf, tensor } from './dims.ts'
import type { Dims, InferContext, OpDef } from './types.ts'

const like = (ctx: InferContext) => tensor(ctx.dtype(0), ctx.shape(0))

/** Softmax and kin along an axis; statistics of the tensor itself. */
export const normalization: OpDef = {
  type: [
    'Softmax',
    'LogSoftmax',
    'Hardmax',
    'InstanceNormalization',
    'GroupNormalization',
    'LpNormalization',
    'LRN',
    'MeanVarianceNormalization',
  ],
  infer: (_, ctx) => [like(ctx)],
}

/** x, scale, bias, mean, variance; in training, new running mean and variance too. */
export const batchNormalization: OpDef = {
  type: 'BatchNormalization',
  infer: (_, ctx) => {
    const channels: Dims | null = ctx.shape(3) ?? ctx.shape(1)
    const x = ctx.shape(0)
    const count = ctx.shape(1)?.[0]
    if (x && x.length > 1 && typeof x[1] === 'number' && typeof count === 'number' && x[1] !== count)
      ctx.fail(`its input has ${x[1]} channels, its scale ${count}`)
    const statistic = tensor(ctx.dtype(3) ?? ctx.dtype(0), channels)
    return [like(ctx), statistic, statistic, statistic, statistic]
  },
}

/** Mean and inverse deviation have 1 on the normalised axes. */
export const layerNormalization: OpDef = {
  type: ['LayerNormalization', 'RMSNormalization', 'SimplifiedLayerNormalization'],
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const stash = dtypeOfOnnx(attrInt(node, 'stash_type', 1))
    if (x === null) return [like(ctx), tensor(stash, null), tensor(stash, null)]
    const axis = axisOf(attrInt(node, 'axis', -1), x.length, ctx)
    const statistic = tensor(
      stash,
      x.map((d, i) => (i < axis ? d : 1)),
    )
    return [like(ctx), statistic, statistic]
  },
}

/** x and a skip connection added, then normalised; the fourth output is the sum. */
export const skipNormalization: OpDef = {
  type: ['SkipLayerNormalization', 'SkipSimplifiedLayerNormalization'],
  domain: 'com.microsoft',
  infer: (_, ctx) => [like(ctx), tensor(null, null), tensor(null, null), like(ctx)],
}

export const softmaxMicrosoft: OpDef = {
  type: ['QLinearSoftmax', 'GroupNorm'],
  domain: 'com.microsoft',
  infer: (_, ctx) => [like(ctx)],
}
