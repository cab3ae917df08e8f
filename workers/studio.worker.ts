// Owns the state: projects, their storage, and the compute threads. It never computes itself, so it always answers.

import { catalogue } from 'virtual:catalogue'
import * as comlink from 'comlink'
import { text } from '../src/base/bytes.ts'
import { errorRecord, StudioError } from '../src/base/errors.ts'
import { gpuAdapter } from '../src/host/browser/gpu.ts'
import { disown, own, ownedElsewhere, owns, whileRunning } from '../src/host/browser/locks.ts'
import {
  deleteEverything,
  deleteProject,
  listProjects,
  loadProject,
  projectBytes,
  projectFolders,
  readBundle,
  saveProject,
  stageStore,
  sweepBundles,
  sweepPacks,
  sweepStages,
  writePack,
} from '../src/host/browser/store.ts'
import { availableThreads } from '../src/host/browser/threads.ts'
import { hasSimd } from '../src/host/browser/wasm-simd.ts'
import type { Diagnosis } from '../src/jobs/diagnose.ts'
import { recipeName } from '../src/jobs/recipe-name.ts'
import type { Report } from '../src/jobs/report.ts'
import type { Sensitivities } from '../src/jobs/sensitivity.ts'
import type { Speed } from '../src/jobs/speed.ts'
import type { ProjectView, Result, StudioApi } from './api.ts'
import type { ComputeApi } from './compute.worker.ts'
import {
  type Device,
  migrated,
  type Project,
  type Role,
  type Standing,
  type StoredVariant,
  summaryOf,
  viewOf,
} from './project.ts'
import { fetchSample, listSamples } from './samples.ts'
import { computeThread, ThreadDied } from './threads.ts'
import { figuresOf, keyOf, stageHead, steppedBack, steppedForth, variantFor, withRecipe } from './variants.ts'

const version = '0.1.0'

// Two threads, so that previews and graphs are answered while a run has its own thread blocked.
const viewer = computeThread('viewer')
const runner = computeThread('runner')
let runningId: string | null = null
let base = ''
/** What the self-test of the GPU said in the last run that asked for it. */
let gpuTest: { verified: boolean | null; why: string | null } | null = null

const cancelled = (): StudioError =>
  new StudioError('cancelled', 'The run was stopped', { hint: 'Run again: it goes on after the last finished stage.' })

const standing = async (id: string): Promise<Standing> => ({
  runsHere: runningId === id,
  elsewhere: (await ownedElsewhere()).has(id),
})

/** Whatever is thrown becomes a Result: an exception would lose its code and hint on the way to the page. */
async function result<T>(work: () => Promise<T>): Promise<Result<T>> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    return { ok: false, error: errorRecord(error) }
  }
}

/** The value of a compute thread's answer; its error thrown. */
async function unwrap<T>(answer: Promise<Result<T>>): Promise<T> {
  const outcome = await answer
  if (outcome.ok) return outcome.value
  throw StudioError.from(outcome.error)
}

async function load(id: string): Promise<Project> {
  const project = await loadProject<Project>(id)
  if (project) return migrated(project)
  throw new StudioError('missing-file', 'This project is no longer in the browser’s storage', {
    hint: 'It was deleted, here or in another tab; drop the model again.',
  })
}

const view = async (project: Project): Promise<ProjectView> => viewOf(project, await standing(project.id))

let changes: Promise<unknown> = Promise.resolve()

/**
 * Changes a project that this tab owns, and stores it. What `change` throws leaves the project as it was. One change after the
 * other: each begins with what the one before has stored.
 */
