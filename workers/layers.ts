// The result whose layers are looked at, open in the viewer's thread: its engine, the output that was looked at last, and what trials are
// laid beside. One thing at a time; what is under way can be stopped, and all that was computed stays.
import { StudioError } from '../src/base/errors.ts'
import { hashJson } from '../src/base/hash.ts'
import type { Imported } from '../src/importers/types.ts'
import { createBytes } from '../src/ir/bytes.ts'
import type { Context, Progress } from '../src/ir/context.ts'
import type { Range } from '../src/ir/quant.ts'
import {
  type LayerOutput,
  type OpenedOutput,
  openOutput,
  type Standing,
  standingWith,
} from '../src/jobs/layer-output.ts'
import { type Judged, judgedAs, type LayersTried, tryRecipe } from '../src/jobs/layer-trial.ts'
import { layerWeights } from '../src/jobs/layer-weights.ts'
import { type OpenedResult, openResult } from '../src/jobs/opened-result.ts'
import type { ReplayRequest } from '../src/jobs/replay.ts'
import type { Recipe } from '../src/recipe/types.ts'
import { checkRecipe } from '../src/recipe/validate.ts'
import type { LayerView } from './api.ts'
import { contextOn, openEngine } from './engine.ts'
import type { Device } from './project.ts'

interface Open {
  key: string
  ctx: Context
  result: OpenedResult | null
  output: OpenedOutput | null
  judged: Judged | null
}

export interface Asked {
  request: ReplayRequest
  bundle: number
  device: Device
  show: (progress: Progress) => void
}

let open: Open | null = null
let going: Promise<unknown> = Promise.resolve()
let stopping = new AbortController()

const judgedOn = 16 // samples

/** Ends what is under way. */
export function stopLooking(): void {
  stopping.abort(
    new StudioError('cancelled', 'The look at the layer was stopped', { hint: 'Start it again when you want.' }),
  )
  stopping = new AbortController()
}

/** Calls `work` with the result open, once all that was asked before is done. */
function withResult<T>(
  { request, bundle, device, show }: Asked,
  work: (open: Open, ctx: Context) => Promise<T>,
): Promise<T> {
  const { signal } = stopping
  const mine = going.then(async () => {
    signal.throwIfAborted()
    const { recipe, modelHash, calibration, evaluation } = request
    const key = hashJson([recipe, modelHash, calibration?.hash ?? null, evaluation?.hash ?? null, bundle, device])
    const lent = (ctx: Context): Context => ({ ...ctx, signal, progress: show })
    if (open?.key !== key) {
      const ctx = await contextFor(request, device)
      open = { key, ctx, result: await openResult(request, bundle, lent(ctx)), output: null, judged: null }
    }
    return work(open, lent(open.ctx))
  })
  going = mine.catch(() => {})
  return mine
}

let lent: { imported: Imported; device: Device; ctx: Promise<Context> } | null = null

/** On the engine of runs, whose results are then found in the store; kept for the next result of the same model. */
function contextFor({ imported }: ReplayRequest, device: Device): Promise<Context> {
  if (lent?.imported === imported && lent.device === device) return lent.ctx
  const bytes = createBytes(imported.sources)
  const ctx = openEngine(device, bytes).then(engine => contextOn(engine, bytes))
  lent = { imported, device, ctx }
  // What could not be opened may be another time.
  ctx.catch(() => {
    lent = null
  })
  return ctx
}

export const layerOf = (asked: Asked, names: readonly string[]): Promise<LayerView> =>
  withResult(asked, async ({ result }, { bytes }) => {
    const { weights, activations } = result?.wanted.target.quant ?? {}
    return {
      weights: await layerWeights(result?.float ?? asked.request.imported.model, names, bytes),
      formats: weights && activations ? { weights: weights.formats, activations: activations.formats } : null,
    }
  })

/** Of the model as it was imported, where there is no result yet. */
export async function importedLayer({ model, sources }: Imported, names: readonly string[]) {
  return { weights: await layerWeights(model, names, createBytes(sources)), formats: null }
}

export const outputOf = (asked: Asked, names: readonly string[]): Promise<LayerOutput | null> =>
  withResult(asked, async (now, ctx) => {
    now.output = now.result && (await openOutput(now.result, names, ctx))
    return now.output?.output ?? null
  })

/** What another range of the output that was looked at last would give; null where that is another one by now. */
export const standing = (value: string, range: Range): Standing | null =>
  open?.output?.output.value === value ? standingWith(open.output, range) : null

export const tried = (asked: Asked, recipe: Recipe): Promise<LayersTried> =>
  withResult(asked, async (now, ctx) => {
    if (!now.result)
      throw new StudioError('usage', 'This recipe makes no model of few bits whose error could be looked for', {
        hint: 'Add the step quantize, and a target that takes quantised models.',
      })
    now.judged ??= await judgedAs(now.result, judgedOn, ctx)
    return tryRecipe(now.result, now.judged, checkRecipe({ ...recipe, input: asked.request.recipe.input }), ctx)
  })
