// The operators that are computed on integers.
import type { IntegerOp } from '../types.ts'
import { binary } from './binary.ts'
import { concat } from './concat.ts'
import { conv } from './conv.ts'
import { curve } from './curve.ts'
import { layout } from './layout.ts'
import { gemm, matmul } from './matmul.ts'
import { averagePool, globalAveragePool, maxPool } from './pool.ts'
import { reduceMean } from './reduce-mean.ts'
import { resize } from './resize.ts'
import { softmax } from './softmax.ts'

export const integerOps: readonly IntegerOp[] = [
  conv,
  gemm,
  matmul,
  binary,
  concat,
  maxPool,
  averagePool,
  globalAveragePool,
  reduceMean,
  curve,
  softmax,
  layout,
  resize,
]

export const integerOp = (type: string): IntegerOp | null => integerOps.find(op => op.types.includes(type)) ?? null
