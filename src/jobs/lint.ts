// What a target would not run in integers, said before any work is done.
import type { Imported } from '../importers/types.ts'
import type { Context } from '../ir/context.ts'
import { infer } from '../ops/infer.ts'
import { optimize } from '../stages/passes/index.ts'
import { upgradeOpset } from '../stages/passes/upgrade-opset.ts'
import { choose } from '../stages/quantize/choose.ts'
import { findTarget } from '../targets/index.ts'

export interface Finding {
  node: string
  op: string
  why: string
  /** 'float': runs, but not in integers. */
  level: 'float'
  source: string
}

export interface Linted {
  target: string
  integer: number // nodes that would run in integers
  findings: Finding[]
  sources: readonly string[]
}

export async function lint(
  imported: Imported,
  id: string,
  ctx: Pick<Context, 'bytes' | 'runner' | 'signal'>,
): Promise<Linted> {
  const target = findTarget(id)
  const { model } = await optimize(infer(imported.model), ctx)
  const choice = choose(infer(upgradeOpset(infer(model), 13)), target, () => ({
    weights: 'int8',
    activations: 'uint8',
  }))
  return {
    target: id,
    integer: choice.chosen.size,
    findings: choice.float.map(f => ({ ...f, level: 'float', source: target.sources[0] })),
    sources: target.sources,
  }
}
