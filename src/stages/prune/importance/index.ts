// The list of importances.
import { activation, apoz } from './activations.ts'
import { batchNorm } from './batch-norm.ts'
import { covariance } from './covariance.ts'
import { taylor } from './taylor.ts'
import type { Importance } from './types.ts'
import { fpgm, l1, l2 } from './weights.ts'

export const importances = [
  l1,
  l2,
  fpgm,
  batchNorm,
  activation,
  apoz,
  covariance,
  taylor,
] as const satisfies readonly Importance[]

export const findImportance = (id: string): Importance => importances.find(i => i.id === id)!
