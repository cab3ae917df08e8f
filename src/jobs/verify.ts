// A bundle held against its own word: files by their hashes, the model by its golden vectors, a device's dump layer by layer.
import { type ByteSource, type FileSet, readAll, text } from '../base/bytes.ts'
import { bitsOf, byteLength, bytesOf, type DType, elementCount, isFloat, viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { hashBytes } from '../base/hash.ts'
import type { NpyArray } from '../formats/npy.ts'
import { readNpz } from '../formats/npz.ts'
import { readZip } from '../formats/zip.ts'
import type { Imported } from '../importers/types.ts'
import type { Context, Feeds } from '../ir/context.ts'
import type { Dim, Model, ValueName } from '../ir/model.ts'
import { codesOf } from '../ir/number-format.ts'
import { quantizeValue } from '../ir/quant.ts'
import { type NdArray, packed, transposed } from '../ir/tensor.ts'
import { infer } from '../ops/infer.ts'
import { previewOf } from '../recipe/steps/preview.ts'
import { ErrorSums } from '../stages/evaluate/errors.ts'
import { findTarget } from '../targets/index.ts'
import type { Manifest, ManifestTensor } from './manifest.ts'

/** A dump, against the golden layers, in the order of the graph; the first that differs is named. */
export interface Dumped {
  layers: { name: string; sqnrDb: number; maxAbs: number; equal: boolean }[]
  firstDifference: string | null
  unknown: string[] // names in the dump that the golden layers do not have
}

export interface Verified extends Dumped {
  target: string
  ok: boolean
  files: { path: string; ok: boolean; why: string | null }[]
  /** The model run here on the golden inputs, against the golden outputs. */
  outputs: { name: string; sqnrDb: number; maxAbs: number; equal: boolean }[]
}

// A layer that agrees to this many dB differs by rounding, not by a fault.
const agrees = 30

/** The files of a bundle that is packed as a zip. */
export const bundleFiles = (zip: ByteSource): Promise<FileSet> => readZip(zip)

export async function readManifest(files: FileSet): Promise<Manifest> {
  const source = files.get('manifest.json')
  if (!source)
    throw new StudioError('missing-file', 'There is no manifest.json here', {
      where: { file: 'manifest.json' },
      hint: 'Name the folder of one bundle, such as OUT/onnxruntime.',
    })
  return JSON.parse(text(await readAll(source))) as Manifest
}

export async function verifyBundle(
  files: FileSet,
  manifest: Manifest,
  imported: Imported | null,
  dump: ReadonlyMap<string, NdArray> | null,
  ctx: Context,
): Promise<Verified> {
  const checked: Verified['files'] = []
  for (const [path, wanted] of Object.entries(manifest.sha256)) {
    const source = files.get(path)
    const why = !source
      ? 'missing'
      : hashBytes(await readAll(source)) === wanted
        ? null
        : 'its content has changed since it was written'
    checked.push({ path, ok: why === null, why })
  }
  const written = files.has('golden/inputs.npz') || manifest.ranOnItsRuntime
  const golden = written ? await arraysOf(files, 'golden/outputs.npz') : new Map<string, NdArray>()
  const outputs = written && imported ? await outputsOf(files, manifest, golden, imported.model, ctx) : []
  const dumped = dump
    ? await compareDump(files, dump, ctx)
    : { layers: [], firstDifference: null, unknown: [] satisfies string[] }
  return {
    target: manifest.target,
    ok: checked.every(f => f.ok) && outputs.every(o => o.sqnrDb >= agrees) && dumped.firstDifference === null,
    files: checked,
    outputs,
    ...dumped,
  }
}

/** What a device gave, laid beside the golden layers and outputs of its bundle. */
export async function compareDump(
  files: FileSet,
  dump: ReadonlyMap<string, NdArray>,
  ctx: Pick<Context, 'kernels'>,
): Promise<Dumped> {
  const golden = new Map<string, NdArray>()
  for (const path of ['golden/layers.npz', 'golden/outputs.npz'])
    for (const [name, array] of await arraysOf(files, path)) golden.set(name, array)
  const layers = [...golden]
    .filter(([name]) => dump.has(name))
    .map(([name, want]) => ({ name, ...difference(want, dump.get(name)!, ctx) }))
  return {
    layers,
    firstDifference: layers.find(layer => layer.sqnrDb < agrees)?.name ?? null,
    unknown: [...dump.keys()].filter(name => !golden.has(name)),
  }
}

/** A dump as it comes from a device: an .npz by value name, or text lines `name index value`. */
export const readDump = async (source: ByteSource): Promise<Map<string, NdArray>> =>
  source.name.endsWith('.npz')
    ? arraysOf(new Map([[source.name, source]]), source.name)
    : parseDump(text(await readAll(source)), source.name)

/** The model run here on the golden inputs, with its target's own roundings. */
async function outputsOf(
  files: FileSet,
  manifest: Manifest,
  golden: ReadonlyMap<string, NdArray>,
  read: Model,
  ctx: Context,
): Promise<Verified['outputs']> {
  const model = infer(read)
  const { graph } = model
  const inputs = await arraysOf(files, 'golden/inputs.npz')
  const session = await previewOf(findTarget(manifest.target), ctx).open(model)
  try {
    const feeds: Feeds = {}
    for (const [i, edge] of manifest.inputs.entries()) {
      const name = nameIn(graph.inputs, edge, i)
      feeds[name] = asHeld(inputs.get(edge.name)!, edge, graph.values.get(name)?.dtype ?? null, shapeOf(model, name))
    }
    const got = await session.run(feeds)
    return manifest.outputs.map((edge, i) => {
      const want = golden.get(edge.name)!
      return { name: edge.name, ...difference(want, asMeant(got[nameIn(graph.outputs, edge, i)], edge, want), ctx) }
    })
  } finally {
    await session.close()
  }
}

/** The name that an input or output has in the file: its own, or the one at its place, where the format keeps no names. */
const nameIn = (names: readonly ValueName[], { name, targetName }: ManifestTensor, index: number): ValueName =>
  [targetName, name].find(own => names.includes(own)) ?? names[index]

const shapeOf = ({ graph }: Model, name: ValueName): readonly Dim[] | null => graph.values.get(name)?.shape ?? null

/** An array of the source model's as the bundle's file takes it. */
function asHeld(array: NdArray, edge: ManifestTensor, dtype: DType | null, shape: readonly Dim[] | null): NdArray {
  const laid = turned(array, shape)
  const { scale, zeroPoint } = edge
  // Pixels, where the file takes them as floats.
  if (dtype === 'float32' && !isFloat(laid.dtype))
    return { dtype, shape: laid.shape, data: Float32Array.from(laid.data as ArrayLike<number | bigint>, Number) }
  if (scale === null || dtype === null || isFloat(dtype)) return laid
  const format = { kind: 'int' as const, bits: bitsOf(dtype), signed: dtype.startsWith('i') }
  const { qmin, qmax } = codesOf(format, false)
  const codes = Int16Array.from(laid.data as Float32Array, x => quantizeValue(x, scale, zeroPoint ?? 0, qmin, qmax))
  return { dtype, shape: laid.shape, data: viewAs(dtype, packed(dtype, laid.shape, codes).data as Uint8Array) }
}

/** What the file gave as the source model gives it. */
function asMeant(array: NdArray | undefined, { scale, zeroPoint }: ManifestTensor, want: NdArray): NdArray | undefined {
  if (!array) return undefined
  const reals: NdArray =
    scale === null || isFloat(array.dtype)
      ? array
      : {
          dtype: 'float32',
          shape: array.shape,
          data: Float32Array.from(array.data as Int8Array, q => (q - (zeroPoint ?? 0)) * scale),
        }
  return turned(reals, want.shape)
}

/** With channels first or last, where only that makes an image of the shape that is wanted. */
function turned(array: NdArray, wanted: readonly Dim[] | null): NdArray {
  const fits = (shape: readonly number[]): boolean =>
    wanted === null ||
    (wanted.length === shape.length && wanted.every((d, i) => typeof d !== 'number' || d === shape[i]))
  const order = [
    [0, 2, 3, 1],
    [0, 3, 1, 2],
  ].find(axes => array.shape.length === 4 && fits(axes.map(a => array.shape[a])))
  if (fits(array.shape) || !order) return array
  return transposed(array, order)
}

function difference(
  want: NdArray,
  got: NdArray | undefined,
  ctx: Pick<Context, 'kernels'>,
): { sqnrDb: number; maxAbs: number; equal: boolean } {
  if (!got || got.data.length !== want.data.length)
    return { sqnrDb: -200, maxAbs: Number.POSITIVE_INFINITY, equal: false }
  const sums = new ErrorSums()
  sums.add(
    ctx.kernels,
    Float32Array.from(want.data as ArrayLike<number>, Number),
    Float32Array.from(got.data as ArrayLike<number>, Number),
  )
  return {
    sqnrDb: sums.sqnrDb,
    maxAbs: sums.maxAbs,
    equal: hashBytes(bytesOf(want.data)) === hashBytes(bytesOf(got.data)),
  }
}

export async function arraysOf(files: FileSet, path: string): Promise<Map<string, NdArray>> {
  const source = files.get(path)
  if (!source)
    throw new StudioError('missing-file', `The bundle has no ${path}`, {
      where: { file: path },
      hint: 'Take the bundle as it was written, with all its files.',
    })
  const arrays = new Map<string, NdArray>()
  for (const [name, array] of await readNpz(source)) arrays.set(name, await whole(array))
  return arrays
}

async function whole(array: NpyArray): Promise<NdArray> {
  const bytes = await array.source.read(array.offset, byteLength(array.dtype, elementCount(array.shape)))
  return { dtype: array.dtype, shape: array.shape, data: viewAs(array.dtype, bytes) }
}

/** Text lines `name index value`, as boards print them. */
function parseDump(source: string, file: string): Map<string, NdArray> {
  const values = new Map<string, number[]>()
  for (const [i, line] of source.split('\n').entries()) {
    if (line.trim() === '') continue
    const at = line.trim().split(/\s+/)
    const [index, value] = at.slice(-2).map(Number)
    const name = at.slice(0, -2).join(' ')
    if (name === '' || !Number.isInteger(index) || index < 0 || Number.isNaN(value))
      throw new StudioError('malformed', `Line ${i + 1} of ${file} is not "name index value"`, {
        where: { file },
        hint: 'Write one value per line, or give an .npz.',
      })
    const list = values.get(name) ?? []
    list[index] = value
    values.set(name, list)
  }
  return new Map(
    [...values].map(([name, list]) => [
      name,
      { dtype: 'float32' as const, shape: [list.length], data: Float32Array.from(list) },
    ]),
  )
}
