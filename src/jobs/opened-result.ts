// A result opened to be looked into layer by layer: played from the store, with its plan and what it was made from.
import type { Context } from '../ir/context.ts'
import type { Model } from '../ir/model.ts'
import type { State, StepEnv, Variant, Wanted } from '../recipe/state.ts'
import { formOf, inForm } from '../recipe/steps/forms.ts'
import { legalise } from '../recipe/steps/legalise.ts'
import { rewrittenBy } from '../recipe/steps/quantize.ts'
import { type QuantizeOptions, resolveLayers } from '../recipe/steps/quantize-options.ts'
import type { Sweep } from '../stages/observe/index.ts'
import { type Choice, choose } from '../stages/quantize/choose.ts'
import { graphRepairs } from '../stages/quantize/repairs/index.ts'
import { type ReplayRequest, replayed } from './replay.ts'

/** A result with all that its layers are looked at by. */
export interface OpenedResult {
  request: ReplayRequest
  before: State
  after: State
  options: QuantizeOptions
  env: StepEnv
  wanted: Wanted
  variant: Variant
  /** The float model that was observed, and what of it runs in few bits. */
  float: Model
  repaired: object | null
  choice: Choice
  /** What its values were seen to hold, once it was asked for. */
  sweep: Sweep | null
}

/** The bundle of that index; null where it holds nothing of few bits. */
export async function openResult(request: ReplayRequest, bundle: number, ctx: Context): Promise<OpenedResult | null> {
  const { before, after, quantize, env } = await replayed(request, ctx)
  const [variant, wanted] = [after.variants[bundle], env.wanted[bundle]]
  if (!variant?.plan || !quantize) return null
  const options = inForm(quantize, formOf(wanted, quantize))
  const { target } = wanted
  const legal = await legalise(after.model, target, ctx)
  const rewritten = graphRepairs(options.repairs).length > 0 && variant.reference !== null
  const float = rewritten ? variant.reference! : legal
  const repaired = rewritten || legal !== after.model ? rewrittenBy(options, target) : null
  const choice = choose(float, target, resolveLayers(float, options).formats)
  return { request, before, after, options, env, wanted, variant, float, repaired, choice, sweep: null }
}
