// A float model in the operators that a target has.
import type { Context } from '../../ir/context.ts'
import type { Model } from '../../ir/model.ts'
import type { Target } from '../../ir/target.ts'
import { optimize, type PassId } from '../../stages/passes/index.ts'

/** The same object where there is nothing to replace. */
export async function legalise(
  model: Model,
  { lower = [] }: Target,
  ctx: Pick<Context, 'bytes' | 'runner' | 'signal'>,
): Promise<Model> {
  if (lower.length === 0) return model
  const { model: legal, passes } = await optimize(model, ctx, { only: lower as PassId[] })
  return passes.some(pass => pass.changes.length > 0) ? legal : model
}
