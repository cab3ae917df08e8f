// What the page looks into beside runs: an engine of its own for the open model, kept while that model is looked at.
import { createRng } from '../src/base/rng.ts'
import type { Imported } from '../src/importers/types.ts'
import { createBytes } from '../src/ir/bytes.ts'
import type { Context } from '../src/ir/context.ts'
import type { Model } from '../src/ir/model.ts'
import { wasmEngine } from './engine.ts'

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
  const { runner, kernels, perform } = await wasmEngine(bytes)
  return {
    bytes,
    runner,
    kernels,
    perform,
    clock: () => performance.now(),
    rng: createRng(0),
    signal: new AbortController().signal,
    progress: () => {},
  }
}
