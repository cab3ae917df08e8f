// The passes, in the order in which a round runs them: constants and shapes, what does nothing, what is there twice, fusions, layout,
// and what that left without use.

import type { Context } from '../../ir/context.ts'
import type { Model } from '../../ir/model.ts'
import { cancelReshapes } from './cancel-reshapes.ts'
import { cancelTransposes } from './cancel-transposes.ts'
import { constantsToInitializers } from './constants-to-initializers.ts'
import { decomposeGelu } from './decompose-gelu.ts'
import { decomposeHardSigmoid } from './decompose-hard-sigmoid.ts'
import { decomposeHardSwish } from './decompose-hard-swish.ts'
import { decomposeLayerNorm } from './decompose-layer-norm.ts'
import { eliminateClip } from './eliminate-clip.ts'
import { eliminateCommonSubexpressions } from './eliminate-common-subexpressions.ts'
import { eliminateDeadCode } from './eliminate-dead-code.ts'
import { eliminateIdentity } from './eliminate-identity.ts'
import { type OptimizeOptions, toFixedPoint } from './fixed-point.ts'
import { foldAdd } from './fold-add.ts'
import { foldConstants } from './fold-constants.ts'
import { foldMul } from './fold-mul.ts'
import { foldPad } from './fold-pad.ts'
import { foldShapes } from './fold-shapes.ts'
import { fuseBatchNorm } from './fuse-batch-norm.ts'
import { fuseGelu } from './fuse-gelu.ts'
import { fuseHardSigmoid } from './fuse-hard-sigmoid.ts'
import { fuseHardSwish } from './fuse-hard-swish.ts'
import { fuseLayerNorm } from './fuse-layer-norm.ts'
import { fuseMatmulAdd } from './fuse-matmul-add.ts'
import { mergeSlices } from './merge-slices.ts'
import { splitHeads } from './split-heads.ts'
import type { Pass } from './types.ts'
import { unlistInitializers } from './unlist-initializers.ts'

export const passes = [
  unlistInitializers,
  constantsToInitializers,
  foldShapes,
  foldConstants,
  eliminateIdentity,
  eliminateClip,
  eliminateDeadCode,
  eliminateCommonSubexpressions,
  fuseBatchNorm,
  foldMul,
  foldAdd,
  fuseMatmulAdd,
  fuseLayerNorm,
  fuseGelu,
  fuseHardSigmoid,
  fuseHardSwish,
  foldPad,
  decomposeGelu,
  decomposeHardSwish,
  decomposeHardSigmoid,
  decomposeLayerNorm,
  splitHeads,
  mergeSlices,
  cancelTransposes,
  cancelReshapes,
] as const satisfies readonly Pass[]

export type PassId = (typeof passes)[number]['id']

/** The same function in fewer nodes. Inputs, outputs, their names and order, metadata and doc strings stay. */
export const optimize = (
  model: Model,
  ctx: Pick<Context, 'bytes' | 'runner' | 'signal'>,
  options: OptimizeOptions<PassId> = {},
) => toFixedPoint<PassId>(passes, model, ctx, options)
