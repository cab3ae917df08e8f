// What a variant's target will compute: the runtime where it computes as the target does, else the executor with the target's own roundings.
import type { Context, Runner } from '../../ir/context.ts'
import type { Target } from '../../ir/target.ts'
import { simulator } from '../../stages/simulate/simulate.ts'

/** A runner for models that were quantised for the target. */
export const previewOf = ({ preview }: Target, { bytes, kernels, runner }: Context): Runner =>
  preview === 'runtime' ? runner : simulator(preview, { bytes, kernels, runner })

/** The context with the target's preview in the place of the runner. */
export const previewing = (target: Target, ctx: Context): Context => ({ ...ctx, runner: previewOf(target, ctx) })
