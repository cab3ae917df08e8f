// What the page looks into beside runs: an engine of its own for the open model, kept while that model is looked at.
import { StudioError } from '../src/base/errors.ts'
import { unpack } from '../src/base/pack.ts'
import { stageStore } from '../src/host/browser/store.ts'
import type { Imported } from '../src/importers/types.ts'
import { createBytes } from '../src/ir/bytes.ts'
import type { Context } from '../src/ir/context.ts'
import type { Model } from '../src/ir/model.ts'
import { type SessionKeeper, type Side, sessionKeeper } from '../src/jobs/beside.ts'
import { infer } from '../src/ops/infer.ts'
import { previewOf } from '../src/recipe/steps/preview.ts'
import { findTarget } from '../src/targets/index.ts'
import type { ModelId } from './api.ts'
import { contextOn, wasmEngine } from './engine.ts'
import { stageHead } from './variants.ts'

/** A variant's model with what runs it. */
export interface KeptModel {
  model: Model
  target: string
  quantised: boolean // by a plan: what its target gives is then the target's own rounding
}

let lent: { imported: Imported; ctx: Promise<Context> } | null = null

/** A context for the model; its engine stays for the next look at the same one. */
export function lookingOn(imported: Imported): Promise<Context> {
  if (lent?.imported === imported) return lent.ctx
  lent = { imported, ctx: contextFor(imported) }
  return lent.ctx
}

async function contextFor({ sources }: Imported): Promise<Context> {
  const bytes = createBytes(sources)
  return contextOn(await wasmEngine(bytes), bytes)
}

const mostSessions = 4
let sessions: { ctx: Context; keeper: SessionKeeper } | null = null

/** Sessions of the models that are looked at, and the context that they are run in. */
export async function sessionsOn(imported: Imported): Promise<[SessionKeeper, Context]> {
  const ctx = await lookingOn(imported)
  if (sessions?.ctx !== ctx) sessions = { ctx, keeper: sessionKeeper(mostSessions) }
  return [sessions.keeper, ctx]
}

export const keyOfModel = (id: ModelId): string => (id ? `${id.variant} ${id.dir}` : 'original')

/** The last models that were looked at: reading one again takes longer than running it. */
const kept = new Map<string, KeptModel>()

async function keptModel(project: string, { variant, dir }: NonNullable<ModelId>): Promise<KeptModel> {
  const key = `${stageHead(variant)}model-${dir}`
  const known = kept.get(key)
  if (known) return known
  const bytes = await stageStore(project).get(key)
  if (!bytes)
    throw new StudioError('missing-file', 'The model of this result is no longer in the browser’s storage', {
      hint: 'Run its recipe again.',
    })
  const model = unpack(bytes) as KeptModel
  kept.set(key, model)
  const [oldest] = kept.keys()
  if (kept.size > 2) kept.delete(oldest)
  return model
}

/** A model with what runs it: a quantised one as its target computes. */
export async function sideOf(project: string, imported: Imported, id: ModelId): Promise<Side> {
  const ctx = await lookingOn(imported)
  if (id === null) return { model: infer(imported.model), runner: ctx.runner }
  const { model, target, quantised } = await keptModel(project, id)
  return { model, runner: quantised ? previewOf(findTarget(target), ctx) : ctx.runner }
}
