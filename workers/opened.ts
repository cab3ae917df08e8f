// The model and the data of a project, opened from storage. The last of each is kept: opening it again costs nothing.
import { memorySource } from '../src/base/bytes.ts'
import { StudioError } from '../src/base/errors.ts'
import { hashJson } from '../src/base/hash.ts'
import { type OpenedDataset, openDataset } from '../src/data/dataset.ts'
import type { InputSpec } from '../src/data/input-spec.ts'
import { browserCodecs } from '../src/host/browser/codecs.ts'
import { openPack, type Pack, stageStore } from '../src/host/browser/store.ts'
import { importModel } from '../src/importers/index.ts'
import type { Imported } from '../src/importers/types.ts'
import type { Recipe } from '../src/recipe/types.ts'
import { checkRecipe } from '../src/recipe/validate.ts'
import type { SeenData } from './api.ts'
import { labelsCsv } from './gathered.ts'
import type { Project, Role, StoredData } from './project.ts'

export const calibrationSamples = 128

/** The last model and the last data set, by what they were made of: opening them again costs nothing. */
let lastModel: { key: string; imported: Imported; importMs: number } | null = null
let lastData: { key: string; dataset: OpenedDataset } | null = null

export async function modelOf(id: string, pack: Pack): Promise<{ imported: Imported; importMs: number }> {
  const key = `${id}/${pack.file}`
  if (lastModel?.key === key) return lastModel
  const start = performance.now()
  const imported = await importModel(await openPack(id, pack))
  lastModel = { key, imported, importMs: performance.now() - start }
  lastData = null
  return lastModel
}

export async function datasetOf(
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
export async function seen(dataset: OpenedDataset, count: number): Promise<SeenData> {
  for await (const _ of dataset.samples({ count }));
  const { name, size, labels, classes, skipped, suspicious } = dataset
  return { name, size, labels, classes, skipped: [...skipped], suspicious: [...suspicious] }
}

export const recipeOf = ({ recipe, input }: Project): Recipe => checkRecipe({ ...recipe, input })

/** What a job is given of a project. */
export async function jobOf(project: Project, imported: Imported, recipe: Recipe) {
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

/** The samples of a role, opened. */
export async function dataOf(project: Project, role: Role): Promise<OpenedDataset> {
  const data = project[role]
  if (!data) throw new StudioError('usage', 'There are no samples yet', { hint: 'Drop a folder of images first.' })
  return datasetOf(project, data, project.input)
}
