// The door between page and studio worker: every call that the page can make, in plain cloneable types.
// `client.ts` wraps it with comlink; the studio worker implements it. Errors arrive as ErrorRecord.
import type { ErrorRecord } from '../src/base/errors.ts'
import type { Option, ValueOption } from '../src/base/options.ts'
import type { InputSpec, TaskSpec } from '../src/data/input-spec.ts'
import type { Progress, Skip, Suspicion } from '../src/ir/context.ts'
import type { FormatName } from '../src/ir/format-names.ts'
import type { Label, LabelKind } from '../src/ir/labels.ts'
import type { Dim } from '../src/ir/model.ts'
import type { Range } from '../src/ir/quant.ts'
import type { Answers } from '../src/jobs/answers.ts'
import type { Beside, SharedValue } from '../src/jobs/beside.ts'
import type { Costs } from '../src/jobs/costs.ts'
import type { Diagnosis } from '../src/jobs/diagnose.ts'
import type { Forecast } from '../src/jobs/forecast.ts'
import type { LayerOutput, Standing } from '../src/jobs/layer-output.ts'
import type { LayersTried } from '../src/jobs/layer-trial.ts'
import type { LayerWeights } from '../src/jobs/layer-weights.ts'
import type { Linted } from '../src/jobs/lint.ts'
import type { Agreement, Report, Side } from '../src/jobs/report.ts'
import type { Sensitivities } from '../src/jobs/sensitivity.ts'
import type { Speed } from '../src/jobs/speed.ts'
import type { Dumped } from '../src/jobs/verify.ts'
import type { Recipe } from '../src/recipe/types.ts'
import type { Chip } from '../src/targets/chips.ts'

export type Result<T> = { ok: true; value: T } | { ok: false; error: ErrorRecord }

export interface Capabilities {
  version: string
  isolated: boolean // cross-origin isolated: threads are there
  threads: number
  simd: boolean
  webgpu: { available: boolean; adapter: string | null; verified: boolean | null; why: string | null } // verified by the self-test against WASM
  storage: { used: number; quota: number; persisted: boolean }
}

/** Words in one language, or in several. */
export type Localized = string | Readonly<{ en: string; zh: string }>

/** A declared option as the page sees it: all but the schema, which is code and stays behind. */
export type ShownOption = Exclude<Option, ValueOption> | Omit<ValueOption, 'schema'>

/** How outputs may be read. */
export interface ShownTask {
  id: string
  label: string
  options: Readonly<Record<string, ShownOption>>
}

export interface Catalogue {
  steps: {
    id: string
    label: string
    options: Readonly<Record<string, ShownOption>>
    /** On which side of the step that quantises it has something to do; null: on any. */
    stands: 'before' | 'behind' | null
  }[]
  presets: { id: string; label: string; recipe: Recipe }[]
  targets: {
    id: string
    label: string
    vendor: string
    forms: readonly string[]
    weights: readonly string[]
    ranOnItsRuntime: boolean
    /** What who runs few bits there must know. */
    caution: string | null
  }[]
  chips: readonly Chip[]
  tasks: ShownTask[]
  decoders: { id: string; label: string; uses: readonly string[] }[]
  samples: { id: string; label: Localized; about: Localized; bytes: number }[]
}

/** The first sample, small; else how the work is spread over the layers, first to last, from 0 to 1. */
export type Thumbnail = { picture: Picture } | { bars: readonly number[] }

export interface Picture {
  width: number
  height: number
  rgba: Uint8ClampedArray
}

export interface ProjectSummary {
  id: string
  name: string
  bytes: number
  thumbnail: Thumbnail
  results: number // that it has kept
  changed: number // epoch ms
  stage: Stage
  lockedElsewhere: boolean
}
export type Stage = 'model' | 'data' | 'ready' | 'running' | 'interrupted' | 'done' | 'failed'

export interface ValueView {
  name: string
  dtype: string | null
  shape: readonly Dim[] | null
  constant: boolean
  bytes: number | null
}
export interface NodeView {
  id: string
  op: string
  domain: string
  inputs: readonly (string | null)[]
  outputs: readonly (string | null)[]
  attrs: readonly { name: string; text: string }[]
  macs: number
  bytes: number // of its weights
  origin: readonly string[]
}
/** A graph without weights. */
export interface GraphView {
  inputs: readonly string[]
  outputs: readonly string[]
  nodes: readonly NodeView[]
  values: readonly ValueView[]
}

export interface ModelView {
  name: string
  format: string
  bytes: number
  parameters: number
  macs: number
  openMacs: boolean // some layers' could not be told, since dimensions are open: there are more
  nodes: number
  inputs: { name: string; dtype: string | null; shape: readonly Dim[] | null }[]
  outputs: { name: string; dtype: string | null; shape: readonly Dim[] | null }[]
  opset: number
  notes: readonly string[]
  metadata: Record<string, string>
  /** What its outputs look like; null where they look like nothing that is known. */
  task: TaskSpec | null
}

