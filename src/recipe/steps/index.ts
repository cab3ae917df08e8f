// The list of steps that a recipe can hold.
import type { StepDef } from '../state.ts'
import { cut } from './cut.ts'
import { distil } from './distil.ts'
import { evaluate } from './evaluate.ts'
import { exportStep } from './export.ts'
import { factorize } from './factorize.ts'
import { finetune } from './finetune.ts'
import { optimize } from './optimize.ts'
import { prune } from './prune.ts'
import { qat } from './qat.ts'
import { quantize } from './quantize.ts'
import { search } from './search.ts'
import { share } from './share.ts'
import { sparsify } from './sparsify.ts'

export const steps = [
  cut,
  optimize,
  prune,
  factorize,
  sparsify,
  share,
  finetune,
  distil,
  quantize,
  search,
  qat,
  evaluate,
  exportStep,
] as readonly unknown[] as readonly StepDef[]

export const findStep = (id: string): StepDef | null => steps.find(s => s.id === id) ?? null
