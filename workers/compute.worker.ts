// Where the work is done: models, data, sessions and kernels. This thread may be ended at any time; it owns no state but what is
// in storage, and caches that can be made again.
import '../src/host/browser/memory.ts'
import { makeZip } from 'client-zip'
import * as comlink from 'comlink'
import { createKernels } from '../kernels/lib/backends.ts'
import { memorySource, text, utf8 } from '../src/base/bytes.ts'
import { errorRecord, StudioError } from '../src/base/errors.ts'
import { hashJson } from '../src/base/hash.ts'
import { pack } from '../src/base/pack.ts'
import { createRng } from '../src/base/rng.ts'
import { type OpenedDataset, openDataset } from '../src/data/dataset.ts'
import type { InputSpec } from '../src/data/input-spec.ts'
import { resolveInput } from '../src/data/resolve-input.ts'
import { browserCodecs } from '../src/host/browser/codecs.ts'
import { blobSource } from '../src/host/browser/files.ts'
import { openPack, type Pack, putFile, stageStore } from '../src/host/browser/store.ts'
import { importModel } from '../src/importers/index.ts'
import type { Imported } from '../src/importers/types.ts'
import { createBytes } from '../src/ir/bytes.ts'
import type { Context, Dataset, Progress } from '../src/ir/context.ts'
import type { Model } from '../src/ir/model.ts'
import type { Range } from '../src/ir/quant.ts'
import { type Answers, answers } from '../src/jobs/answers.ts'
import { type Beside, beside, type SharedValue, type Side, sharedValues } from '../src/jobs/beside.ts'
import type { Bundle } from '../src/jobs/bundle.ts'
import { type Compressed, compress, wantedOf, withTargets } from '../src/jobs/compress.ts'
import { costsOf } from '../src/jobs/costs.ts'
import { type Diagnosis, diagnose } from '../src/jobs/diagnose.ts'
import { type Forecast, forecast } from '../src/jobs/forecast.ts'
import type { LayerOutput, Standing } from '../src/jobs/layer-output.ts'
import type { LayersTried } from '../src/jobs/layer-trial.ts'
import { cutAs, type Linted, lint } from '../src/jobs/lint.ts'
import { checkTask, proposeSpec } from '../src/jobs/proposed.ts'
import type { Report } from '../src/jobs/report.ts'
import { integerFormats, measureSensitivity, type Sensitivities } from '../src/jobs/sensitivity.ts'
import { measureSpeed, type Speed } from '../src/jobs/speed.ts'
import { bundleFiles, compareDump, type Dumped, readDump } from '../src/jobs/verify.ts'
import { infer } from '../src/ops/infer.ts'
import { presetOf } from '../src/recipe/presets.ts'
import type { Recipe } from '../src/recipe/types.ts'
import { checkRecipe } from '../src/recipe/validate.ts'
import { cost } from '../src/stages/inspect/cost.ts'
import type {
  BothCosts,
  GraphView,
  LayerView,
  LookedInto,
  ModelId,
  ModelView,
  Picture,
  Result,
  RunProgress,
  SamplePreview,
  SeenData,
} from './api.ts'
import { defaultTarget } from './catalogue.ts'
import { openEngine, wasmEngine } from './engine.ts'
import { labelsCsv } from './gathered.ts'
import { type Asked, importedLayer, layerOf, outputOf, standing, stopLooking, tried } from './layers.ts'
import { type KeptModel, keyOfModel, lookingOn, sessionsOn, sideOf } from './look.ts'
import { previewOf } from './preview.ts'
import { createMeter } from './progress.ts'
import type { Device, Project, Role, StoredBundle, StoredData } from './project.ts'
import { profile, small } from './thumbnail.ts'
import { keyOf, stageHead } from './variants.ts'
import { graphView, modelView } from './views.ts'

export interface OpenedModel {
  view: ModelView
  bars: number[]
  input: InputSpec
  recipe: Recipe
}
export interface RunDone {
  report: Report
  bundles: StoredBundle[]
  webgpu: { verified: boolean | null; why: string | null }
}

type Which = 'original' | 'optimized' | 'quantized'