function update(
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
async function settled(project: Project): Promise<Partial<Project>> {
  const variant = variantFor(project)
  const report = variant ? await reportOf(project.id, variant.id) : null
  return { running: null, error: null, current: report && variant ? variant.id : null, report }
}

async function reportOf(id: string, variant: string): Promise<Report | null> {
  const bytes = await stageStore(id).get(`${stageHead(variant)}report`)
  return bytes ? (JSON.parse(text(bytes)) as Report) : null
}

/** Removes what no variant refers to: of those that went, and of runs that were cut off. */
async function sweepVariants({ id, variants }: Project): Promise<void> {
  await sweepBundles(id, new Set(variants.flatMap(({ bundles }) => bundles.map(({ file }) => file))))
  const heads = variants.map(variant => stageHead(variant.id))
  await sweepStages(id, key => key.startsWith(stageHead('')) && !heads.some(head => key.startsWith(head)))
}

const changeVariant = (id: string, variant: string, change: Partial<StoredVariant>): Promise<Project> =>
  update(id, async project => {
    if (!project.variants.some(known => known.id === variant)) throw noVariant()
    const variants = project.variants.map(known => (known.id === variant ? { ...known, ...change } : known))
    return { variants, ...(await settled({ ...project, variants })) }
  })

const noVariant = (): StudioError =>
  new StudioError('missing-file', 'This result is no longer in the browser’s storage', {
    hint: 'Run its recipe again.',
  })

async function freshBytes(project: Project): Promise<Partial<Project>> {
  const packs = [project.model, project.calibration?.pack, project.evaluation?.pack].flatMap(pack =>
    pack ? [pack.file] : [],
  )
  await sweepPacks(project.id, new Set(packs))
  return { bytes: await projectBytes(project.id) }
}

async function create(name: string | null, files: { path: string; file: Blob }[]): Promise<Project> {
  const id = crypto.randomUUID()
  await own(id)
  try {
    const model = await writePack(id, 'model-0', files)
    const opened = await viewer.call(api => unwrap(api.open(id, model)))
    const now = Date.now()
    const project: Project = {
      id,
      name: name ?? opened.view.name.replace(/\.[^.]+$/, ''),
      bytes: model.bytes,
      created: now,
      changed: now,
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
    await saveProject(project)
    return project
  } catch (error) {
    await deleteProject(id)
    disown(id)
    throw error
  }
}

/** The new samples are copied and looked through before they take the place of the old. */
async function addData(id: string, role: Role, files: { path: string; file: Blob }[]): Promise<Project> {
  const project = await update(id, async before => {
    const pack = await writePack(id, `${role}-${before.packs}`, files)
    const view = await viewer.call(api => unwrap(api.data(before, role, pack)))
    const changed = { packs: before.packs + 1, [role]: { pack, view } }
    return { ...changed, ...(await settled({ ...before, ...changed })) }
  })
  return update(id, () => freshBytes(project))
}

function refuseWhileRunning(): void {
  if (runningId)
    throw new StudioError('usage', 'A run is under way already', { hint: 'Wait for it, or stop it first.' })
}

async function run(id: string, device: Device, onProgress: Parameters<StudioApi['run']>[2]): Promise<Project> {
  refuseWhileRunning()
  const project = await update(id, () => ({ report: null, current: null, error: null, running: device }))
  runningId = id
  const variant = crypto.randomUUID()
  try {
    const { report, bundles, webgpu } = await whileRunning(() => runOnce(project, variant, device, onProgress))
    gpuTest = webgpu
    await update(id, ({ variants }) => {
      // The same run again takes the place of the one before, and keeps its name.
      const twin = variantFor(project)
      const others = variants.filter(known => known.id !== twin?.id)
      const name =
        twin?.name ??
        recipeName(
          project.recipe,
          others.filter(known => !known.deleted).map(known => known.name),
        )
      const { recipe } = project
      const figures = figuresOf(report)
      const made = {
        id: variant,
        name,
        made: Date.now(),
        key: keyOf(project),
        recipe,
        figures,
        bundles,
        deleted: false,
      }
      return { running: null, report, current: variant, variants: [...others, made] }
    })
  } catch (error) {
    const record = errorRecord(error)
    await update(id, () => ({ running: null, error: record.code === 'cancelled' ? null : record }))
    throw error
  } finally {
    runningId = null
    // Its WASM memory never shrinks; the next run starts with a small one.
    runner.end(cancelled())
  }
  await sweepVariants(await load(id))
  return update(id, freshBytes)
}

/** A thread that died is started once more: the finished stages are there, so only the last one is repeated. */
async function runOnce(project: Project, variant: string, device: Device, onProgress: Parameters<StudioApi['run']>[2]) {
  const attempt = () => runner.call(api => unwrap(api.run(project, variant, device, comlink.proxy(onProgress))))
  try {
    return await attempt()
  } catch (error) {
    if (!(error instanceof ThreadDied)) throw error
    return attempt()
  }
}

/** Removes what is left of projects whose making was interrupted; one that is being made has its lock, here or elsewhere. */
async function sweepUnfinished(): Promise<void> {
  for (const id of await projectFolders()) {
    if (owns(id) || (await loadProject(id)) || !(await own(id))) continue
    if (!(await loadProject(id))) await deleteProject(id)
    disown(id)
  }
}

const api: StudioApi = {
  async capabilities() {
    const { usage = 0, quota = 0 } = await navigator.storage.estimate()
    const gpu = await gpuAdapter()
    return {
      version,
      isolated: crossOriginIsolated,
      threads: availableThreads(),
      simd: hasSimd(),
      webgpu: { available: gpu.name !== null, adapter: gpu.name, verified: null, why: gpu.why, ...gpuTest },
      storage: { used: usage, quota, persisted: await navigator.storage.persisted() },
    }
  },

  async catalogue() {
    return { ...catalogue, samples: await listSamples(base) }
  },

  async projects() {
    const elsewhere = await ownedElsewhere()
    await sweepUnfinished()
    const projects = await listProjects<Project>()
    return projects
      .sort((a, b) => b.changed - a.changed)
      .map(project => summaryOf(project, { runsHere: runningId === project.id, elsewhere: elsewhere.has(project.id) }))
  },

  createProject: files => result(async () => view(await create(null, files))),

  createFromSample: (id, name) =>
    result(async () => {
      const sample = await fetchSample(base, id)
      const { id: project } = await create(name, sample.model)
      if (sample.input) await update(project, () => ({ input: sample.input!, inputProposed: false }))
      await addData(project, 'calibration', sample.data)
      return view(
        sample.evaluation.length > 0 ? await addData(project, 'evaluation', sample.evaluation) : await load(project),
      )
    }),

  openProject: id =>
    result(async () => {
      const project = await load(id)
      const mine = await own(id)
      if (!mine || runningId === id) return view(project)
      await sweepVariants(await update(id, ({ variants }) => ({ variants: variants.filter(known => !known.deleted) })))
      return view(await update(id, freshBytes))
    }),

  async closeProject(id) {
    if (runningId !== id) disown(id)
  },

  renameProject: (id, name) => result(async () => view(await update(id, () => ({ name })))),

  deleteProject: id =>
    result(async () => {
      if (runningId === id) runner.end(cancelled())
      if (!(await own(id))) {
        throw new StudioError('locked', 'Another tab has this project open', { hint: 'Close it there first.' })
      }
      await deleteProject(id)
      disown(id)
      return null
    }),

  deleteEverything: () =>
    result(async () => {
      const elsewhere = await ownedElsewhere()
      if (elsewhere.size > 0) {
        throw new StudioError('locked', 'Another tab has a project open', { hint: 'Close the other tabs first.' })
      }
      runner.end(cancelled())
      for (const project of await listProjects()) disown(project.id)
      await deleteEverything()
      return null
    }),

  addData: (id, role, files) => result(async () => view(await addData(id, role, files))),

  setInput: (id, input) =>
    result(async () => {
      await update(id, async project => ({ input, inputProposed: false, ...(await settled({ ...project, input })) }))
      return view(await update(id, reread))
    }),

  setRecipe: (id, recipe) =>
    result(async () => {
      const checked = async (project: Project) => {
        await viewer.call(compute => unwrap(compute.check(recipe)))
        return { ...withRecipe(project, recipe), ...(await settled({ ...project, recipe })) }
      }
      return view(await update(id, checked))
    }),

  undoRecipe: id => result(async () => view(await step(id, steppedBack))),
  redoRecipe: id => result(async () => view(await step(id, steppedForth))),

  lint: (id, target) => result(async () => viewer.call(async compute => unwrap(compute.lint(await load(id), target)))),

  report: (id, variant) =>
    result(async () => {
      const report = await reportOf(id, variant)
      if (!report) throw noVariant()
      return report
    }),

  renameVariant: (id, variant, name) => result(async () => view(await changeVariant(id, variant, { name }))),
  deleteVariant: (id, variant) => result(async () => view(await changeVariant(id, variant, { deleted: true }))),
  restoreVariant: (id, variant) => result(async () => view(await changeVariant(id, variant, { deleted: false }))),

  preview: (id, role, index) =>
    result(async () => viewer.call(async compute => unwrap(compute.preview(await load(id), role, index)))),

  sharedValues: (id, models) =>
    result(async () => viewer.call(async compute => unwrap(compute.sharedValues(await load(id), models)))),

  beside: (id, models, role, index, value) =>
    result(async () =>
      viewer.call(async compute => unwrap(compute.beside(await load(id), models, role, index, value))),
    ),

  answers: (id, models, role, onProgress) =>
    result(async () =>
      viewer.call(async compute => unwrap(compute.answers(await load(id), models, role, comlink.proxy(onProgress)))),
    ),

  forecast: id => result(async () => viewer.call(async compute => unwrap(compute.forecast(await load(id))))),

  costs: (id, model) => result(async () => viewer.call(async compute => unwrap(compute.costs(await load(id), model)))),

  graph: (id, which, variant) =>
    result(async () => viewer.call(async compute => unwrap(compute.graph(await load(id), which, variant)))),

  run: (id, device, onProgress) => result(async () => view(await run(id, device, onProgress))),

  async cancel(id) {
    if (runningId === id) runner.end(cancelled())
  },

  diagnose: (id, device, onProgress) =>
    aboutCurrent(id, (api, ...of) => api.diagnose(...of, device, comlink.proxy(onProgress))),
  diagnosis: (id, variant) => result(() => foundOf<Diagnosis>(id, variant, 'diagnosis')),

  measureSensitivity: (id, device, onProgress) =>
    aboutCurrent(id, (api, ...of) => api.sensitivity(...of, device, comlink.proxy(onProgress))),
  sensitivity: (id, variant) => result(() => foundOf<Sensitivities>(id, variant, 'sensitivity')),

  measureSpeed: (id, device, onProgress) =>
    aboutCurrent(id, (api, ...of) => api.speed(...of, device, comlink.proxy(onProgress))),
  speed: (id, variant) => result(() => foundOf<Speed>(id, variant, 'speed')),

  compareDump: (id, variant, dir, dump) =>
    result(async () => {
      const zip = await bundleOf(id, variant, dir)
      return viewer.call(compute => unwrap(compute.compareDump(zip, dump)))
    }),

  bundle: (id, variant, dir) => result(async () => ({ zip: await bundleOf(id, variant, dir) })),
}

/** A job about what the settings have come to; it has the runner for itself, as a run has. */
const aboutCurrent = <Found>(
  id: string,
  job: (api: comlink.Remote<ComputeApi>, project: Project, variant: string) => Promise<Result<Found>>,
): Promise<Result<Found>> =>
  result(async () => {
    refuseWhileRunning()
    const project = await load(id)
    const variant = variantFor(project)
    if (!variant) throw noVariant()
    runningId = id
    try {
      return await whileRunning(() => runner.call(api => unwrap(job(api, project, variant.id))))
    } finally {
      runningId = null
      runner.end(cancelled())
    }
  })

/** What a job has found of a variant; null where it was not asked for. */
async function foundOf<Found>(id: string, variant: string, name: string): Promise<Found | null> {
  const kept = await stageStore(id).get(`${stageHead(variant)}${name}`)
  return kept ? (JSON.parse(text(kept)) as Found) : null
}

async function bundleOf(id: string, variant: string, dir: string): Promise<Blob> {
  const { variants } = await load(id)
  const bundle = variants.find(made => made.id === variant)?.bundles.find(made => made.dir === dir)
  const zip = bundle ? await readBundle(id, bundle.file) : null
  if (zip) return zip
  throw new StudioError('missing-file', `There is no bundle ${dir} in storage`, { hint: 'Run the recipe again.' })
}

const step = (id: string, to: (project: Project) => Partial<Project>): Promise<Project> =>
  update(id, async project => {
    const after = { ...project, ...to(project) }
    return { ...after, ...(await settled(after)) }
  })

/** With another input spec the same files may have other suspicions. */
async function reread(project: Project): Promise<Partial<Project>> {
  const fresh: Partial<Project> = {}
  for (const role of ['calibration', 'evaluation'] as const) {
    const data = project[role]
    if (!data) continue
    const view = await viewer.call(compute => unwrap(compute.data(project, role, data.pack)))
    fresh[role] = { pack: data.pack, view }
  }
  return fresh
}

const exposed = {
  ...api,
  /** `address` is the page's own, where the samples lie. */
  start(address: string): void {
    base = address
  },
}
export type StudioWorker = typeof exposed

comlink.expose(exposed)
