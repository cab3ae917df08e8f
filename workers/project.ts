// A project as it is stored, and the view of it that the page is given.
import type { ErrorRecord } from '../src/base/errors.ts'
import { imageName } from '../src/data/images.ts'
import type { InputSpec } from '../src/data/input-spec.ts'
import type { Pack, StoredProject } from '../src/host/browser/store.ts'
import type { Report } from '../src/jobs/report.ts'
import type { Recipe } from '../src/recipe/types.ts'
import type {
  DataPath,
  ModelView,
  ProjectSummary,
  ProjectView,
  DataView as SamplesView,
  SeenData,
  Stage,
  Thumbnail,
  VariantFigures,
} from './api.ts'

export type Role = 'calibration' | 'evaluation'
export type Device = 'auto' | 'webgpu' | 'wasm'

export interface StoredData {
  pack: Pack
  view: SeenData
  /** Classes given by hand, by sample. They stand for a labels.csv. */
  byHand?: Record<string, number>
}

/** The zip of one bundle, in the project's storage. */
export interface StoredBundle {
  dir: string // as in the report
  file: string
}

/** What a run came to, kept beside the others. Its report, graphs and models lie in the stage store under `variant-<id>-…`. */
export interface StoredVariant {
  id: string
  name: string
  made: number // epoch ms
  /** Hash of recipe, input spec and data: equal ones come to equal results. */
  key: string
  recipe: Recipe
  figures: VariantFigures[]
  bundles: StoredBundle[]
  /** Out of sight, and gone for good when the project is opened again. */
  deleted: boolean
}

export interface Project extends StoredProject {
  created: number // epoch ms
  changed: number
  /** Out of sight; gone for good when the page is opened again. */
  deleted: boolean
  thumbnail: Thumbnail
  packs: number // how many were ever written: names never repeat
  model: Pack
  modelView: ModelView
  calibration: StoredData | null
  evaluation: StoredData | null
  input: InputSpec
  inputProposed: boolean
  recipe: Recipe
  /** Recipes before the present one and after it, nearest last: what undo and redo bring back. */
  past: Recipe[]
  future: Recipe[]
  /** Set while a run is under way; still set when the project is opened again: the run was interrupted. */
  running: Device | null
  variants: StoredVariant[]
  /** The variant that recipe, data and input as they are have come to, and its report. */
  current: string | null
  report: Report | null
  error: ErrorRecord | null
}

/** A record as an earlier version of the page may have left it. */
export function migrated(stored: Project): Project {
  const { deleted = false, thumbnail = { bars: [] } } = stored
  const variants = stored.variants ? {} : { past: [], future: [], variants: [], current: null, report: null }
  return { ...stored, deleted, thumbnail, ...variants }
}

function stageOf(project: Project, runsHere: boolean): Stage {
  if (project.running) return runsHere ? 'running' : 'interrupted'
  if (project.error) return 'failed'
  if (project.report) return 'done'
  if (project.calibration) return 'ready'
  return project.evaluation ? 'data' : 'model'
}

export interface Standing {
  runsHere: boolean
  elsewhere: boolean // another tab owns it
}

export const summaryOf = (project: Project, { runsHere, elsewhere }: Standing): ProjectSummary => ({
  id: project.id,
  name: project.name,
  bytes: project.bytes,
  thumbnail: project.thumbnail,
  results: project.variants.filter(variant => !variant.deleted).length,
  changed: project.changed,
  // A run that another tab has under way is not interrupted.
  stage: stageOf(project, runsHere || elsewhere),
  lockedElsewhere: elsewhere,
})

/** What all paths begin with, or the one file. */
function dataPath(data: StoredData | null): DataPath | null {
  if (!data) return null
  const paths = data.pack.files.map(({ path }) => path)
  const [first = ''] = paths
  const raw = paths.find(path => /\.json$/i.test(path))
  const folder = first.includes('/') ? first.slice(0, first.indexOf('/') + 1) : null
  const shared = folder !== null && paths.every(path => path.startsWith(folder))
  return {
    path: paths.length === 1 ? first : shared ? folder.slice(0, -1) : (raw ?? null),
    files: paths.length,
  }
}

/** The file that the model is named after; others of it lie beside that. */
const modelPath = ({ model, modelView }: Project): string =>
  (model.files.find(({ path }) => path === modelView.name || path.endsWith(`/${modelView.name}`)) ?? model.files[0])
    .path

/** Pictures as files of their own, which others can join. */
export const isLoose = ({ files }: Pack): boolean =>
  files.some(({ path }) => imageName.test(path)) &&
  files.every(({ path }) => imageName.test(path) || /(^|\/)labels\.csv$/i.test(path))

export const recordedName = 'recorded.npz'
export const isRecorded = ({ files }: Pack): boolean => files.length === 1 && files[0].path === recordedName

const samplesView = (data: StoredData | null): SamplesView | null =>
  data && { ...data.view, loose: isLoose(data.pack), recorded: isRecorded(data.pack), byHand: data.byHand ?? null }

export const viewOf = (project: Project, standing: Standing): ProjectView => ({
  ...summaryOf(project, standing),
  paths: {
    model: modelPath(project),
    calibration: dataPath(project.calibration),
    evaluation: dataPath(project.evaluation),
  },
  model: project.modelView,
  calibration: samplesView(project.calibration),
  evaluation: samplesView(project.evaluation),
  input: project.input,
  inputProposed: project.inputProposed,
  recipe: project.recipe,
  undo: project.past.length,
  redo: project.future.length,
  variants: project.variants
    .filter(variant => !variant.deleted)
    .map(({ id, name, made, recipe, figures }) => ({ id, name, made, recipe, figures })),
  current: project.current,
  report: project.report,
  error: project.error,
  readOnly: standing.elsewhere,
})