const clock = (): number => performance.now()
const calibrationSamples = 128

/** The last model and the last data set, by what they were made of: opening them again costs nothing. */
let lastModel: { key: string; imported: Imported; importMs: number } | null = null
let lastData: { key: string; dataset: OpenedDataset } | null = null

const answer = async <T>(work: () => Promise<T>): Promise<Result<T>> => {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    return { ok: false, error: errorRecord(error) }
  }
}

async function modelOf(id: string, pack: Pack): Promise<{ imported: Imported; importMs: number }> {
  const key = `${id}/${pack.file}`
  if (lastModel?.key === key) return lastModel
  const start = clock()
  const imported = await importModel(await openPack(id, pack))
  lastModel = { key, imported, importMs: clock() - start }
  lastData = null
  return lastModel
}

async function datasetOf(
  project: Project,
  { pack, byHand }: Pick<StoredData, 'pack' | 'byHand'>,
  spec: InputSpec,
): Promise<OpenedDataset> {
  const key = hashJson([project.id, pack.file, byHand ?? null, spec])
  if (lastData?.key === key) return lastData.dataset
  const { imported } = await modelOf(project.id, project.model)
  const given = await openPack(project.id, pack)
  const files = byHand
    ? new Map([...given, ['labels.csv', memorySource('labels.csv', labelsCsv(byHand))] as const])
    : given
  const dataset = await openDataset(files, null, { model: imported.model, spec, codecs: browserCodecs() })
  lastData = { key, dataset }
  return dataset
}

/** Looks through the first `count` samples, which names those that are broken or suspicious. */
async function seen(dataset: Dataset, count: number): Promise<SeenData> {
  for await (const _ of dataset.samples({ count }));
  const { name, size, labels, skipped, suspicious } = dataset
  return { name, size, labels, skipped: [...skipped], suspicious: [...suspicious] }
}

const recipeOf = ({ recipe, input }: Project): Recipe => checkRecipe({ ...recipe, input })

/** What a job is given of a project. */
async function jobOf(project: Project, imported: Imported, recipe: Recipe) {
  const open = (data: Project[Role]) => (data ? datasetOf(project, data, project.input) : null)
  return {
    imported,
    modelHash: hashJson([project.model.files, project.model.blocks]),
    calibration: await open(project.calibration),
    evaluation: await open(project.evaluation),
    recipe,
    samples: calibrationSamples,
    store: stageStore(project.id),
  }
}

/** What a job is lent of this thread. */
const contextOn = (
  { runner, kernels, perform }: Pick<Context, 'runner' | 'kernels' | 'perform'>,
  bytes: Context['bytes'],
  seed: number,
  progress: Context['progress'],
): Context => ({
  bytes,
  runner,
  kernels,
  perform,
  clock,
  rng: createRng(seed),
  signal: new AbortController().signal, // this thread is cancelled by ending it
  progress,
})

