// Operators on strings. https://onnx.ai/onnx/operators/onnx__StringSplit.html
import { attrInts } from '../ir/model.ts'
import { broadcastInputs } from './content.ts'
import { tensor } from './dims.ts'
import type { OpDef } from './types.ts'

export const stringConcat: OpDef = {
  type: 'StringConcat',
  kind: 'elementwise',
  infer: (_, ctx) => [tensor('string', broadcastInputs(ctx, [0, 1]))],
}

export const regexFullMatch: OpDef = {
  type: 'RegexFullMatch',
  kind: 'elementwise',
  infer: (_, ctx) => [tensor('bool', ctx.shape(0))],
}

/** Parts along a new last axis, and how many there are of each. */
export const stringSplit: OpDef = {
  type: 'StringSplit',
  infer: (_, ctx) => {
    const x = ctx.shape(0)
    return [tensor('string', x && [...x, null]), tensor('int64', x)]
  },
}

/** [C] or [1, C]: stop words are dropped. */
export const stringNormalizer: OpDef = {
  type: 'StringNormalizer',
  infer: (_, ctx) => [tensor('string', ctx.shape(0)?.map((d, i, all) => (i === all.length - 1 ? null : d)) ?? null)],
}

/** [C] or [N, C] to counts of the n-grams that the attribute indexes. */
export const tfIdfVectorizer: OpDef = {
  type: 'TfIdfVectorizer',
  infer: (node, ctx) => {
    const x = ctx.shape(0)
    const size = Math.max(...(attrInts(node, 'ngram_indexes') ?? [-1])) + 1
    return [tensor('float32', x && [...x.slice(0, -1), size > 0 ? size : null])]
  },
}
