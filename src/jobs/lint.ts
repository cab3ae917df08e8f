// What a target would refuse, or not run in integers, said before any work is done.
import { StudioError } from '../base/errors.ts'
import { exporters } from '../exporters/index.ts'
import type { Problem } from '../exporters/types.ts'
import type { Imported } from '../importers/types.ts'
import type { Context } from '../ir/context.ts'
import type { Model } from '../ir/model.ts'
import type { Target } from '../ir/target.ts'
import { infer } from '../ops/infer.ts'
import { type CutOptions, cutModel } from '../recipe/steps/cut.ts'
import { legalise } from '../recipe/steps/legalise.ts'
import { frozen } from '../recipe/steps/write.ts'
import type { Recipe } from '../recipe/types.ts'
import { checkRecipe } from '../recipe/validate.ts'
import { optimize } from '../stages/passes/index.ts'
import { upgradeOpset } from '../stages/passes/upgrade-opset.ts'
import { choose } from '../stages/quantize/choose.ts'
import { forProducts, hasProducts, isRuntimeForm, nothingIn } from '../stages/quantize/runtime-kernels.ts'
import { findTarget } from '../targets/index.ts'

/** With the nodes of the imported model that it is about. */
export interface Finding extends Problem {
  origin: readonly string[]
  form: string | null // the one form of the target that it keeps from being written; null: that which the model would have
}

export interface Linted {
  target: string
  integer: number // nodes that would run in integers
  findings: Finding[] // what is refused first
  sources: readonly string[]
}

export async function lint(
  imported: Imported,
  id: string,
  ctx: Pick<Context, 'bytes' | 'runner' | 'signal'>,
): Promise<Linted> {
  const target = findTarget(id)
  const { model } = await optimize(infer(imported.model), ctx)
  const legal = infer(upgradeOpset(infer(await legalise(model, target, ctx)), 13))
  const form = target.forms.find(f => f.holds === 'quantised') ?? target.forms[0]
  const choice = choose(legal, target, () => ({
    weights: form.weights ?? 'int8',
    activations: form.activations ?? 'uint8',
  }))
  const left: Problem[] = choice.float.map(f => ({
    ...f,
    level: target.integersOnly ? 'refused' : 'float',
    source: target.sources[0],
  }))
  const refused = written(legal, target, form.id)
  const same = (a: Problem) => (b: Problem) => a.node === b.node && a.why === b.why
  const elsewhere = target.forms
    .filter(other => other !== form)
    .flatMap(({ id }) => written(legal, target, id).map(problem => ({ ...problem, form: id })))
    .filter(problem => !refused.some(same(problem)))
  const origins = new Map(legal.graph.nodes.map(node => [node.id, node.origin]))
  return {
    target: id,
    integer: choice.chosen.size,
    findings: [...refused, ...left.filter(f => !refused.some(r => r.node === f.node)), ...elsewhere].map(problem => ({
      form: null,
      ...problem,
      origin: (problem.node && origins.get(problem.node)) || [],
    })),
    sources: target.sources,
  }
}

/** The model as the recipe's own cuts leave it: what they take away is no longer in a target's way. */
export const cutAs = (model: Model, recipe: Recipe): Model =>
  checkRecipe(recipe)
    .steps.filter(step => step.do === 'cut')
    .reduce((rest, step) => cutModel(rest, step as unknown as CutOptions), infer(model))

/** What writing the model would refuse. */
function written(model: Model, target: Target, form: string): Problem[] {
  const exporter = exporters.find(e => e.id === target.exporter)!
  if (target.exporter === 'onnx' && isRuntimeForm(form) && !hasProducts(model.graph)) {
    const said = { why: nothingIn(form), fix: forProducts, source: target.sources[0] }
    return [{ node: null, op: '', level: 'refused', ...said }]
  }
  try {
    const ready = target.limits.staticShapes ? infer(frozen(model, {}, [])) : model
    return exporter.check?.(ready, target, form) ?? []
  } catch (thrown) {
    if (!(thrown instanceof StudioError) || thrown.code !== 'unsupported') throw thrown
    const { message, where, hint } = thrown
    return [{ node: where.node ?? null, op: '', why: message, level: 'refused', fix: hint, source: target.sources[0] }]
  }
}
