// Projects as they are kept: read, changed by the tab that owns them, and swept of what nothing refers to.
import { text } from '../src/base/bytes.ts'
import { StudioError } from '../src/base/errors.ts'
import { owns } from '../src/host/browser/locks.ts'
import {
  loadProject,
  projectBytes,
  saveProject,
  stageStore,
  storedFile,
  sweepBundles,
  sweepPacks,
  sweepStages,
} from '../src/host/browser/store.ts'
import type { Report } from '../src/jobs/report.ts'
import { migrated, type Project, type StoredVariant } from './project.ts'
import { stageHead, variantFor } from './variants.ts'

export async function load(id: string): Promise<Project> {
  const project = await loadProject<Project>(id)
  if (project) return migrated(project)
  throw noProject()
}

export const noProject = (): StudioError =>
  new StudioError('missing-file', 'This project is no longer in the browser’s storage', {
    hint: 'It was deleted, here or in another tab; drop the model again.',
  })

let changes: Promise<unknown> = Promise.resolve()

/**
 * Changes a project that this tab owns, and stores it. What `change` throws leaves the project as it was. One change after the
 * other: each begins with what the one before has stored.
 */
export function update(
  id: string,
  change: (project: Project) => Promise<Partial<Project>> | Partial<Project>,
): Promise<Project> {
  const changed = async (): Promise<Project> => {
    if (!owns(id)) {
      throw new StudioError('locked', 'Another tab has this project open', {
        hint: 'Go on in that tab, or close it and open the project here again.',
      })
    }
    const project = await load(id)
    const after = { ...project, ...(await change(project)), changed: Date.now() }
    await saveProject(after)
    return after
  }
  const mine = changes.then(changed)
  changes = mine.catch(() => {}) // whoever asked for it hears of it
  return mine
}

/** Settings changed: an error of before is over, and where they were run already, their result is there again. */
export async function settled(project: Project): Promise<Partial<Project>> {
  const variant = variantFor(project)
  const report = variant ? await reportOf(project.id, variant.id) : null
  return { running: null, error: null, current: report && variant ? variant.id : null, report }
}

export async function reportOf(id: string, variant: string): Promise<Report | null> {
  const bytes = await stageStore(id).get(`${stageHead(variant)}report`)
  return bytes ? (JSON.parse(text(bytes)) as Report) : null
}

/** Removes what no variant refers to: of those that went, and of runs that were cut off. */
export async function sweepVariants({ id, variants }: Project): Promise<void> {
  await sweepBundles(id, new Set(variants.flatMap(({ bundles }) => bundles.map(({ file }) => file))))
  const heads = variants.map(variant => stageHead(variant.id))
  await sweepStages(id, key => key.startsWith(stageHead('')) && !heads.some(head => key.startsWith(head)))
}

export const changeVariant = (id: string, variant: string, change: Partial<StoredVariant>): Promise<Project> =>
  update(id, async project => {
    if (!project.variants.some(known => known.id === variant)) throw noVariant()
    const variants = project.variants.map(known => (known.id === variant ? { ...known, ...change } : known))
    return { variants, ...(await settled({ ...project, variants })) }
  })

export const noVariant = (): StudioError =>
  new StudioError('missing-file', 'This result is no longer in the browser’s storage', {
    hint: 'Run its recipe again.',
  })

export async function freshBytes(project: Project): Promise<Partial<Project>> {
  const packs = [project.model, project.calibration?.pack, project.evaluation?.pack].flatMap(pack =>
    pack ? [pack.file] : [],
  )
  await sweepPacks(project.id, new Set(packs))
  return { bytes: await projectBytes(project.id) }
}

export async function bundleOf(id: string, variant: string, dir: string): Promise<Blob> {
  const { variants } = await load(id)
  const bundle = variants.find(made => made.id === variant)?.bundles.find(made => made.dir === dir)
  const zip = bundle ? await storedFile(id, 'bundles', bundle.file) : null
  if (zip) return zip
  throw new StudioError('missing-file', `There is no bundle ${dir} in storage`, { hint: 'Run the recipe again.' })
}

export const step = (id: string, to: (project: Project) => Partial<Project>): Promise<Project> =>
  update(id, async project => {
    const after = { ...project, ...to(project) }
    return { ...after, ...(await settled(after)) }
  })
