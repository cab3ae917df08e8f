// Where the work is done: models, data, sessions and kernels. This thread may be ended at any time; it owns no state but what is
// in storage, and caches that can be made again.
import '../src/host/browser/memory.ts'
import * as comlink from 'comlink'
import { createKernels } from '../kernels/lib/backends.ts'
import { text } from '../src/base/bytes.ts'
import { errorRecord, StudioError } from '../src/base/errors.ts'
import type { InputSpec } from '../src/data/input-spec.ts'
import { resolveInput } from '../src/data/resolve-input.ts'
import { blobSource } from '../src/host/browser/files.ts'
import { type Pack, stageStore } from '../src/host/browser/store.ts'
import type { Progress } from '../src/ir/context.ts'
import type { Range } from '../src/ir/quant.ts'
import { type Answers, answers } from '../src/jobs/answers.ts'
import { type Beside, beside, type SharedValue, type Side, sharedValues } from '../src/jobs/beside.ts'
import { wantedOf, withTargets } from '../src/jobs/compress.ts'
import { costsOf } from '../src/jobs/costs.ts'
import { type Diagnosis, diagnose } from '../src/jobs/diagnose.ts'
import { type Forecast, forecast } from '../src/jobs/forecast.ts'
import type { LayerOutput, Standing } from '../src/jobs/layer-output.ts'
import type { LayersTried } from '../src/jobs/layer-trial.ts'
import { cutAs, type Linted, lint } from '../src/jobs/lint.ts'
import { checkTask, proposeSpec } from '../src/jobs/proposed.ts'
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
import { type Asked, importedLayer, layerOf, outputOf, standing, stopLooking, tried } from './layers.ts'
import { keyOfModel, lookingOn, sessionsOn, sideOf } from './look.ts'
import { calibrationSamples, dataOf, datasetOf, jobOf, modelOf, recipeOf, seen } from './opened.ts'
import { previewOf } from './preview.ts'
import { createMeter } from './progress.ts'
import type { Device, Project, Role, StoredData } from './project.ts'
import { type About, about, clock, type RunDone, remedySeconds, run, viewOfModel } from './running.ts'
import { profile, small } from './thumbnail.ts'
import { keyOf, stageHead } from './variants.ts'
import { modelView } from './views.ts'

export interface OpenedModel {
  view: ModelView
  bars: number[]
  input: InputSpec
  recipe: Recipe
}
type Which = 'original' | 'optimized' | 'quantized'

const answer = async <T>(work: () => Promise<T>): Promise<Result<T>> => {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    return { ok: false, error: errorRecord(error) }
  }
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
