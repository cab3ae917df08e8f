// A model through the recipe's steps for a target, as its preview and as the files of its bundle.
import { existsSync, readFileSync } from 'node:fs'
import { collect, memorySource } from '../../src/base/bytes.ts'
import { openDataset } from '../../src/data/dataset.ts'
import type { ImageInput, InputSpec } from '../../src/data/input-spec.ts'
import { createNodeCodecs } from '../../src/host/node/codecs.ts'
import { importModel } from '../../src/importers/index.ts'
import type { Context, Dataset, Feeds } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { elements, type NdArray } from '../../src/ir/tensor.ts'
import { write } from '../../src/recipe/steps/write.ts'
import { findTarget } from '../../src/targets/index.ts'
import { play, runAll } from '../quantize/played.ts'

export interface WrittenFor {
  files: Record<string, Uint8Array>
  /** What the studio judges: the QDQ graph, or the float one. */
  preview: Model
  original: Model
}

export async function writtenFor(
  model: Model,
  ctx: Context,
  target: string,
  form: string,
  options: {
    calibration?: Dataset
    samples?: number
    input?: InputSpec
    preprocess?: Readonly<Record<string, ImageInput>>
  } = {},
): Promise<WrittenFor> {
  const step = form === 'float16' ? { weights: 'float16', activations: 'float16' } : form === 'float' ? floats : {}
  const wanted = { target: findTarget(target), form }
  const { state, variant } = await play(model, ctx, { ...options, step, wanted })
  const wish = { form: variant.form, io: variant.io, fed: fedOf(state.observed), calibration: null, name: 'model' }
  const quantized = variant.plan && { float: variant.reference ?? state.model, plan: variant.plan }
  const preprocess = options.preprocess ?? {}
  const written = await write(variant.model, wanted.target, { ...wish, preprocess, quantized }, ctx)
  const files: Record<string, Uint8Array> = {}
  for (const file of [...written.files, ...(written.around ?? [])]) files[file.path] = await collect(file.chunks())
  return { files, preview: variant.model, original: state.original }
}

const floats = { weights: 'float32', activations: 'float32' }

const fedOf = (observed: { inputs: Readonly<Record<string, { shape: readonly number[] }>> } | null) =>
  Object.fromEntries(Object.entries(observed?.inputs ?? {}).map(([name, { shape }]) => [name, shape]))

/** A folder of the data that real models are judged by, or null. */
const shared = new URL('../../../shared/data/', import.meta.url)
export const sharedFile = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, shared)))
export const hasShared = existsSync(shared)
if (!hasShared) console.log('../shared/data is not here: real models are skipped.')

export async function sharedModel(...paths: string[]) {
  const files = new Map(paths.map(path => [path, memorySource(path, sharedFile(path))]))
  return importModel(files)
}

export async function sharedData(model: Model, spec: InputSpec, ...paths: string[]): Promise<Dataset> {
  const files = new Map(paths.map(path => [path.split('/').at(-1)!, memorySource(path, sharedFile(path))]))
  return openDataset(files, paths[0].split('/').at(-1)!, { model, spec, codecs: createNodeCodecs() })
}

/** All samples of a data set. */
export async function allFeeds(data: Dataset): Promise<{ feeds: Feeds[]; labels: (number | null)[] }> {
  const feeds: Feeds[] = []
  const labels: (number | null)[] = []
  for await (const sample of data.samples()) {
    feeds.push(sample.feeds)
    labels.push(typeof sample.label === 'number' ? sample.label : null)
  }
  return { feeds, labels }
}

/** Samples one behind the other. */
export function stacked(arrays: readonly NdArray[]): NdArray {
  const [first] = arrays
  const size = elements(first)
  const data = new Float32Array(size * arrays.length)
  for (const [i, array] of arrays.entries()) data.set(array.data as Float32Array, i * size)
  return { dtype: 'float32', shape: [first.shape[0] * arrays.length, ...first.shape.slice(1)], data }
}

/** Outputs of a model over samples, one behind the other. */
export async function outputsOf(model: Model, feeds: readonly Feeds[], ctx: Context): Promise<Record<string, NdArray>> {
  const outputs = await runAll(model, feeds, ctx)
  return Object.fromEntries(Object.keys(outputs[0]).map(name => [name, stacked(outputs.map(o => o[name]))]))
}

export interface Compared {
  db: number
  top1: number // share of samples with the same largest value
}

export function compared(reference: NdArray, got: NdArray): Compared {
  const classes = reference.shape.at(-1)!
  let signal = 0
  let noise = 0
  let same = 0
  const rows = elements(reference) / classes
  for (let r = 0; r < rows; r++) {
    let [best, other] = [0, 0]
    for (let k = 0; k < classes; k++) {
      const [a, b] = [Number(reference.data[r * classes + k]), Number(got.data[r * classes + k])]
      signal += a ** 2
      noise += (a - b) ** 2
      if (a > Number(reference.data[r * classes + best])) best = k
      if (b > Number(got.data[r * classes + other])) other = k
    }
    if (best === other) same++
  }
  return { db: noise === 0 ? 200 : 10 * Math.log10(signal / noise), top1: same / rows }
}
