// The studio's side of the target tests, in a process of its own: a model compressed for several targets, its bundles written, and beside
// them what the samples are fed as, what the float model gives for them, and what the studio previews for every target.
import { existsSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { createKernels } from '../../kernels/lib/backends.ts'
import { bytesOf, type TypedArray, viewAs } from '../../src/base/dtype.ts'
import { StudioError } from '../../src/base/errors.ts'
import { createRng } from '../../src/base/rng.ts'
import { openData, readJson } from '../../src/cli/workbench.ts'
import { checkInput } from '../../src/data/input-schema.ts'
import type { InputSpec } from '../../src/data/input-spec.ts'
import { proposeInput } from '../../src/data/propose-input.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { writeNpz } from '../../src/formats/npz.ts'
import { openFiles, writeFolder } from '../../src/host/node/files.ts'
import { createNodePool, serveEngine } from '../../src/host/node/runner.ts'
import { importModel } from '../../src/importers/index.ts'
import { inOrder } from '../../src/ir/batches.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Context, Dataset, Runner, Sample } from '../../src/ir/context.ts'
import type { Model, ValueName } from '../../src/ir/model.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { writeBundle } from '../../src/jobs/bundle.ts'
import { wantedOf } from '../../src/jobs/compress.ts'
import { lint } from '../../src/jobs/lint.ts'
import { infer } from '../../src/ops/infer.ts'
import { play } from '../../src/recipe/play.ts'
import { initialState } from '../../src/recipe/state.ts'
import { previewOf } from '../../src/recipe/steps/preview.ts'
import { frozen } from '../../src/recipe/steps/write.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { findTarget } from '../../src/targets/index.ts'
import { taskFor } from '../../src/tasks/index.ts'

/** A row's bundle: its target, the form as the row asks for it, and real samples for the target's own compiler. */
export interface Row {
  target: string
  form: string | null
  samples?: number
}

export interface Job {
  model: string
  data: string
  eval: string
  input: string | null
  /** Options of the step `quantize`. */
  quantize: Readonly<Record<string, unknown>>
  rows: readonly Row[]
  /** How many samples it is calibrated on, how many are judged, and how many of these our own executor previews. */
  samples: number
  limit: number
  previewed: number
  /** Gets what all rows of the model are laid beside. */
  common: string
  /** Gets a folder per bundle, `preview-<folder>.npz` beside it, and `prepared.json`. */
  out: string
}

/** What became of a row. `refused`: it cannot be written, in the exporter's words. `linted`: whether lint said of this form what came of it. */
export interface Prepared {
  refused: string | null
  linted: boolean
  /** How many run in few bits, how many in floats, where anything was quantised. */
  operators: { lowBit: number; float: number } | null
}

/** Arrays of many samples stacked along the first axis. */
class Stack {
  private readonly parts = new Map<ValueName, NdArray[]>()
  add(arrays: Readonly<Record<ValueName, NdArray>>): void {
    for (const [name, array] of Object.entries(arrays)) {
      const list = this.parts.get(name)
      if (list) list.push(array)
      else this.parts.set(name, [array])
    }
  }
  npz(): Uint8Array {
    return writeNpz(Object.fromEntries([...this.parts].map(([name, list]) => [name, stack(list)])))
  }
}

function stack(list: readonly NdArray[]): NdArray {
  const [{ dtype, shape }] = list
  const each = list[0].data.byteLength
  const bytes = new Uint8Array(each * list.length)
  for (const [i, array] of list.entries()) bytes.set(bytesOf(array.data), i * each)
  const whole = [shape[0] * list.length, ...shape.slice(1)]
  return { dtype, shape: whole, data: viewAs(dtype, bytes) as TypedArray }
}

async function outputsOf(model: Model, runner: Runner, data: Dataset, limit: number): Promise<Stack> {
  const session = await runner.open(model)
  const outputs = new Stack()
  try {
    const work = (sample: Sample) => session.run(sample.feeds)
    for await (const { result } of inOrder(data.samples({ count: limit }), runner.threads, work)) outputs.add(result)
  } finally {
    await session.close()
  }
  return outputs
}

async function prepare(job: Job): Promise<void> {
  const { files, main } = await openFiles(job.model, 'model')
  const imported = await importModel(files, main ?? undefined)
  const bytes = createBytes(imported.sources)
  const ctx: Context = {
    bytes,
    ...createNodePool({
      count: Math.min(8, availableParallelism()),
      entry: new URL(import.meta.url),
      encode: model => encodeModel(model, bytes),
    }),
    kernels: await createKernels('wasm'),
    clock: () => performance.now(),
    rng: createRng(0),
    signal: new AbortController().signal,
    progress: () => {},
  }
  const spec = job.input ? checkInput(await readJson(job.input, 'input spec')) : proposeInput(imported.model).spec
  const open = (path: string) => openData(path, imported.model, spec)
  const calibration = await open(job.data)
  const recipe = {
    ...checkRecipe({
      thimble: 1,
      steps: [
        { do: 'optimize' },
        { do: 'quantize', ...job.quantize },
        ...job.rows.map(row => ({ do: 'export', ...row })),
      ],
    }),
    input: spec,
  }
  const request = {
    recipe,
    state: initialState(infer(imported.model)),
    inputHash: '',
    calibration,
    evaluation: null,
    samples: job.samples,
    wanted: wantedOf(recipe),
    store: null,
  }
  await mkdir(job.out, { recursive: true })
  const state = await play(request, ctx).catch((thrown: unknown) => {
    if (job.rows.length === 1 && thrown instanceof StudioError && thrown.where.step === 'export') return thrown
    throw thrown
  })
  const asFed = { ...imported, model: frozen(imported.model, await shapesOf(calibration), []) }
  const refusals = async (id: string, form: string) => {
    const { forms } = findTarget(id)
    const first = form === (forms.find(f => f.holds === 'quantised') ?? forms[0]).id
    const { findings } = await lint(asFed, id, ctx)
    return findings.filter(f => f.level === 'refused' && (f.form === form || (f.form === null && first)))
  }
  // A form that was asked for and has nothing to hold.
  if (state instanceof StudioError) {
    const [{ target, form }] = job.rows
    const linted = form !== null && (await refusals(target, form)).some(f => f.why === state.message)
    return saved(job, [{ refused: `${state.message}. ${state.hint}`, linted, operators: null }])
  }
  if (!existsSync(join(job.common, 'float.npz'))) await besides(job, imported.model, state.model, spec, ctx, open)
  const prepared: Prepared[] = []
  const previewed: { model: Model; preview: string; path: string }[] = []
  for (const variant of state.variants) {
    const { plan, floatLeft } = variant
    const operators = plan && { lowBit: plan.integer.size, float: floatLeft.length }
    try {
      const { dir, files } = await writeBundle(variant, state, imported, recipe, calibration, ctx)
      await writeFolder(join(job.out, dir), files, true)
      const target = findTarget(variant.target)
      const preview = plan ? target.preview : 'runtime'
      const twin = previewed.find(p => p.model === variant.model && p.preview === preview)
      const path = join(job.out, `preview-${dir}.npz`)
      previewed.push({ model: variant.model, preview, path })
      const runner = plan ? previewOf(target, ctx) : ctx.runner
      if (twin) await copyFile(twin.path, path)
      else {
        // The runtime is fast enough for all of them.
        const count = preview === 'runtime' ? job.limit : job.previewed
        await writeFile(path, (await outputsOf(variant.model, runner, await open(job.eval), count)).npz())
      }
      const said = await refusals(variant.target, variant.form)
      prepared.push({ refused: null, linted: said.length === 0, operators })
    } catch (thrown) {
      if (!(thrown instanceof StudioError) || thrown.code !== 'unsupported') throw thrown
      const said = await refusals(variant.target, variant.form)
      const linted = said.some(f => f.node === (thrown.where.node ?? null) || thrown.message.includes(f.why))
      prepared.push({ refused: `${thrown.message}. ${thrown.hint}`, linted, operators })
    }
  }
  await saved(job, prepared)
}

/** Of the inputs, as the first sample has them. */
async function shapesOf(data: Dataset): Promise<Record<ValueName, readonly number[]>> {
  for await (const { feeds } of data.samples({ count: 1 }))
    return Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape]))
  return {}
}

