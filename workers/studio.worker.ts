// Owns the state: projects, their storage, and the compute threads. It never computes itself, so it always answers.

import { catalogue } from 'virtual:catalogue'
import * as comlink from 'comlink'
import { text } from '../src/base/bytes.ts'
import { errorRecord, StudioError } from '../src/base/errors.ts'
import { gpuAdapter } from '../src/host/browser/gpu.ts'
import { disown, own, ownedElsewhere, owns, whileRunning } from '../src/host/browser/locks.ts'
import { deleteEverything, deleteProject, listProjects, loadProject, stageStore } from '../src/host/browser/store.ts'
import { availableThreads } from '../src/host/browser/threads.ts'
import { hasSimd } from '../src/host/browser/wasm-simd.ts'
import type { Diagnosis } from '../src/jobs/diagnose.ts'
import { recipeName } from '../src/jobs/recipe-name.ts'
import type { Sensitivities } from '../src/jobs/sensitivity.ts'
import type { Speed } from '../src/jobs/speed.ts'
import type { ProjectView, Result, StudioApi } from './api.ts'
import type { ComputeApi } from './compute.worker.ts'
import { label } from './gathered.ts'
import {
  bundleOf,
  changeVariant,
  freshBytes,
  load,
  noProject,
  noVariant,
  reportOf,
  settled,
  step,
  sweepVariants,
  update,
} from './kept.ts'
import { addData, addPictures, addSound, create, reread, restore, sweepProjects } from './making.ts'
import { type Device, migrated, type Project, type Standing, summaryOf, viewOf } from './project.ts'
import { isProjectFile, projectFile } from './project-file.ts'
import { fetchSample, listSamples } from './samples.ts'
import { runner, ThreadDied, unwrap, viewer } from './threads.ts'
import { figuresOf, keyOf, stageHead, steppedBack, steppedForth, variantFor, withRecipe } from './variants.ts'

const version = '0.1.0'

let runningId: string | null = null
let base = ''
/** What the self-test of the GPU said in the last run that asked for it. */
let gpuTest: { verified: boolean | null; why: string | null } | null = null

const cancelled = (): StudioError =>
  new StudioError('cancelled', 'The run was stopped', { hint: 'Run again: it goes on after the last finished stage.' })

const elsewhere = (): StudioError =>
  new StudioError('locked', 'Another tab has this project open', { hint: 'Close it there first.' })

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

const view = async (project: Project): Promise<ProjectView> => viewOf(project, await standing(project.id))

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
    await sweepProjects()
    const projects = (await listProjects<Project>()).map(migrated)
    return projects
      .filter(project => !project.deleted)
      .sort((a, b) => b.changed - a.changed)
      .map(project => summaryOf(project, { runsHere: runningId === project.id, elsewhere: elsewhere.has(project.id) }))
  },

  createProject: files =>
    result(async () => view((await isProjectFile(files)) ? await restore(files[0]) : await create(null, files))),

  projectFile: (id, results) => result(async () => ({ file: await projectFile(await load(id), results) })),

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
      if (project.deleted) throw noProject()
      const mine = await own(id)
      if (!mine || runningId === id) return view(project)
      await sweepVariants(await update(id, ({ variants }) => ({ variants: variants.filter(known => !known.deleted) })))
      return view(await update(id, freshBytes))
    }),

  async closeProject(id) {
    if (runningId !== id) disown(id)
  },

  renameProject: (id, name) =>
    result(async () => {
      const open = owns(id)
      if (!(await own(id))) throw elsewhere()
      const project = await view(await update(id, () => ({ name })))
      if (!open) disown(id)
      return project
    }),

  deleteProject: id =>
    result(async () => {
      if (runningId === id) runner.end(cancelled())
      if (!(await own(id))) throw elsewhere()
      await update(id, () => ({ deleted: true, running: null }))
      return null
    }),

  restoreProject: id =>
    result(async () => {
      await update(id, () => ({ deleted: false }))
      disown(id)
      return null
    }),

  eraseProject: id =>
    result(async () => {
      if (!(await loadProject<Project>(id))?.deleted) return null
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

  addPictures: (id, role, pictures) => result(async () => view(await addPictures(id, role, pictures))),
  addSound: (id, role, values) => result(async () => view(await addSound(id, role, values))),
  labelSample: (id, role, sample, value) => result(async () => view(await label(id, role, sample, value))),

  setInput: (id, input) =>
    result(async () => {
      const project = await load(id)
      await viewer.call(compute => unwrap(compute.fits(project, input)))
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

  checkRecipe: recipe => result(() => viewer.call(compute => unwrap(compute.check(recipe)))),

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

  layer: (id, of, names) =>
    result(async () => viewer.call(async compute => unwrap(compute.layer(await load(id), of, names)))),

  layerOutput: (id, of, names, onProgress) =>
    result(async () =>
      viewer.call(async compute => unwrap(compute.layerOutput(await load(id), of, names, comlink.proxy(onProgress)))),
    ),

  standing: (value, range) => result(() => viewer.call(compute => unwrap(compute.standing(value, range)))),

  tryLayers: (id, of, recipe, onProgress) =>
    result(async () =>
      viewer.call(async compute => unwrap(compute.tryLayers(await load(id), of, recipe, comlink.proxy(onProgress)))),
    ),

  stopLooking: () => viewer.call(compute => compute.stopLooking()),

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

const exposed = {
  ...api,
  /** `address` is the page's own, where the samples lie. */
  start(address: string): void {
    base = address
  },
}
export type StudioWorker = typeof exposed

comlink.expose(exposed)
