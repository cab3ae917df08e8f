// The studio's side of the target tests, in a process of its own: a model compressed for several targets, its bundles written, and beside
// them what the samples are fed as, what the float model gives for them, and what the studio previews for every target.
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { createKernels } from '../../kernels/lib/backends.ts'
import { bytesOf, type TypedArray, viewAs } from '../../src/base/dtype.ts'
import { createRng } from '../../src/base/rng.ts'
import { openData, readJson } from '../../src/cli/workbench.ts'
import { checkInput } from '../../src/data/input-schema.ts'
import { proposeInput } from '../../src/data/propose-input.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { writeNpz } from '../../src/formats/npz.ts'
import { hashFiles, openFiles, writeFolder } from '../../src/host/node/files.ts'
import { createNodePool, serveEngine } from '../../src/host/node/runner.ts'
import { importModel } from '../../src/importers/index.ts'
import { inOrder } from '../../src/ir/batches.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Context, Dataset, Runner, Sample } from '../../src/ir/context.ts'
import type { Model, ValueName } from '../../src/ir/model.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { compress } from '../../src/jobs/compress.ts'
import { previewOf } from '../../src/recipe/steps/preview.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { findTarget } from '../../src/targets/index.ts'

/** `eval` samples are judged on, as many as `limit`; `out` gets a folder per bundle with `preview.npz` in it, and feeds, floats and labels. */
export interface Job {
  model: string
  data: string
  eval: string
  input: string | null
  recipe: unknown
  samples: number
  limit: number
  out: string
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
  npz(extra: Readonly<Record<string, NdArray>> = {}): Uint8Array {
    const stacked = [...this.parts].map(([name, list]) => [name, stack(list)] as const)
    return writeNpz({ ...Object.fromEntries(stacked), ...extra })
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
  const { bundles, variants, report } = await compress(
    {
      imported,
      modelHash: await hashFiles(imported.sources),
      calibration: await open(job.data),
      evaluation: null,
      recipe: { ...checkRecipe(job.recipe), input: spec },
      samples: job.samples,
      device: 'wasm',
      notes: [],
      importMs: 0,
      store: null,
    },
    ctx,
  )
  await mkdir(job.out, { recursive: true })
  const written = bundles.flatMap(b => b.files.map(f => ({ path: `${b.dir}/${f.path}`, file: f.file })))
  await writeFolder(join(job.out, 'bundles'), written, true)
  await writeFile(join(job.out, 'report.json'), JSON.stringify(report))

  const feeds = new Stack()
  const labels: number[] = []
  for await (const { feeds: fed, label } of (await open(job.eval)).samples({ count: job.limit })) {
    feeds.add(fed)
    if (typeof label === 'number') labels.push(label + (spec.labelOffset ?? 0))
  }
  await writeFile(join(job.out, 'feeds.npz'), feeds.npz())
  if (labels.length > 0) {
    const array: NdArray = { dtype: 'int32', shape: [labels.length], data: Int32Array.from(labels) }
    await writeFile(join(job.out, 'labels.npz'), writeNpz({ labels: array }))
  }
  const given = async (model: Model, runner: Runner, path: string): Promise<void> => {
    const outputs = await outputsOf(model, runner, await open(job.eval), job.limit)
    await writeFile(join(job.out, path), outputs.npz())
  }
  await given(imported.model, ctx.runner, 'float.npz')
  const previewed: { model: Model; preview: string; path: string }[] = []
  for (const [i, { dir }] of bundles.entries()) {
    const { model, plan, target } = variants[i]
    const path = join(job.out, `preview-${dir}.npz`)
    const preview = plan ? findTarget(target).preview : 'runtime'
    const twin = previewed.find(p => p.model === model && p.preview === preview)
    previewed.push({ model, preview, path })
    if (twin) await copyFile(twin.path, path)
    else await given(model, plan ? previewOf(findTarget(target), ctx) : ctx.runner, `preview-${dir}.npz`)
  }
}

if (parentPort) serveEngine(parentPort, async () => (await import('../../src/jobs/tasks.ts')).tasks)
else {
  await prepare(JSON.parse(process.argv[2]) as Job)
  process.exit(0)
}
