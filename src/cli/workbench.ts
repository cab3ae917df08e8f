// What every command needs: the model imported and cut as asked, the data opened, and the context that stages are lent.
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { createKernels } from '../../kernels/lib/backends.ts'
import { StudioError } from '../base/errors.ts'
import { hashJson } from '../base/hash.ts'
import { createRng } from '../base/rng.ts'
import { openDataset } from '../data/dataset.ts'
import { checkInput } from '../data/input-schema.ts'
import type { InputSpec } from '../data/input-spec.ts'
import { encodeModel } from '../exporters/onnx.ts'
import { createNodeCodecs } from '../host/node/codecs.ts'
import { fileSource, hashFiles, openFiles } from '../host/node/files.ts'
import { createNodePool } from '../host/node/runner.ts'
import { importModel } from '../importers/index.ts'
import { isSafetensors } from '../importers/safetensors.ts'
import type { Imported } from '../importers/types.ts'
import { createBytes } from '../ir/bytes.ts'
import type { Context, Dataset } from '../ir/context.ts'
import { cutGraph } from '../ir/cut.ts'
import type { Model } from '../ir/model.ts'
import { freeze } from '../ops/freeze.ts'
import { type OptionTable, type Parsed, parseNames, parseShapes, usage } from './arguments.ts'
import type { ProgressLine } from './output.ts'

export const modelOptions: OptionTable = {
  shape: { value: 'NAME=1,3,224,224', many: true, about: 'fix the dimensions of an input' },
  inputs: { value: 'a,b', about: 'cut the graph at these values' },
  outputs: { value: 'c,d', about: 'cut the graph there: what detection heads on chips need' },
  weights: { value: 'FILE.safetensors', many: true, about: 'take weights from there, by their names' },
}

export const runOptions: OptionTable = {
  device: { value: 'auto|webgpu|wasm', about: 'engine; on the command line auto is wasm' },
  threads: { value: 'N', about: 'threads of the engine (default: all cores)' },
}

/** The input spec that --input names; null where it does not. */
export async function openInput(args: Parsed): Promise<InputSpec | null> {
  const path = args.text('input')
  return path ? checkInput(await readJson(path, 'input spec'), path) : null
}

export interface Opened {
  imported: Imported
  modelHash: string
  importMs: number
}

/** `folder` sets the files of one model apart from those of another that is open beside it. */
export async function openModel(path: string, args: Parsed, folder = ''): Promise<Opened> {
  const start = performance.now()
  const found = await openFiles(path, 'model', name => !/\.(onnx|npz|npy|json|zip|safetensors)$/i.test(name))
  const files = new Map([...found.files].map(([name, source]) => [folder + name, source]))
  // Weights that merely lie beside a model are not meant; those that are named are.
  for (const name of [...files.keys()].filter(isSafetensors)) files.delete(name)
  const named = folder === '' ? args.texts('weights') : []
  for (const weights of named) files.set(folder + basename(weights), await fileSource(weights))
  const imported = await importModel(files, found.main === null ? undefined : folder + found.main)
  let model: Model = imported.model
  const shapes = parseShapes(args.texts('shape'))
  if (Object.keys(shapes).length > 0) model = freeze(model, shapes)
  model = cutGraph(model, parseNames(args.text('inputs')), parseNames(args.text('outputs')))
  const importMs = performance.now() - start
  const asked = ['shape', 'inputs', 'outputs'].map(name => args.texts(name))
  const modelHash = hashJson([await hashFiles(imported.sources), asked])
  return { imported: { ...imported, model }, modelHash, importMs }
}

export async function openData(path: string, model: Model, spec: InputSpec): Promise<Dataset> {
  const { files, main } = await openFiles(path, 'data', () => path.endsWith('.json'))
  try {
    return await openDataset(files, main, { model, spec, codecs: createNodeCodecs() })
  } catch (thrown) {
    // A folder is known by its files only, and there may be none.
    if (!(thrown instanceof StudioError) || thrown.where.file) throw thrown
    const { code, message, where, hint } = thrown
    throw new StudioError(code, message, { where: { file: path, ...where }, hint, cause: thrown })
  }
}

export async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new StudioError('missing-file', `There is no ${what} at ${path}`, {
      where: { file: path },
      hint: 'Check the path.',
      cause,
    })
  }
}

export async function readJson(path: string, what: string): Promise<unknown> {
  const text = await readText(path, what)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new StudioError('malformed', `${basename(path)} is no valid JSON: ${(cause as Error).message}`, {
      where: { file: path },
      hint: 'Mend the file; a comma or a quote is often the cause.',
      cause,
    })
  }
}

export async function createContext(
  sources: Imported['sources'],
  args: Parsed,
  line: ProgressLine,
  signal: AbortSignal,
  seed: number,
): Promise<Context> {
  const device = args.text('device') ?? 'auto'
  if (!['auto', 'wasm', 'webgpu'].includes(device))
    throw usage(`--device is auto, webgpu or wasm, not ${device}`, 'See thimble --help.')
  if (device === 'webgpu')
    throw new StudioError('not-available', 'WebGPU is not available on the command line', {
      hint: 'Leave --device out, or use the studio in a browser.',
    })
  const bytes = createBytes(sources)
  const encode = (model: Model) => encodeModel(model, bytes)
  const threads = args.count('threads', 1) ?? Math.min(8, availableParallelism())
  const { runner, perform } = createNodePool({ count: threads, entry: new URL(import.meta.url), encode })
  return {
    bytes,
    runner,
    kernels: await createKernels('wasm'),
    perform,
    clock: () => performance.now(),
    rng: createRng(seed),
    signal,
    progress: p => line.show(p),
  }
}
