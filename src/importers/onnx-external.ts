// External data of ONNX: tensors whose bytes lie in another file, named by a path relative to the model's own folder.
import type { ByteSource, FileSet } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { baseName } from '../base/paths.ts'
import type { AttributeRecord, GraphRecord, ModelRecord, NodeRecord, TensorRecord } from '../formats/onnx.ts'
import type { Slice } from '../ir/tensor.ts'

export interface ExternalFiles {
  /** Where the data of a tensor are; `length` is what its type and shape want. */
  locate(tensor: TensorRecord, length: number): Slice
  /** The files that tensors were found in, by their id. */
  readonly used: ReadonlyMap<string, ByteSource>
}

/** Finds every file that the model names, or says in one error which are missing and for what. */
export function findExternal(model: ModelRecord, files: FileSet, main: string): ExternalFiles {
  const found = new Map<string, readonly [id: string, source: ByteSource]>()
  const missing = new Map<string, string[]>()
  for (const tensor of tensorsOf(model)) {
    if (!tensor.external) continue
    const location = locationOf(tensor, main)
    const file = fileAt(files, main, location)
    if (file) found.set(location, file)
    else missing.set(location, [...(missing.get(location) ?? []), tensor.name])
  }
  const [first] = missing
  if (first) {
    const [location, tensors] = first
    const shown = tensors.slice(0, 3).join(', ')
    const more = tensors.length > 3 ? ` and ${tensors.length - 3} more tensors` : ''
    const others = missing.size > 1 ? `; ${missing.size - 1} more files are missing too` : ''
    throw new StudioError(
      'missing-file',
      `The model keeps ${shown}${more} in the file ${location}, which is not here${others}`,
      {
        where: { file: location, value: tensors[0] },
        hint: `Open ${[...missing.keys()].join(', ')} together with ${main}, or open the folder that holds them.`,
      },
    )
  }
  return {
    used: new Map(found.values()),
    locate: (tensor, wanted) => {
      const [id, source] = found.get(locationOf(tensor, main))!
      const offset = numberOf(tensor, 'offset') ?? 0
      const length = numberOf(tensor, 'length') ?? wanted
      if (length !== wanted)
        throw new StudioError(
          'malformed',
          `The tensor ${tensor.name} takes ${wanted} bytes, but the model says ${length}`,
          {
            where: { value: tensor.name, file: main },
            hint: 'Export the model again.',
          },
        )
      if (offset + length > source.size)
        throw new StudioError(
          'truncated',
          `The file ${id} ends at byte ${source.size}, inside the tensor ${tensor.name}, which ends at ${offset + length}`,
          { where: { file: id, value: tensor.name }, hint: `Copy ${id} again, completely.` },
        )
      return { source: id, offset, length }
    },
  }
}

function numberOf(tensor: TensorRecord, key: string): number | null {
  const text = tensor.external?.get(key)
  if (text === undefined || text === '') return null
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new StudioError('malformed', `The external data of ${tensor.name} have the ${key} ${JSON.stringify(text)}`, {
    where: { value: tensor.name },
    hint: 'Export the model again.',
  })
}

/** The path as the model says it, with forward slashes. A path that leaves the model's folder is refused. */
function locationOf(tensor: TensorRecord, main: string): string {
  const location = (tensor.external?.get('location') ?? '').replaceAll('\\', '/')
  const steps = location.split('/').filter(step => step !== '.' && step !== '')
  if (location.startsWith('/') || /^[A-Za-z]:/.test(location) || steps.includes('..') || steps.length === 0)
    throw new StudioError(
      'malformed',
      `The tensor ${tensor.name} is to be read from ${JSON.stringify(location)}, outside the model's folder`,
      {
        where: { value: tensor.name, file: main },
        hint: 'Save the model again with its external data in its own folder.',
      },
    )
  return steps.join('/')
}

/** The file at the path; or, since files that are dropped come without their folders, the only one of that name. */
function fileAt(files: FileSet, main: string, location: string): readonly [string, ByteSource] | null {
  const exact = main.slice(0, main.lastIndexOf('/') + 1) + location
  const source = files.get(exact)
  if (source) return [exact, source]
  const name = baseName(location)
  const alike = [...files].filter(([path]) => baseName(path) === name)
  return alike.length === 1 ? alike[0] : null
}

function* tensorsOf(model: ModelRecord): Iterable<TensorRecord> {
  if (model.graph) yield* tensorsOfGraph(model.graph)
  for (const def of model.functions) yield* tensorsOfNodes(def.nodes)
}

function* tensorsOfGraph(graph: GraphRecord): Iterable<TensorRecord> {
  yield* graph.initializers
  for (const { values, indices } of graph.sparse) yield* [values, indices]
  yield* tensorsOfNodes(graph.nodes)
}

function* tensorsOfNodes(nodes: readonly NodeRecord[]): Iterable<TensorRecord> {
  for (const node of nodes) for (const attribute of node.attributes) yield* tensorsOfAttribute(attribute)
}

function* tensorsOfAttribute({ t, tensors, g, graphs }: AttributeRecord): Iterable<TensorRecord> {
  if (t) yield t
  yield* tensors ?? []
  for (const graph of [...(g ? [g] : []), ...(graphs ?? [])]) yield* tensorsOfGraph(graph)
}
