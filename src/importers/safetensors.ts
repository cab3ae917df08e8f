// Weights from safetensors files in place of a graph's own: tensors are matched by name, and must have the shape that is there.
import type { FileSet } from '../base/bytes.ts'
import { bytesOf, type DType, isFloat, viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { fromBfloat16, fromHalf } from '../base/half.ts'
import { meant } from '../base/nearest.ts'
import { readSafetensors, type StoredTensor } from '../formats/safetensors.ts'
import type { Value, ValueName } from '../ir/model.ts'
import type { Tensor } from '../ir/tensor.ts'
import type { Imported } from './types.ts'

export const isSafetensors = (path: string): boolean => path.toLowerCase().endsWith('.safetensors')

/** The model with the tensors of every safetensors file among `files`; all of them are used, or none. */
export async function withWeights(imported: Imported, files: FileSet): Promise<Imported> {
  const paths = [...files.keys()].filter(isSafetensors)
  if (paths.length === 0) return imported
  const { graph } = imported.model
  const values = new Map<ValueName, Value>(graph.values)
  const sources = new Map(imported.sources)
  const initializers = [...graph.values.values()].filter(value => value.data)
  const replaced = new Set<ValueName>()
  const counters: string[] = []
  for (const path of paths) {
    const source = files.get(path)!
    const { tensors } = await readSafetensors(source)
    sources.set(path, source)
    for (const [name, stored] of tensors) {
      const value = values.get(name)
      if (!value?.data) {
        // PyTorch counts batches; no inference graph has that.
        if (stored.shape.length === 0 && !isFloat(stored.dtype)) counters.push(name)
        else
          throw notThere(
            name,
            path,
            initializers.map(v => v.name),
          )
        continue
      }
      if (replaced.has(name))
        throw new StudioError('usage', `The weights ${name} are in several of the files ${paths.join(', ')}`, {
          where: { file: path, value: name },
          hint: 'Open one file of weights, or the parts of one.',
        })
      replaced.add(name)
      values.set(name, { ...value, data: await tensorFor(value, stored, path, source) })
    }
  }
  const kept = initializers.filter(({ name, dtype }) => isFloat(dtype) && !replaced.has(name))
  const notes = [
    ...imported.notes,
    `${replaced.size} weights came from ${paths.join(', ')}${kept.length > 0 ? `; ${kept.length} that are not there are the model's own, ${kept[0].name} the first of them` : ''}.`,
    ...(counters.length > 0 ? [`${counters.length} counters of ${paths.join(', ')} were left out.`] : []),
  ]
  const bytes = imported.bytes + paths.reduce((sum, path) => sum + files.get(path)!.size, 0)
  return { ...imported, model: { ...imported.model, graph: { ...graph, values } }, sources, notes, bytes }
}

function notThere(name: string, path: string, names: readonly string[]): StudioError {
  const near = meant(name, names)
  return new StudioError('malformed', `${path} has weights ${name}, and the model has none of that name`, {
    where: { file: path, value: name },
    hint: near
      ? `The nearest is ${near}: save the weights under the names that the graph has.`
      : 'Save the weights under the names that the graph has; inspect lists them.',
  })
}

async function tensorFor(
  { name, data }: Value,
  { dtype, shape, offset, length }: StoredTensor,
  path: string,
  source: { read(offset: number, length: number): Promise<Uint8Array> },
): Promise<Tensor> {
  const own = data!
  const where = { file: path, value: name }
  if (own.shape.length !== shape.length || own.shape.some((d, i) => d !== shape[i])) {
    const turned = own.shape.length === 2 && own.shape[0] === shape[1] && own.shape[1] === shape[0]
    throw new StudioError(
      'malformed',
      `${path} has ${name} in the shape [${shape}], and the model has [${own.shape}]`,
      {
        where,
        hint: turned
          ? 'The exporter transposed this matrix: transpose it before it is saved, or export the graph again.'
          : 'These weights are of another model; take the file that belongs to this graph.',
      },
    )
  }
  if (dtype === own.dtype) return { dtype, shape, data: { source: path, offset, length } }
  const read = own.dtype === 'float32' ? widened(dtype, new Uint8Array(await source.read(offset, length))) : null
  if (!read)
    throw new StudioError('unsupported', `${path} has ${name} as ${dtype}, and the model has it as ${own.dtype}`, {
      where,
      hint: `Save it as ${own.dtype}.`,
    })
  return { dtype: 'float32', shape, data: bytesOf(read) }
}

/** Floats of another width as float32; null for what is no float. */
function widened(dtype: DType, bytes: Uint8Array): Float32Array | null {
  const view = viewAs(dtype, bytes)
  if (dtype === 'float16') return Float32Array.from(view as Uint16Array, fromHalf)
  if (dtype === 'bfloat16') return Float32Array.from(view as Uint16Array, fromBfloat16)
  return dtype === 'float64' ? Float32Array.from(view as Float64Array) : null
}