/** What looking through samples tells of them. */
export interface SeenData {
  name: string
  size: number
  labels: LabelKind | null
  /** Names of the classes by the numbers that labels have; data kept by an older version have no such field. */
  classes?: readonly string[] | null
  skipped: readonly Skip[]
  suspicious: readonly Suspicion[]
}

export interface DataView extends SeenData {
  /** Pictures as files of their own: others can be added to them. */
  loose: boolean
  /** Sound recorded in the page: more can be added to it. */
  recorded: boolean
  /** Classes given by hand, by sample; null: none was. */
  byHand: Readonly<Record<string, number>> | null
}

/** What one bundle of a variant came to. */
export interface VariantFigures {
  target: string
  form: string | null
  dir: string
  before: Side
  after: Side
  agreement: Agreement | null
}

/** The result of a run, kept under a name. */
export interface VariantView {
  id: string
  name: string
  made: number // epoch ms
  recipe: Recipe
  figures: readonly VariantFigures[] // one per bundle
}

/** Samples by the file or folder that they came in; null: several that have none in common. */
export interface DataPath {
  path: string | null
  files: number
}

export interface ProjectView extends ProjectSummary {
  /** Where on a disk the command line would look for what was dropped. */
  paths: { model: string; calibration: DataPath | null; evaluation: DataPath | null }
  model: ModelView
  calibration: DataView | null
  evaluation: DataView | null
  input: InputSpec
  inputProposed: boolean // not yet confirmed or edited by a person
  recipe: Recipe
  undo: number // how many changes of the recipe can be undone
  redo: number
  variants: readonly VariantView[] // oldest first
  /** The variant that the settings as they are have come to, where they were run; its report. */
  current: string | null
  report: Report | null
  error: ErrorRecord | null
  readOnly: boolean
}

/** What the model is really fed for one sample, shown as a picture, beside the picture as it came. */
export interface SamplePreview {
  name: string
  label: Label | null
  original: Picture | null
  fed: (Picture & { min: number; max: number; mean: number }) | null
  /** What is fed where it is no picture: rows over time, or whatever its last two axes are. */
  map: { width: number; height: number; values: Float32Array } | null
}

export interface RunProgress extends Progress {
  step: number // index in the recipe
  steps: number
  perSecond: number | null
  secondsLeft: number | null
}

/** A model that can be looked into: a bundle of a variant; null is the original. */
export type ModelId = { variant: string; dir: string } | null

/** A bundle of a variant by its place in the report, looked into on the engine that runs are done on. */
export interface LookedInto {
  variant: string
  bundle: number
  device: 'auto' | 'webgpu' | 'wasm'
}

export interface LayerView {
  weights: LayerWeights | null
  /** What the target takes; null where no result says which target. */
  formats: { weights: readonly FormatName[]; activations: readonly FormatName[] } | null
}

/** Of the model as it came, and of a bundle. */
export interface BothCosts {
  before: Costs
  after: Costs | null
}

