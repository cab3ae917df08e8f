// How a project comes to be, of files or of another project's file, and its samples with it.
import type { DroppedFile } from '../src/host/browser/files.ts'
import { disown, own, owns } from '../src/host/browser/locks.ts'
import { deleteProject, loadProject, projectFolders, saveProject, writePack } from '../src/host/browser/store.ts'
import { withPictures, withSound } from './gathered.ts'
import { freshBytes, settled, update } from './kept.ts'
import type { Project, Role, StoredData } from './project.ts'
import { readProjectFile } from './project-file.ts'
import { unwrap, viewer } from './threads.ts'

/** Makes a project under a new name; nothing of it is left where that fails. */
async function making(make: (id: string) => Promise<Project>): Promise<Project> {
  const id = crypto.randomUUID()
  await own(id)
  try {
    const project = await make(id)
    await saveProject(project)
    return project
  } catch (error) {
    await deleteProject(id)
    disown(id)
    throw error
  }
}

export const create = (name: string | null, files: readonly DroppedFile[]): Promise<Project> =>
  making(async id => {
    const model = await writePack(id, 'model-0', files)
    const opened = await viewer.call(api => unwrap(api.open(id, model)))
    const now = Date.now()
    return {
      id,
      name: name ?? opened.view.name.replace(/\.[^.]+$/, ''),
      bytes: model.bytes,
      created: now,
      changed: now,
      deleted: false,
      thumbnail: { bars: opened.bars },
      packs: 1,
      model,
      modelView: opened.view,
      calibration: null,
      evaluation: null,
      input: opened.input,
      inputProposed: true,
      recipe: opened.recipe,
      past: [],
      future: [],
      running: null,
      variants: [],
      current: null,
      report: null,
      error: null,
    }
  })

/** A project out of the file that another was saved as. What can be told from its files is told anew, and its recipes are checked. */
export const restore = (file: DroppedFile): Promise<Project> =>
  making(async id => {
    const { calibration, evaluation, ...kept } = await readProjectFile(id, file)
    const opened = await viewer.call(api => unwrap(api.open(id, kept.model)))
    for (const recipe of [kept.recipe, ...kept.past, ...kept.future, ...kept.variants.map(variant => variant.recipe)])
      await viewer.call(api => unwrap(api.check({ ...recipe, input: kept.input })))
    const now = Date.now()
    const project: Project = {
      ...kept,
      id,
      bytes: 0,
      created: now,
      changed: now,
      deleted: false,
      thumbnail: { bars: opened.bars },
      modelView: opened.view,
      calibration: null,
      evaluation: null,
      running: null,
      current: null,
      report: null,
      error: null,
    }
    for (const [role, data] of Object.entries({ calibration, evaluation }) as [Role, typeof calibration][]) {
      if (!data) continue
      const view = await viewer.call(api => unwrap(api.data(project, role, data)))
      project[role] = { ...data, view }
    }
    const whole = { ...project, ...(await settled(project)), ...(await drawn(project)) }
    return { ...whole, ...(await freshBytes(whole)) }
  })

/** The first sample as a small picture, where it is one. */
async function drawn(project: Project): Promise<Partial<Project>> {
  if (!project.calibration) return {}
  const picture = await viewer.call(api => unwrap(api.thumbnail(project)))
  return picture ? { thumbnail: { picture } } : {}
}

/** The new samples are copied and looked through before they take the place of the old. */
export const addData = (id: string, role: Role, files: readonly DroppedFile[]): Promise<Project> =>
  replaceData(id, role, async () => files)

/** Pictures join those that are there; labels given by hand stay. */
export const addPictures = (id: string, role: Role, pictures: readonly DroppedFile[]): Promise<Project> =>
  replaceData(
    id,
    role,
    project => withPictures(project, role, pictures),
    project => project[role]?.byHand,
  )

export const addSound = (id: string, role: Role, values: Float32Array): Promise<Project> =>
  replaceData(id, role, project => withSound(project, role, values))

async function replaceData(
  id: string,
  role: Role,
  filesOf: (project: Project) => Promise<readonly DroppedFile[]>,
  labelsOf: (project: Project) => StoredData['byHand'] = () => undefined,
): Promise<Project> {
  const project = await update(id, async before => {
    const pack = await writePack(id, `${role}-${before.packs}`, await filesOf(before))
    const byHand = labelsOf(before)
    const view = await viewer.call(api => unwrap(api.data(before, role, { pack, byHand })))
    const changed = { packs: before.packs + 1, [role]: { pack, view, byHand } }
    const after = { ...before, ...changed }
    return { ...changed, ...(await settled(after)), ...(role === 'calibration' ? await drawn(after) : {}) }
  })
  return update(id, () => freshBytes(project))
}

/** With another input spec the same files may have other suspicions. */
export async function reread(project: Project): Promise<Partial<Project>> {
  const fresh: Partial<Project> = {}
  for (const role of ['calibration', 'evaluation'] as const) {
    const data = project[role]
    if (!data) continue
    const view = await viewer.call(compute => unwrap(compute.data(project, role, data)))
    fresh[role] = { ...data, view }
  }
  return fresh
}

/**
 * Removes what is left of projects whose making was interrupted, and those that were deleted before this start; one that is being
 * made, or whose deleting may still be undone, has its lock, here or elsewhere.
 */
export async function sweepProjects(): Promise<void> {
  const gone = async (id: string): Promise<boolean> => {
    const project = await loadProject<Project>(id)
    return !project || project.deleted === true
  }
  for (const id of await projectFolders()) {
    if (owns(id) || !(await gone(id)) || !(await own(id))) continue
    if (await gone(id)) await deleteProject(id)
    disown(id)
  }
}
