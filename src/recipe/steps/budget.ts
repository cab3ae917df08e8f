// How much of a model may be left, for the steps that take something away, and how large it is in those units.
import * as v from 'valibot'
import { encodeModel } from '../../exporters/onnx.ts'
import type { Model } from '../../ir/model.ts'
import { infer } from '../../ops/infer.ts'
import { cost } from '../../stages/inspect/cost.ts'
import type { State, StepEnv } from '../state.ts'

const sizes = ['macs', 'parameters', 'bytes'] as const
export type SizeKind = (typeof sizes)[number]
const above = v.pipe(v.number(), v.gtValue(0))
const share = v.pipe(above, v.maxValue(1))

/**
 * What may be left: a share of the imported model, or so much; bytes are those of a float32 ONNX file, latency is milliseconds of a run
 * here. Or as little as loses no more than so many points of answers, on samples kept apart.
 */
export interface Budget {
  of: SizeKind | 'latency'
  share?: number
  amount?: number
  loss?: number
  /** Where whole channels do not meet it, the nearest below will do. */
  about?: boolean
}
/** What can be reckoned without a clock or samples. */
export interface SizeBudget extends Budget {
  of: SizeKind
  loss?: undefined
}

const of = v.picklist(sizes)
const about = v.optional(v.boolean())
const any = v.picklist([...sizes, 'latency'])
export const budgetSchema = v.union([
  v.strictObject({ of: any, share, about }),
  v.strictObject({ of: any, amount: above, about }),
  v.strictObject({ of, loss: v.pipe(v.number(), v.minValue(0)) }),
]) as v.GenericSchema<unknown, Budget>

/** Whether a budget can be reckoned at once; others are found by trying. */
export const isSize = (budget: Budget): budget is SizeBudget => budget.of !== 'latency' && budget.loss === undefined

/** Multiply-accumulates, parameters, or bytes of an ONNX file. */
export async function sizeOf(model: Model, of: SizeKind, { ctx }: Pick<StepEnv, 'ctx'>): Promise<number> {
  if (of === 'bytes') return (await encodeModel(model, ctx.bytes)).byteLength
  const { macs, parameters } = cost(infer(model))
  return of === 'macs' ? macs : parameters
}

/** What is asked for, in units of the budget. */
export const wantedBy = async (budget: SizeBudget, state: State, env: StepEnv): Promise<number> =>
  budget.share === undefined ? budget.amount! : budget.share * (await sizeOf(state.original, budget.of, env))

const amounts = { macs: 'multiply-accumulates', parameters: 'parameters', bytes: 'bytes' }

export const wordsFor =
  ({ of }: Pick<SizeBudget, 'of'>) =>
  (amount: number): string =>
    `${Math.round(amount)} ${amounts[of]}`

/** By how much of what was asked for a budget may be missed. */
export const tolerance = 0.01
