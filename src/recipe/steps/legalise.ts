// A float model in the operators that a target has.
import type { Context } from '../../ir/context.ts'
import type { Model } from '../../ir/model.ts'
import type { Target } from '../../ir/target.ts'
import { infer } from '../../ops/infer.ts'
import { optimize, type PassId } from '../../stages/passes/index.ts'
import { upgradeOpset } from '../../stages/passes/upgrade-opset.ts'

/** In the oldest operators that the target's exporter reads; only from opset 13 on is there a way to newer ones. */
export function inOpsetOf(model: Model, { opset: { min } }: Target['limits']): Model {
  return min >= 13 && (model.opsets[''] ?? min) < min ? infer(upgradeOpset(infer(model), min)) : model
}

/** The same object where there is nothing to replace. */
export async function legalise(
  model: Model,
  { lower = [], limits }: Target,
  ctx: Pick<Context, 'bytes' | 'runner' | 'signal'>,
): Promise<Model> {
  if (lower.length === 0) return model
  // What the target has may be newer than the model.
  const { model: legal, passes } = await optimize(inOpsetOf(model, limits), ctx, { only: lower as PassId[] })
  return passes.some(pass => pass.changes.length > 0) ? legal : model
}
