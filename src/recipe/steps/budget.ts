// How much of a model may be left, for the steps that take something away, and how large it is in those units.
import * as v from 'valibot'
import { StudioError } from '../../base/errors.ts'
import { encodeModel } from '../../exporters/onnx.ts'
import type { Model } from '../../ir/model.ts'
import { infer } from '../../ops/infer.ts'
import { cost } from '../../stages/inspect/cost.ts'
import type { State, StepEnv } from '../state.ts'

const of = v.picklist(['macs', 'parameters', 'bytes'])
export const budgetSchema = v.union([
  v.strictObject({ of, share: v.pipe(v.number(), v.gtValue(0), v.maxValue(1)) }),
  v.strictObject({ of, amount: v.pipe(v.number(), v.gtValue(0)) }),
]) as v.GenericSchema<unknown, Budget>

/** What may be left: a share of the imported model, or so much. Bytes are those of a float32 ONNX file. */
export type Budget = { of: 'macs' | 'parameters' | 'bytes'; share?: number; amount?: number }

/** Multiply-accumulates, parameters, or bytes of an ONNX file. */
export async function sizeOf(model: Model, of: Budget['of'], { ctx }: Pick<StepEnv, 'ctx'>): Promise<number> {
  if (of === 'bytes') return (await encodeModel(model, ctx.bytes)).byteLength
  const { macs, parameters } = cost(infer(model))
  return of === 'macs' ? macs : parameters
}

/** What is asked for, in units of the budget. */
export const wantedBy = async (budget: Budget, state: State, env: StepEnv): Promise<number> =>
  budget.share === undefined ? budget.amount! : budget.share * (await sizeOf(state.original, budget.of, env))

const amounts = { macs: 'multiply-accumulates', parameters: 'parameters', bytes: 'bytes' }

export const wordsFor =
  ({ of }: Budget) =>
  (amount: number): string =>
    `${Math.round(amount)} ${amounts[of]}`

/** By how much of what was asked for a budget may be missed. */
export const tolerance = 0.01

/** Weights of variants are rounded already: nothing can be taken from them any more. */
export function checkFloat({ variants }: State, step: string): void {
  if (variants.length > 0)
    throw new StudioError('bad-recipe', `The model is quantised already when the step ${step} comes`, {
      where: { step },
      hint: `Put the step ${step} before quantize.`,
    })
}