async function run(
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
      contextOn(on, bytes, recipe.seed, meter.report),
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
async function about<Found>(
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
  const found = await job(given, contextOn(engine, bytes, recipe.seed, meter.report))
  await stageStore(project.id).put(`${stageHead(variant)}${name}`, utf8(JSON.stringify(found)))
  return found
}
type About = [project: Project, variant: string, device: Device, show: (progress: RunProgress) => void]

// For trying remedies; the layers are looked at before.
const remedySeconds = 60

const viewOfModel = (model: Model): GraphView => {
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

async function graphOf(project: Project, which: Which, variant: string | null): Promise<GraphView> {
  if (which === 'original') return viewOfModel((await modelOf(project.id, project.model)).imported.model)
  const kept = variant ? await stageStore(project.id).get(`${stageHead(variant)}graph-${which}`) : null
  if (kept) return JSON.parse(text(kept)) as GraphView
  throw new StudioError('usage', `There is no ${which} graph yet`, { hint: 'Run the recipe first.' })
}

async function costsFor(project: Project, id: ModelId): Promise<BothCosts | null> {
  if (id === null) {
    const { imported } = await modelOf(project.id, project.model)
    return { before: costsOf(cutAs(imported.model, project.recipe)), after: null }
  }
  const kept = await stageStore(project.id).get(`${stageHead(id.variant)}costs-${id.dir}`)
  return kept ? (JSON.parse(text(kept)) as BothCosts) : null
}

/** The samples of a role, opened. */
async function dataOf(project: Project, role: Role): Promise<OpenedDataset> {
  const data = project[role]
  if (!data) throw new StudioError('usage', 'There are no samples yet', { hint: 'Drop a folder of images first.' })
  return datasetOf(project, data, project.input)
}

async function sidesOf(project: Project, models: readonly [ModelId, ModelId]): Promise<[Side, Side]> {
  const { imported } = await modelOf(project.id, project.model)
  const side = (id: ModelId) => sideOf(project.id, imported, id)
  return [await side(models[0]), await side(models[1])]
}

/** A sample that cannot be read is named where the samples are looked through. */
function unreadable(error: unknown): null {
  if (error instanceof StudioError) return null
  throw error
}

type ShowCount = (done: number, total: number | null) => void

/** A variant as its run was asked for, where that can still be done. */
async function askedOf(
  project: Project,
  { variant, bundle, device }: LookedInto,
  count: ShowCount = () => {},
): Promise<Asked> {
  const made = project.variants.find(({ id }) => id === variant)
  const as = made && { ...project, recipe: made.recipe }
  if (!as || keyOf(as) !== made.key)
    throw new StudioError('usage', 'The samples or the input have changed since this result', {
      hint: 'Run its recipe again, then its layers can be looked into.',
    })
  const { imported } = await modelOf(project.id, project.model)
  const { report } = createMeter(1, clock, ({ done, total }) => count(done, total))
  return { request: await jobOf(as, imported, recipeOf(as)), bundle, device, show: report }
}

const api = {
  open: (id: string, pack: Pack): Promise<Result<OpenedModel>> =>
    answer(async () => {
      const { imported } = await modelOf(id, pack)
      const inferred = infer(imported.model)
      const costs = cost(inferred)
      return {
        view: modelView(imported, inferred, costs),
        bars: profile(costs),
        input: proposeSpec(imported.model).spec,
        recipe: withTargets(presetOf('balanced'), [defaultTarget]),
      }
    }),

  data: (project: Project, role: Role, data: Pick<StoredData, 'pack' | 'byHand'>): Promise<Result<SeenData>> =>
    answer(async () => {
      const dataset = await datasetOf(project, data, project.input)
      const count = role === 'calibration' ? calibrationSamples : dataset.size
      return seen(dataset, count)
    }),

  /** Refuses a recipe that could not be run, whatever the model. */
  check: (given: unknown): Promise<Result<Recipe>> =>
    answer(async () => {
      wantedOf(checkRecipe(given))
      return given as Recipe // without the defaults, which nobody has said
    }),

  /** Refuses an input spec whose task does not fit the model. */
  fits: (project: Project, input: InputSpec): Promise<Result<null>> =>
    answer(async () => {
      const { imported } = await modelOf(project.id, project.model)
      checkTask(input, imported.model)
      return null
    }),

  preview: (project: Project, role: Role, index: number): Promise<Result<SamplePreview>> =>
    answer(async () => {
      const { imported } = await modelOf(project.id, project.model)
      const input = resolveInput(project.input, imported.model)
      return previewOf(await dataOf(project, role), index, input)
    }),

  thumbnail: (project: Project): Promise<Result<Picture | null>> =>
    answer(async () => {
      const { imported } = await modelOf(project.id, project.model)
      const first = await previewOf(
        await dataOf(project, 'calibration'),
        0,
        resolveInput(project.input, imported.model),
      ).catch(unreadable)
      const picture = first?.original ?? first?.fed
      return picture ? small(picture) : null
    }),

  sharedValues: (project: Project, models: readonly [ModelId, ModelId]): Promise<Result<SharedValue[]>> =>
    answer(async () => {
      const [a, b] = await sidesOf(project, models)
      return sharedValues(a.model, b.model)
    }),

  beside: (
    project: Project,
    models: readonly [ModelId, ModelId],
    role: Role,
    index: number,
    value: string | null,
  ): Promise<Result<Beside>> =>
    answer(async () => {
      const sides = await sidesOf(project, models)
      const { imported } = await modelOf(project.id, project.model)
      const { sample } = await (await dataOf(project, role)).peek(index)
      const judged = { input: project.input, original: infer(imported.model) }
      return beside(
        sides,
        [keyOfModel(models[0]), keyOfModel(models[1])],
        sample,
        value,
        judged,
        ...(await sessionsOn(imported)),
      )
    }),

  answers: (
    project: Project,
    models: readonly [ModelId, ModelId],
    role: Role,
    show: (done: number, total: number) => void,
  ): Promise<Result<Answers | null>> =>
    answer(async () => {
      const sides = await sidesOf(project, models)
      const { imported } = await modelOf(project.id, project.model)
      const ctx = await lookingOn(imported)
      const progress = ({ done, total }: Progress) => show(done, total ?? done)
      return answers(sides, await dataOf(project, role), project.input, { ...ctx, progress })
    }),

  layer: (project: Project, of: LookedInto | null, names: readonly string[]): Promise<Result<LayerView>> =>
    answer(async () => {
      const { imported } = await modelOf(project.id, project.model)
      return of ? layerOf(await askedOf(project, of), names) : importedLayer(imported, names)
    }),

  layerOutput: (
    project: Project,
    of: LookedInto,
    names: readonly string[],
    show: ShowCount,
  ): Promise<Result<LayerOutput | null>> => answer(async () => outputOf(await askedOf(project, of, show), names)),

  standing: (value: string, range: Range): Promise<Result<Standing | null>> =>
    answer(async () => standing(value, range)),

  tryLayers: (project: Project, of: LookedInto, recipe: Recipe, show: ShowCount): Promise<Result<LayersTried>> =>
    answer(async () => tried(await askedOf(project, of, show), recipe)),

  stopLooking,

  compareDump: (zip: Blob, dump: File): Promise<Result<Dumped>> =>
    answer(async () => {
      const files = await bundleFiles(blobSource('bundle.zip', zip))
      return compareDump(files, await readDump(blobSource(dump.name, dump)), { kernels: await createKernels('wasm') })
    }),

  graph: (project: Project, which: Which, variant: string | null): Promise<Result<GraphView>> =>
    answer(() => graphOf(project, which, variant)),

  costs: (project: Project, id: ModelId): Promise<Result<BothCosts | null>> => answer(() => costsFor(project, id)),

  forecast: (project: Project): Promise<Result<Forecast>> =>
    answer(async () => {
      const { imported } = await modelOf(project.id, project.model)
      const job = await jobOf(project, imported, recipeOf(project))
      const model = cutAs(imported.model, project.recipe)
      return forecast({ ...job, model, bytes: imported.bytes }, await lookingOn(imported))
    }),

  lint: (project: Project, target: string): Promise<Result<Linted>> =>
    answer(async () => {
      const { imported } = await modelOf(project.id, project.model)
      const ctx = await lookingOn(imported)
      return lint({ ...imported, model: cutAs(imported.model, project.recipe) }, target, ctx)
    }),

  run: (
    project: Project,
    variant: string,
    device: Device,
    show: (progress: RunProgress) => void,
  ): Promise<Result<RunDone>> => answer(() => run(project, variant, device, show)),

  diagnose: (...of: About): Promise<Result<Diagnosis>> =>
    answer(() =>
      about(of, 'diagnosis', (given, ctx) => diagnose({ ...given, judgedOn: 32, seconds: remedySeconds }, ctx)),
    ),

  sensitivity: (...of: About): Promise<Result<Sensitivities>> =>
    answer(() =>
      about(of, 'sensitivity', (given, ctx) =>
        measureSensitivity({ ...given, formats: integerFormats, measuredOn: 32 }, ctx),
      ),
    ),

  speed: (...of: About): Promise<Result<Speed>> => answer(() => about(of, 'speed', measureSpeed)),
}
export type ComputeApi = typeof api

comlink.expose(api)
