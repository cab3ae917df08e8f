// The list of operators that we know.
import { arithmetic, comparison, qLinearArithmetic, variadic, where } from './arithmetic.ts'
import { attention, multiHeadAttention, rotaryEmbedding, rotaryEmbeddingMicrosoft } from './attention.ts'
import { bitCast, cast, castLike } from './cast.ts'
import { concat, qLinearConcat } from './concat.ts'
import { conditional, loop, scan } from './control.ts'
import { conv, convInteger, deformConv, fusedConv, qLinearConv, qLinearConvMicrosoft } from './conv.ts'
import { convTranspose } from './conv-transpose.ts'
import { einsum } from './einsum.ts'
import { clip, elementTest, elementwise, elementwiseMicrosoft } from './elementwise.ts'
import { centerCropPad, expand, pad, tile, trilu, triluMicrosoft } from './expand.ts'
import { compress, gather, gatherElements, gatherNd, oneHot, reverseSequence, scatter } from './gather.ts'
import { fusedGemm, gemm, qGemm } from './gemm.ts'
import { loss } from './loss.ts'
import { fusedMatmul, matmul, matmulInteger, matmulNBits, matmulToFloat, qLinearMatmul } from './matmul.ts'
import {
  batchNormalization,
  layerNormalization,
  normalization,
  skipNormalization,
  softmaxMicrosoft,
} from './normalization.ts'
import { averagePool, globalPool, maxPool, maxUnpool, qLinearPool, roiPool } from './pool.ts'
import {
  dequantizeLinear,
  dequantizeLinearMicrosoft,
  dynamicQuantizeLinear,
  quantizeLinear,
  quantizeLinearMicrosoft,
} from './quantize-linear.ts'
import { dynamicQuantizeLstm, recurrent } from './recurrent.ts'
import { argReduce, cumulative, reduce } from './reduce.ts'
import { dropout, flatten, identity, reshape, squeeze, unsqueeze } from './reshape.ts'
import { col2Im, depthSpace, gridSample, imageDecoder, resize } from './resize.ts'
import { affineGrid, determinant, inverse, nonMaxSuppression, nonZero, topK, unique } from './selection.ts'
import { optionalHasElement, sequence, sequenceLength } from './sequence.ts'
import {
  constant,
  constantOfShape,
  eyeLike,
  multinomial,
  randomLike,
  randomOfShape,
  range,
  shape,
  size,
} from './shape.ts'
import { dft, melWeightMatrix, stft, window } from './signal.ts'
import { slice } from './slice.ts'
import { split } from './split.ts'
import { regexFullMatch, stringConcat, stringNormalizer, stringSplit, tfIdfVectorizer } from './text.ts'
import { transpose } from './transpose.ts'
import type { OpDef } from './types.ts'

export const ops: readonly OpDef[] = [
  arithmetic,
  comparison,
  variadic,
  where,
  qLinearArithmetic,
  attention,
  rotaryEmbedding,
  rotaryEmbeddingMicrosoft,
  multiHeadAttention,
  cast,
  castLike,
  bitCast,
  concat,
  qLinearConcat,
  conditional,
  loop,
  scan,
  convTranspose,
  conv,
  fusedConv,
  convInteger,
  qLinearConv,
  qLinearConvMicrosoft,
  deformConv,
  einsum,
  elementwise,
  clip,
  elementTest,
  elementwiseMicrosoft,
  expand,
  tile,
  pad,
  centerCropPad,
  trilu,
  triluMicrosoft,
  gather,
  gatherElements,
  gatherNd,
  scatter,
  compress,
  oneHot,
  reverseSequence,
  gemm,
  fusedGemm,
  qGemm,
  loss,
  matmul,
  matmulInteger,
  qLinearMatmul,
  fusedMatmul,
  matmulNBits,
  matmulToFloat,
  normalization,
  batchNormalization,
  layerNormalization,
  skipNormalization,
  softmaxMicrosoft,
  maxPool,
  averagePool,
  globalPool,
  qLinearPool,
  maxUnpool,
  roiPool,
  quantizeLinear,
  quantizeLinearMicrosoft,
  dequantizeLinear,
  dequantizeLinearMicrosoft,
  dynamicQuantizeLinear,
  recurrent,
  dynamicQuantizeLstm,
  reduce,
  argReduce,
  cumulative,
  reshape,
  flatten,
  squeeze,
  unsqueeze,
  identity,
  dropout,
  resize,
  gridSample,
  depthSpace,
  col2Im,
  imageDecoder,
  topK,
  nonZero,
  nonMaxSuppression,
  unique,
  determinant,
  inverse,
  affineGrid,
  sequence,
  sequenceLength,
  optionalHasElement,
  shape,
  size,
  constant,
  constantOfShape,
  range,
  eyeLike,
  randomOfShape,
  randomLike,
  multinomial,
  window,
  melWeightMatrix,
  dft,
  stft,
  slice,
  split,
  stringConcat,
  regexFullMatch,
  stringSplit,
  stringNormalizer,
  tfIdfVectorizer,
  transpose,
]
