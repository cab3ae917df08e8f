// The rule of every operator through which channels are followed. What is not here is not followed: all its axes stay.

import type { Node } from '../../../ir/model.ts'
import { arithmetic, comparison, variadic, where } from '../../../ops/arithmetic.ts'
import { clip, elementTest, elementwise as unary } from '../../../ops/elementwise.ts'
import { conv, convTranspose, gemm, matmul, recurrent } from './layers.ts'
import {
  concat,
  depthSpace,
  expand,
  gather,
  gridSample,
  pad,
  resize,
  slice,
  split,
  squeeze,
  transpose,
} from './layout.ts'
import { axesGiven, channelwise, elementwise, fromAxis, mixing, perChannel, reduce, shape } from './plain.ts'
import { flatten, reshape } from './reshape.ts'
import type { Rule } from './types.ts'

const all = 'takes statistics over its channels'
const microsoft = ['Gelu', 'FastGelu', 'BiasGelu', 'QuickGelu'].map(op => `com.microsoft:${op}`)

const rules: readonly Rule[] = [
  {
    ops: [arithmetic, comparison, variadic, where, unary, clip, elementTest].flatMap(def => def.type),
    tie: elementwise,
  },
  { ops: ['Identity', 'Dropout', 'Cast', 'CastLike', ...microsoft], tie: elementwise },
  { ops: ['BatchNormalization', 'InstanceNormalization'], tie: perChannel },
  { ops: ['MaxPool', 'AveragePool', 'LpPool'], tie: channelwise },
  { ops: ['GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool'], tie: channelwise },
  { ops: ['LayerNormalization', 'RMSNormalization', 'SimplifiedLayerNormalization'], tie: mixing(all, fromAxis(-1)) },
  { ops: ['LpNormalization'], tie: mixing(all, fromAxis(-1)) },
  { ops: ['Softmax', 'LogSoftmax', 'Hardmax'], tie: mixing('weighs its channels against each other', fromAxis(-1)) },
  { ops: ['LRN', 'GroupNormalization'], tie: mixing(all, () => [1]) },
  { ops: ['MeanVarianceNormalization'], tie: mixing(all, (site, rank) => axesGiven(site, rank) ?? [0, 2, 3]) },
  { ops: ['CumSum', 'CumProd'], tie: mixing('adds up along its channels', (_, rank) => [...Array(rank).keys()]) },
  { ops: ['ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceMax'], tie: reduce },
  { ops: ['ReduceMean', 'ReduceMin', 'ReduceProd', 'ReduceSum', 'ReduceSumSquare', 'ArgMax', 'ArgMin'], tie: reduce },
  { ops: ['Shape'], tie: shape },
  conv,
  convTranspose,
  gemm,
  matmul,
  recurrent,
  transpose,
  squeeze,
  concat,
  split,
  slice,
  pad,
  gather,
  expand,
  depthSpace,
  resize,
  gridSample,
  reshape,
  flatten,
]

const table = new Map(rules.flatMap(rule => rule.ops.map(op => [op, rule] as const)))

/** The rule that a node's channels follow; null where they are not followed. */
export function ruleOf({ domain, op }: Node): Rule | null {
  return table.get(domain === '' || domain === 'ai.onnx' ? op : `${domain}:${op}`) ?? null
}
