// What a target would refuse, or not run in integers, said before any work is done.
import { StudioError } from '../base/errors.ts'
import { exporters } from '../exporters/index.ts'
import type { Problem } from '../exporters/types.ts'
import type { Imported } from '../importers/types.ts'
import type { Context } from '../ir/context.ts'
import type { Model } from '../ir/model.ts'
import type { Target } from '../ir/target.ts'
import { infer } from '../ops/infer.ts'
import { legalise } from '../recipe/steps/legalise.ts'
import { frozen } from '../recipe/steps/write.ts'
import { optimize } from '../stages/passes/index.ts'
import { upgradeOpset } from '../stages/passes/upgrade-opset.ts'
import { choose } from '../stages/quantize/choose.ts'
import { findTarget } from '../targets/index.ts'

export interface Linted {
  target: string
  integer: number // nodes that would run in integers
  findings: Problem[] // what is refused first
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
  return {
    target: id,
    integer: choice.chosen.size,
    findings: [...refused, ...left.filter(f => !refused.some(r => r.node === f.node))],
    sources: target.sources,
  }
}

/** What writing the model would refuse. */
function written(model: Model, target: Target, form: string): Problem[] {
  const exporter = exporters.find(e => e.id === target.exporter)!
  try {
    const ready = target.limits.staticShapes ? infer(frozen(model, {}, [])) : model
    return exporter.check?.(ready, target, form) ?? []
  } catch (thrown) {
    if (!(thrown instanceof StudioError) || thrown.code !== 'unsupported') throw thrown
    const { message, where, hint } = thrown
    return [{ node: where.node ?? null, op: '', why: message, level: 'refused', fix: hint, source: target.sources[0] }]
  }
}
