// The graph of a Caffe network: layers in their order, each by the reader of its type; weights by the names of layers.
import { type FileSet, text } from '../../base/bytes.ts'
import { StudioError } from '../../base/errors.ts'
import { baseName } from '../../base/paths.ts'
import { type CaffeBlob, readCaffemodel } from '../../formats/caffemodel.ts'
import { parsePrototxt } from '../../formats/prototxt.ts'
import { createBytes, readFloats } from '../../ir/bytes.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { inFile } from '../in-file.ts'
import { LayerGraph } from '../layer-graph.ts'
import type { Imported } from '../types.ts'
import { simple } from './layers.ts'
import { layouts } from './layout.ts'
import { type CaffeLayer, netOf } from './net.ts'
import type { CaffeReaders, CaffeWeights } from './types.ts'
import { weighted } from './weighted.ts'

const readers: CaffeReaders = { ...simple, ...layouts, ...weighted }

export async function readCaffe(files: FileSet, prototxt: string, caffemodel: string): Promise<Imported> {
  const textSource = files.get(prototxt)!
  const modelSource = files.get(caffemodel)!
  const words = text(await textSource.read(0, textSource.size))
  const sources = new Map([
    [prototxt, textSource],
    [caffemodel, modelSource],
  ])
  const blobs = await inFile(caffemodel, () => readCaffemodel(modelSource, caffemodel))
  return inFile(prototxt, async () => {
    const net = netOf(parsePrototxt(words, baseName(prototxt)))
    if (net.layers.length === 0)
      throw new StudioError('not-a-model', `${baseName(prototxt)} has no layers`, {
        hint: 'Open the .prototxt that describes the network, not that of its solver.',
      })
    if (net.inputs.length === 0)
      throw new StudioError('unsupported', `${baseName(prototxt)} says no shape of an input`, {
        where: { node: net.layers[0].name },
        hint: 'Open the .prototxt for deployment, which begins with an Input layer; this one reads a data base.',
      })
    const graph = new LayerGraph([
      ...net.inputs.map(input => input.name),
      ...net.layers.flatMap(layer => layer.outputs),
    ])
    const bytes = createBytes(sources)
    for (const { name, shape } of net.inputs) graph.input(name, shape)
    const taken = new Set<CaffeLayer>()
    const weightsOf =
      (layer: CaffeLayer): CaffeWeights =>
      (at, what) =>
        tensorOf(blobs.get(layer.name)?.[at], layer, what, caffemodel)
    for (const [i, layer] of net.layers.entries()) {
      if (taken.has(layer)) continue
      graph.layer = layer.name
      const read = Object.hasOwn(readers, layer.type) ? readers[layer.type] : undefined
      if (!read) throw unknown(layer)
      await read(layer, {
        graph,
        weights: weightsOf(layer),
        weightsOf,
        blobCount: blobs.get(layer.name)?.length ?? 0,
        read: tensor => readFloats(bytes, tensor),
        after: net.layers.slice(i + 1),
        taken,
      })
    }
    const name = baseName(prototxt)
    const model = graph.finish(name, net.outputs, 'Caffe')
    return { model, name, format: 'caffe', bytes: textSource.size + modelSource.size, sources, notes: [] }
  })
}

function unknown({ name, type }: CaffeLayer): StudioError {
  const ofTraining =
    /Loss$|^(Accuracy|Data|ImageData|HDF5Data|MemoryData|WindowData|DummyData|AnnotatedData|[A-Z_]*DATA)$/.test(type)
  return new StudioError('unsupported', `The layer ${name} is of the type ${type}, which is not known here`, {
    where: { node: name },
    hint: ofTraining
      ? 'Open the .prototxt for deployment; this one is for training.'
      : 'Cut the network before this layer, or replace it with layers of stock Caffe.',
  })
}

function tensorOf(blob: CaffeBlob | undefined, { name }: CaffeLayer, what: string, file: string): Tensor {
  if (!blob)
    throw new StudioError('malformed', `${baseName(file)} has no ${what} for the layer ${name}`, {
      where: { file, node: name },
      hint: 'Open the .caffemodel that was trained with this .prototxt.',
    })
  return { dtype: 'float32', shape: blob.shape, data: blob.data }
}
