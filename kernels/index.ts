// Every kernel there is. The studio's own loops are built on them in lib/; the twins are compared over this list.

import { addPatches } from './add-patches/index.ts'
import { addProducts } from './add-products/index.ts'
import { clip, clipGradient } from './clip/index.ts'
import { compare } from './compare/index.ts'
import { dotInt16 } from './dot-int16/index.ts'
import { fakeQuantize } from './fake-quantize/index.ts'
import { gemm } from './gemm/index.ts'
import { gram } from './gram/index.ts'
import { histogram } from './histogram/index.ts'
import type { Kernel } from './lib/kernel.ts'
import { patches } from './patches/index.ts'
import { quantizeLinear } from './quantize-linear/index.ts'
import { range } from './range/index.ts'
import { roundingGradient } from './rounding-gradient/index.ts'
import { scaleErrors } from './scale-errors/index.ts'
import {
  winogradFilter,
  winogradFilterGradient,
  winogradInput,
  winogradOutput,
  winogradOutputGradient,
} from './winograd/index.ts'

// biome-ignore lint/suspicious/noExplicitAny: each kernel has parameters of its own
export const kernels: readonly Kernel<any>[] = [
  range,
  histogram,
  quantizeLinear,
  fakeQuantize,
  clip,
  clipGradient,
  roundingGradient,
  compare,
  scaleErrors,
  gram,
  addProducts,
  dotInt16,
  gemm,
  patches,
  addPatches,
  winogradInput,
  winogradOutput,
  winogradOutputGradient,
  winogradFilter,
  winogradFilterGradient,
]
