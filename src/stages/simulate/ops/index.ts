// The operators that are computed on integers.
import type { IntegerOp } from '../types.ts'
import { binary } from './binary.ts'
import { concat } from './concat.ts'
import { conv } from './conv.ts'
import { curve } from './curve.ts'
import { layout } from './layout.ts'
import { gemm, matmul } from './matmul.ts'
import { averagePool, globalAveragePool, maxPool } from './pool.ts'
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
  curve,
  softmax,
  layout,
]

export const integerOp = (type: string): IntegerOp | null => integerOps.find(op => op.types.includes(type)) ?? null
