// The rules of a target that computes in floats alone: nothing is rounded for it.
import type { Target } from '../ir/target.ts'

export const inFloats: Target['quant'] = {
  activations: { formats: ['float32'], integer: [], signed: true, symmetric: true },
  weights: { formats: ['float32'], integer: [], signed: true, perChannel: true },
  bias: 'float32',
  ops: [],
  fused: [],
}
