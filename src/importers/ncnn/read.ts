// The graph of an ncnn network: layers in their order, each by the reader of its type. Blobs have no batch axis; one of any size is put
// before them, since every layer computes one sample like another.
import type { FileSet } from '../../base/bytes.ts'
import { bytesOf } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { baseName } from '../../base/paths.ts'
import { NcnnBin, type NcnnWeight } from '../../formats/ncnn-bin.ts'
import { type NcnnLayer, paramInt, readNcnnParam } from '../../formats/ncnn-param.ts'
import { createBytes, readFloats } from '../../ir/bytes.ts'
import type { Dim } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { inFile } from '../in-file.ts'
import { LayerGraph } from '../layer-graph.ts'
import type { Imported } from '../types.ts'
import { activations } from './activation.ts'
import { arithmetic } from './arithmetic.ts'
import { layouts } from './layout.ts'
import { poolings } from './pooling.ts'
import { products } from './products.ts'
import type { NcnnReaders, NcnnWeights } from './types.ts'

const readers: NcnnReaders = { ...activations, ...arithmetic, ...layouts, ...poolings, ...products }

export async function readNcnn(files: FileSet, param: string, bin: string): Promise<Imported> {
  const paramSource = files.get(param)!
  const binSource = files.get(bin)!
  const bytes = await paramSource.read(0, paramSource.size)
  return inFile(param, async () => {
    const layers = readNcnnParam(bytes, baseName(param))
    checkBlobs(layers)
    const graph = new LayerGraph(layers.flatMap(layer => layer.outputs))
    const sources = new Map([
      [param, paramSource],
      [bin, binSource],
    ])
    const reader = new NcnnBin(binSource)
    const forms = new Set<string>()
    const weights = weightsOf(reader, bin, () => graph.layer, forms, createBytes(sources))
    const ctx = { graph, weights, int8: new Map<string, number>() }
    for (const layer of layers) {
      graph.layer = layer.name
      const read = Object.hasOwn(readers, layer.type) ? readers[layer.type] : undefined
      if (!read)
        throw new StudioError('unsupported', `The layer ${layer.name} is a ${layer.type}, which is not known here`, {
          where: { node: layer.name },
          hint: 'Replace the layer before converting the model to ncnn, or open the model in the format that it came from.',
        })
      if (layer.type === 'Input' && !hasSize(layer)) graph.input(layer.outputs[0], shapeGuess(layer, layers))
      else await read(layer, ctx)
    }
    if (reader.left >= 4)
      throw new StudioError(
        'malformed',
        `${baseName(bin)} has ${reader.left} bytes more than ${baseName(param)} asks for`,
        {
          where: { file: bin },
          hint: `Open the .bin that was written together with ${baseName(param)}.`,
        },
      )
    const used = new Set(layers.flatMap(layer => layer.inputs))
    const outputs = layers.flatMap(layer => layer.outputs).filter(blob => !used.has(blob))
    const name = baseName(param)
    const model = graph.finish(name, outputs, 'ncnn')
    const notes = [...forms].map(form => `The weights lie in the file as ${form}; they are float32 here.`)
    return { model, name, format: 'ncnn', bytes: paramSource.size + binSource.size, sources, notes }
  })
}

/** A blob comes from one layer, before those that read it. */
function checkBlobs(layers: readonly NcnnLayer[]): void {
  const made = new Set<string>()
  const refuse = (what: string, { name }: NcnnLayer): StudioError =>
    new StudioError('invalid-graph', what, { where: { node: name }, hint: 'Convert the model again.' })
  for (const layer of layers) {
    const lost = layer.inputs.find(blob => !made.has(blob))
    if (lost !== undefined) throw refuse(`The layer ${layer.name} reads ${lost}, which no layer before it gives`, layer)
    for (const blob of layer.outputs) {
      if (made.has(blob)) throw refuse(`The blob ${blob} is given twice, the second time by ${layer.name}`, layer)
      made.add(blob)
    }
    const [least, gives] = layer.type === 'Input' || layer.type === 'MemoryData' ? [0, 1] : [1, 1]
    if (layer.inputs.length < least || layer.outputs.length < gives)
      throw refuse(`The layer ${layer.name} lacks an input or an output`, layer)
  }
}

const hasSize = (layer: NcnnLayer): boolean => [0, 1, 2].some(id => paramInt(layer, id, 0) !== 0)

/** An input without a size is a map, of as many channels as the convolution after it takes, or a vector before an inner product. */
function shapeGuess({ outputs: [blob] }: NcnnLayer, layers: readonly NcnnLayer[]): Dim[] {
  let name = blob
  for (const layer of layers) {
    if (!layer.inputs.includes(name)) continue
    const count = (id: number): number => paramInt(layer, id, 0)
    if (layer.type === 'InnerProduct') return ['N', count(2) / count(0)]
    if (layer.type.startsWith('Convolution')) {
      const channels = count(6) / count(0) / count(1) / paramInt(layer, 11, count(1))
      const map = [channels * paramInt(layer, 7, 1), 'H', 'W']
      if (layer.type.endsWith('1D')) return ['N', (count(6) / count(0) / count(1)) * paramInt(layer, 7, 1), 'W']
      return ['N', ...map]
    }
    name = layer.outputs[0]
  }
  return ['N', 'C', 'H', 'W']
}

function weightsOf(
  bin: NcnnBin,
  source: string,
  layer: () => string,
  forms: Set<string>,
  bytes: ReturnType<typeof createBytes>,
): NcnnWeights {
  const tensor = (weight: NcnnWeight, count: number): Tensor => {
    const { dtype } = weight
    if ('data' in weight) {
      forms.add(weight.stored === 'float16' ? 'float16' : 'bytes that stand for 256 numbers')
      return { dtype, shape: [count], data: bytesOf(weight.data) }
    }
    return { dtype, shape: [count], data: { source, offset: weight.offset, length: weight.length } }
  }
  return {
    tagged: async count => tensor(await bin.tagged(count, layer()), count),
    raw: count => tensor(bin.raw(count, layer()), count),
    floats: count => bin.floats(count, layer()),
    read: weight => readFloats(bytes, weight),
  }
}