export interface StudioApi {
  capabilities(): Promise<Capabilities>
  catalogue(): Promise<Catalogue>
  projects(): Promise<ProjectSummary[]>
  /** Copies the files into the browser's storage first, then imports from there. A project's own file becomes that project. */
  createProject(files: { path: string; file: File }[]): Promise<Result<ProjectView>>
  /** `name`: what the project is called, in the page's language. */
  createFromSample(id: string, name: string): Promise<Result<ProjectView>>
  openProject(id: string): Promise<Result<ProjectView>>
  closeProject(id: string): Promise<void>
  renameProject(id: string, name: string): Promise<Result<ProjectView>>
  /** Until it is erased, or the page is opened again, it can be brought back. */
  deleteProject(id: string): Promise<Result<null>>
  restoreProject(id: string): Promise<Result<null>>
  eraseProject(id: string): Promise<Result<null>>
  /** A project as one file, its results only where they are wanted. It is read while it is saved. */
  projectFile(id: string, results: boolean): Promise<Result<{ file: Blob }>>
  deleteEverything(): Promise<Result<null>>
  addData(
    id: string,
    role: 'calibration' | 'evaluation',
    files: { path: string; file: File }[],
  ): Promise<Result<ProjectView>>
  /** Pictures that join those that are there. */
  addPictures(
    id: string,
    role: 'calibration' | 'evaluation',
    pictures: { path: string; file: Blob }[],
  ): Promise<Result<ProjectView>>
  /** Sound from -1 to 1, in pieces as long as the model's input; it joins what was recorded before. */
  addSound(id: string, role: 'calibration' | 'evaluation', values: Float32Array): Promise<Result<ProjectView>>
  /** The class of a sample; null takes it away. */
  labelSample(
    id: string,
    role: 'calibration' | 'evaluation',
    sample: string,
    label: number | null,
  ): Promise<Result<ProjectView>>
  setInput(id: string, input: InputSpec): Promise<Result<ProjectView>>
  setRecipe(id: string, recipe: Recipe): Promise<Result<ProjectView>>
  /** The recipe, where it could be run on some model. */
  checkRecipe(recipe: unknown): Promise<Result<Recipe>>
  undoRecipe(id: string): Promise<Result<ProjectView>>
  redoRecipe(id: string): Promise<Result<ProjectView>>
  /** What a target would refuse or run in floats of the model, cut as the recipe cuts it. */
  lint(id: string, target: string): Promise<Result<Linted>>
  /** The report of a variant. */
  report(id: string, variant: string): Promise<Result<Report>>
  renameVariant(id: string, variant: string, name: string): Promise<Result<ProjectView>>
  /** Until the project is opened again it can be brought back. */
  deleteVariant(id: string, variant: string): Promise<Result<ProjectView>>
  restoreVariant(id: string, variant: string): Promise<Result<ProjectView>>
  preview(id: string, role: 'calibration' | 'evaluation', index: number): Promise<Result<SamplePreview>>
  /** The values that two models have in common, in the order of the first. */
  sharedValues(id: string, models: readonly [ModelId, ModelId]): Promise<Result<SharedValue[]>>
  /** Two models on one sample: what they answer, and a value that both compute. */
  beside(
    id: string,
    models: readonly [ModelId, ModelId],
    role: 'calibration' | 'evaluation',
    index: number,
    value: string | null,
  ): Promise<Result<Beside>>
  /** What two models answer for all samples of a set; null where they have no answers. */
  answers(
    id: string,
    models: readonly [ModelId, ModelId],
    role: 'calibration' | 'evaluation',
    onProgress: (done: number, total: number) => void,
  ): Promise<Result<Answers | null>>
  /** A layer's weights, by its names: its own and those that it came from. Of the imported model where nothing was run yet. */
  layer(id: string, of: LookedInto | null, names: readonly string[]): Promise<Result<LayerView>>
  /** What a layer's output holds; null where it is not rounded to integers. Samples are run where no histogram was kept. */
  layerOutput(
    id: string,
    of: LookedInto,
    names: readonly string[],
    onProgress: (done: number, total: number | null) => void,
  ): Promise<Result<LayerOutput | null>>
  /** What another range of the output that was asked for last would give; null where that was of another value. */
  standing(value: string, range: Range): Promise<Result<Standing | null>>
  /** A variant beside what a recipe that differs in its layers' settings would make, on a few samples. */
  tryLayers(
    id: string,
    of: LookedInto,
    recipe: Recipe,
    onProgress: (done: number, total: number | null) => void,
  ): Promise<Result<LayersTried>>
  /** Ends what is asked of layers, with code 'cancelled'. */
  stopLooking(): Promise<void>
  /** What a board gave for a bundle's golden inputs, against its golden layers. */
  compareDump(id: string, variant: string, dir: string, dump: File): Promise<Result<Dumped>>
  /** What a model costs from node to node: the original, as the recipe cuts it, where no variant is named; null where none was kept. */
  costs(id: string, model: ModelId): Promise<Result<BothCosts | null>>
  /** All but the original are a variant's. */
  graph(id: string, which: 'original' | 'optimized' | 'quantized', variant: string | null): Promise<Result<GraphView>>
  /** What a run of the recipe will take; an estimate, from a few runs of the model on a few samples. */
  forecast(id: string): Promise<Result<Forecast>>
  /** Runs the recipe from the first step whose result is not there yet. Ends early with code 'cancelled' after `cancel`. */
  run(
    id: string,
    device: 'auto' | 'webgpu' | 'wasm',
    onProgress: (p: RunProgress) => void,
  ): Promise<Result<ProjectView>>
  cancel(id: string): Promise<void>
  /** Why the settings as they are, which must have been run, lose accuracy, and what helps. It ends as a run does. */
  diagnose(
    id: string,
    device: 'auto' | 'webgpu' | 'wasm',
    onProgress: (p: RunProgress) => void,
  ): Promise<Result<Diagnosis>>
  /** What was found of a variant; null: nobody looked. */
  diagnosis(id: string, variant: string): Promise<Result<Diagnosis | null>>
  /** How much each layer can bear of rounding and of pruning, of what the settings have come to. It ends as a run does, and goes on where it was. */
  measureSensitivity(
    id: string,
    device: 'auto' | 'webgpu' | 'wasm',
    onProgress: (p: RunProgress) => void,
  ): Promise<Result<Sensitivities>>
  /** What was measured of a variant; null: nothing yet. */
  sensitivity(id: string, variant: string): Promise<Result<Sensitivities | null>>
  /** What this machine can do at most, and how fast each layer is on it. It ends as a run does. */
  measureSpeed(
    id: string,
    device: 'auto' | 'webgpu' | 'wasm',
    onProgress: (p: RunProgress) => void,
  ): Promise<Result<Speed>>
  /** What was measured of a variant; null: nothing yet. */
  speed(id: string, variant: string): Promise<Result<Speed | null>>
  /** One bundle of a variant as a zip, by its `dir` in the report. */
  bundle(id: string, variant: string, dir: string): Promise<Result<{ zip: Blob }>>
}