const saved = (job: Job, prepared: readonly Prepared[]): Promise<void> =>
  writeFile(join(job.out, 'prepared.json'), JSON.stringify(prepared))

/** What the samples are fed as, what the float model and its weights are, what a sample's answer is, and labels. */
async function besides(
  job: Job,
  imported: Model,
  optimized: Model,
  spec: InputSpec,
  ctx: Context,
  open: (path: string) => Promise<Dataset>,
): Promise<void> {
  const feeds = new Stack()
  const labels: (number | string)[] = []
  for await (const { feeds: fed, label } of (await open(job.eval)).samples({ count: job.limit })) {
    feeds.add(fed)
    if (label !== null) labels.push(typeof label === 'number' ? label + (spec.labelOffset ?? 0) : label)
  }
  const task = taskFor(spec, imported)
  const [output] = imported.graph.outputs
  const save = (name: string, data: Uint8Array | string) => writeFile(join(job.common, name), data)
  await save('feeds.npz', feeds.npz())
  await save('task.json', JSON.stringify({ kind: task?.id ?? null, output, characters: imported.meta.character ?? '' }))
  if (labels.length > 0) await save('labels.json', JSON.stringify(labels))
  const weights: Record<ValueName, NdArray> = {}
  for (const { name, data } of optimized.graph.values.values())
    if (data?.dtype === 'float32')
      weights[name] = { dtype: 'float32', shape: [...data.shape], data: viewAs('float32', await ctx.bytes.read(data)) }
  await save('weights.npz', writeNpz(weights))
  await save('float.npz', (await outputsOf(imported, ctx.runner, await open(job.eval), job.limit)).npz())
}

if (parentPort) serveEngine(parentPort, async () => (await import('../../src/jobs/tasks.ts')).tasks)
else {
  await prepare(JSON.parse(process.argv[2]) as Job)
  process.exit(0)
}
