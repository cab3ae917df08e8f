// The repairs, in the order in which they are carried out whatever the order in the recipe.
import { absorb } from './absorb.ts'
import { adaround } from './adaround.ts'
import { awq } from './awq.ts'
import { brecq, qdrop } from './brecq.ts'
import { correctBias } from './correct-bias.ts'
import { correctBiasAnalytic } from './correct-bias-analytic.ts'
import { deadChannels } from './dead-channels.ts'
import { equalize } from './equalize.ts'
import { equalizeFull } from './equalize-full.ts'
import { gptq } from './gptq.ts'
import { hqq } from './hqq.ts'
import { refit } from './refit.ts'
import { smooth } from './smooth.ts'
import type { GraphRepair, Repair, WeightRepair } from './types.ts'

export const repairs = [
  deadChannels,
  equalizeFull,
  equalize,
  absorb,
  smooth,
  awq,
  hqq,
  gptq,
  adaround,
  refit,
  brecq,
  qdrop,
  correctBias,
  correctBiasAnalytic,
] as const satisfies readonly Repair[]

const among = (ids: readonly string[]): Repair[] => (repairs as readonly Repair[]).filter(r => ids.includes(r.id))

export const graphRepairs = (ids: readonly string[]): GraphRepair[] =>
  among(ids).filter(r => r.when === 'before-ranges')
export const weightRepairs = (ids: readonly string[]): WeightRepair[] => among(ids).filter(r => r.when === 'after-plan')
