// The list of operators that we know.
import { arithmetic, comparison, qLinearArithmetic, variadic, where } from './arithmetic.ts'
import { bitCast, cast, castLike } from './cast.ts'
import { conv, convInteger, deformConv, fusedConv, qLinearConv, qLinearConvMicrosoft } from './conv.ts'
import { convTranspose } from './conv-transpose.ts'
import { clip, elementTest, elementwise, elementwiseMicrosoft } from './elementwise.ts'
import { fusedGemm, gemm, qGemm } from './gemm.ts'
import { fusedMatmul, matmul, matmulInteger, matmulNBits, matmulToFloat, qLinearMatmul } from './matmul.ts'
import { averagePool, globalPool, maxPool, maxUnpool, qLinearPool, roiPool } from './pool.ts'
import { dropout, flatten, identity, reshape, squeeze, unsqueeze } from './reshape.ts'
import type { OpDef } from './types.ts'

export const ops: readonly OpDef[] = [
  arithmetic,
  comparison,
  qLinearArithmetic,
  variadic,
  where,
  bitCast,
  cast,
  castLike,
  conv,
  convInteger,
  deformConv,
  fusedConv,
  qLinearConv,
  qLinearConvMicrosoft,
  convTranspose,
  clip,
  elementTest,
  elementwise,
  elementwiseMicrosoft,
  fusedGemm,
  gemm,
  qGemm,
  fusedMatmul,
  matmul,
  matmulInteger,
  matmulNBits,
  matmulToFloat,
  qLinearMatmul,
  averagePool,
  globalPool,
  maxPool,
  maxUnpool,
  qLinearPool,
  roiPool,
  dropout,
  flatten,
  identity,
  reshape,
  squeeze,
  unsqueeze,
]
