// Losses, as training graphs have them. https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html
import { attrString, type Node } from '../ir/model.ts'
import { tensor } from './dims.ts'
import type { InferContext, OpDef } from './types.ts'

/** Scores [N, C, ...] and labels [N, ...]: one loss a label unless reduced; log-probabilities where there is a second output. */
function lossFacts(node: Node, ctx: InferContext) {
  const each = attrString(node, 'reduction', 'mean') === 'none'
  return [tensor(ctx.dtype(0), each ? ctx.shape(1) : []), tensor(ctx.dtype(0), ctx.shape(0))]
}

export const loss: OpDef = { type: ['NegativeLogLikelihoodLoss', 'SoftmaxCrossEntropyLoss'], infer: lossFacts }
