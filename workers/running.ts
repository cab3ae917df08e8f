// A run of a project's recipe, and jobs about what it came to: done on an engine of this thread, what they give kept in storage.
import { makeZip } from 'client-zip'
import { utf8 } from '../src/base/bytes.ts'
import { StudioError } from '../src/base/errors.ts'
import { pack } from '../src/base/pack.ts'
import { putFile, stageStore } from '../src/host/browser/store.ts'
import { createBytes } from '../src/ir/bytes.ts'
import type { Context } from '../src/ir/context.ts'
import type { Model } from '../src/ir/model.ts'
import type { Bundle } from '../src/jobs/bundle.ts'
import { type Compressed, compress } from '../src/jobs/compress.ts'
import { proposeSpec } from '../src/jobs/proposed.ts'
import type { Report } from '../src/jobs/report.ts'
import { infer } from '../src/ops/infer.ts'
import { cost } from '../src/stages/inspect/cost.ts'
import type { BothCosts, GraphView, RunProgress } from './api.ts'
import { contextOn, openEngine, wasmEngine } from './engine.ts'
import type { KeptModel } from './look.ts'
import { jobOf, modelOf, recipeOf } from './opened.ts'
import { createMeter } from './progress.ts'
import type { Device, Project, StoredBundle } from './project.ts'
import { stageHead } from './variants.ts'
import { graphView } from './views.ts'

export interface RunDone {
  report: Report
  bundles: StoredBundle[]
  webgpu: { verified: boolean | null; why: string | null }
}

export const clock = (): number => performance.now()

export async function run(
  project: Project,
  variant: string,
  device: Device,
  show: (progress: RunProgress) => void,
): Promise<RunDone> {
  const { imported, importMs } = await modelOf(project.id, project.model)
  const bytes = createBytes(imported.sources)
  const engine = await openEngine(device, bytes)
  const recipe = recipeOf(project)
  const meter = createMeter(recipe.steps.length, clock, show)
  const attempt = async (on: Awaited<ReturnType<typeof openEngine>>) => {
    const done = await compress(
      {
        ...(await jobOf(project, imported, recipe)),
        device: on.device,
        notes: [...on.notes, ...(project.inputProposed ? proposeSpec(imported.model).notes : [])],
        importMs,
        onStep: (index, step, from) => from === 'run' && meter.step(index, step.do),
      },
      contextOn(on, bytes, { seed: recipe.seed, progress: meter.report }),
    )
    await keepVariant(project.id, variant, done)
    const stored: StoredBundle[] = []
    for (const bundle of done.bundles) stored.push(await storeBundle(project.id, variant, bundle))
    return { report: done.report, bundles: stored }
  }
  const webgpu = { verified: engine.verified, why: engine.notes[0] ?? null }
  try {
    return { ...(await attempt(engine)), webgpu }
  } catch (error) {
    if (!(error instanceof StudioError && error.code === 'device-lost')) throw error
    const note = `${error.message}; the rest was done in WASM.`
    return {
      ...(await attempt({ ...(await wasmEngine(bytes)), notes: [note] })),
      webgpu: { verified: null, why: note },
    }
  }
}

/** One zip per bundle, streamed into storage; its dates are fixed, so that equal bundles are equal files. */
async function storeBundle(project: string, variant: string, bundle: Bundle): Promise<StoredBundle> {
  const entries = bundle.files.map(({ path, bytes, file }) => ({
    name: path,
    size: bytes,
    lastModified: new Date(1980, 0, 1),
    input: file.chunks() as AsyncIterable<Uint8Array<ArrayBuffer>>,
  }))
  const file = `${variant}-${bundle.dir}.zip`
  await putFile(project, 'bundles', file, 0, chunksOf(makeZip(entries)))
  return { dir: bundle.dir, file }
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  const reader = stream.getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
}

/** Does a job about the variant that the settings came to, and keeps what it found with it. */
export async function about<Found>(
  [project, variant, device, show]: About,
  name: string,
  job: (given: Awaited<ReturnType<typeof jobOf>>, ctx: Context) => Promise<Found>,
): Promise<Found> {
  const { imported } = await modelOf(project.id, project.model)
  const bytes = createBytes(imported.sources)
  const engine = await openEngine(device, bytes)
  const recipe = recipeOf(project)
  const meter = createMeter(1, clock, show)
  const given = await jobOf(project, imported, recipe)
  const found = await job(given, contextOn(engine, bytes, { seed: recipe.seed, progress: meter.report }))
  await stageStore(project.id).put(`${stageHead(variant)}${name}`, utf8(JSON.stringify(found)))
  return found
}
export type About = [project: Project, variant: string, device: Device, show: (progress: RunProgress) => void]

// For trying remedies; the layers are looked at before.
export const remedySeconds = 60

export const viewOfModel = (model: Model): GraphView => {
  const inferred = infer(model)
  return graphView(inferred, cost(inferred))
}

/** The report of a run, its graphs as the page will ask for them, and its models, for they are gone with this thread. */
async function keepVariant(
  project: string,
  variant: string,
  { report, models, variants, costs }: Compressed,
): Promise<void> {
  const store = stageStore(project)
  const put = (name: string, bytes: Uint8Array) => store.put(`${stageHead(variant)}${name}`, bytes)
  for (const [which, model] of Object.entries(models))
    if (model) await put(`graph-${which}`, utf8(JSON.stringify(viewOfModel(model))))
  for (const [k, { dir }] of report.bundles.entries()) {
    const { model, target, plan } = variants[k]
    await put(`model-${dir}`, pack({ model, target, quantised: plan !== null } satisfies KeptModel))
    const both: BothCosts = { before: costs.before, after: costs.after[k] }
    await put(`costs-${dir}`, utf8(JSON.stringify(both)))
  }
  await put('report', utf8(JSON.stringify(report)))
}
