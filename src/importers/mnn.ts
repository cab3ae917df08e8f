// MNN: its operators as the standard ones. Layout conversions between NCHW and the packed NC4HW4 vanish, those to and from NHWC
// become Transpose; weights of few bits come as codes behind DequantizeLinear, quantised tensors as QDQ pairs.
import { type ByteSource, type FileSet, readAll } from '../base/bytes.ts'
import { viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { baseName } from '../base/paths.ts'
import { type MnnNet, readMnn } from '../formats/mnn.ts'
import { dataTypes, opTypeName } from '../formats/mnn-schema.ts'
import type { Graph, Model } from '../ir/model.ts'
import type { Slice } from '../ir/tensor.ts'
import { sortNodes, verify } from '../ir/verify.ts'
import { factsOfModel } from '../ops/infer.ts'
import type { Fact } from '../ops/types.ts'
import { fetchExternal } from './mnn/external.ts'
import { createDraft, type Draft, floatScalar, int8Tensor } from './mnn/graph.ts'
import { translate } from './mnn/ops.ts'
import type { Imported, Importer } from './types.ts'

const opset = 17

export const mnn: Importer = {
  id: 'mnn',
  label: 'MNN',
  extensions: ['.mnn'],
  probe: async files => {
    for (const [path, source] of files) if (isNamedMnn(path) && (await beginsAsFlatBuffer(source))) return 0.9
    return 0
  },
  read: async (files, main) => {
    if (main !== undefined && files.has(main)) return readFile(files, main)
    const named = [...files.keys()].filter(isNamedMnn)
    if (named.length > 1)
      throw new StudioError('usage', `There are ${named.length} MNN models: ${named.join(', ')}`, {
        where: { file: named[0] },
        hint: 'Open one of them.',
      })
    return readFile(files, named[0])
  },
}

const isNamedMnn = (path: string): boolean => path.toLowerCase().endsWith('.mnn')

/** The root table lies inside the file, and so does what describes it; a file of MNN has no other mark. */
async function beginsAsFlatBuffer(source: ByteSource): Promise<boolean> {
  if (source.size < 16) return false
  const root = viewAs('uint32', await source.read(0, 4))[0] as number
  return root >= 4 && root % 2 === 0 && root + 4 <= source.size
}

async function readFile(files: FileSet, path: string): Promise<Imported> {
  const source = files.get(path)!
  const bytes = await readAll(source)
  const net = readMnn(bytes, baseName(path))
  if (!net.oplists || net.oplists.length === 0 || !net.tensorName)
    throw new StudioError('not-a-model', `${baseName(path)} holds no network`, {
      where: { file: path },
      hint: 'Convert the model again with MNN’s converter, or open another file.',
    })
  if (net.subgraphs && net.subgraphs.length > 0)
    throw new StudioError('unsupported', `${baseName(path)} has ${net.subgraphs.length} subgraphs: loops or branches`, {
      where: { file: path },
      hint: 'Convert a model whose graph has no control flow.',
    })
  const external = await fetchExternal(net, files, path)
  const locate = (array: Uint8Array): Slice | null =>
    array.buffer === bytes.buffer
      ? { source: path, offset: array.byteOffset - bytes.byteOffset, length: array.byteLength }
      : null
  const notes: string[] = []
  const graph = graphFrom(external.net, baseName(path), locate, notes)
  verify(graph)
  return {
    model: modelOf(graph, net.extraInfo?.version ?? ''),
    name: baseName(path),
    format: 'mnn',
    bytes: source.size + external.bytes,
    sources: new Map([[path, source]]),
    notes,
  }
}

const modelOf = (graph: Graph, version: string): Model => ({
  graph,
  functions: [],
  opsets: { '': opset },
  irVersion: 8,
  meta: {},
  producer: { name: 'MNN', version, domain: '', modelVersion: 0 },
})

function graphFrom(net: MnnNet, name: string, locate: (array: Uint8Array) => Slice | null, notes: string[]): Graph {
  const ops = net.oplists!
  const tensors = uniqueNames(net.tensorName!)
  const quantized = quantizedTensors(net, tensors.length)
  // The float value behind a quantised tensor's QDQ pair has a name of its own.
  const made = tensors.map((tensor, i) => (quantized.has(i) ? `${tensor}_float` : tensor))
  const draft = createDraft([...tensors, ...made])
  const nameOf = (index: number, node: string): string => {
    const tensor = tensors[index]
    if (tensor === undefined)
      throw new StudioError('malformed', `${node} uses the tensor ${index} of ${tensors.length}`, {
        where: { node },
        hint: 'Copy or convert the model again.',
      })
    return tensor
  }
  const translation = { draft, locate, notes, factOf: factsOf(draft) }
  const consumed = new Set<number>()
  const produced: number[] = []
  const described = new Map(net.extraTensorDescribe?.map(t => [t.index, t]))
  const dimsOf = (index: number): readonly number[] | null => {
    const dims = described.get(index)?.blob?.dims
    return dims?.every(d => d >= 0) ? [...dims] : null
  }
  for (const [i, op] of ops.entries()) {
    const node = op.name || `${opTypeName(op.type)}_${i}`
    const inputs = [...(op.inputIndexes ?? [])]
    const outputs = [...(op.outputIndexes ?? [])]
    for (const index of inputs) consumed.add(index)
    // Each region copies from the input of its own place.
    const regions = outputs.flatMap(index => described.get(index)?.regions ?? [])
    const origin = (region: number): number => inputs[inputs.length === 1 ? 0 : region] ?? -1
    translate(translation, op, {
      node,
      inputs: inputs.map(index => nameOf(index, node)),
      outputs: outputs.map(index => nameOf(index, node) && made[index]),
      dims: outputs.length > 0 ? dimsOf(outputs[0]) : null,
      regions: regions.map((r, at) => ({ ...r, from: nameOf(origin(at), node), fromDims: dimsOf(origin(at)) })),
    })
    for (const index of outputs) {
      const quant = quantized.get(index)
      if (quant) addPair(tensors[index], made[index], quant, node)
      if (opTypeName(op.type) !== 'Input' && opTypeName(op.type) !== 'Const') produced.push(index)
    }
  }
  const named = net.outputName?.filter(output => tensors.includes(output)) ?? []
  const outputs = named.length > 0 ? named : produced.filter(index => !consumed.has(index)).map(index => tensors[index])
  const graph = draft.graph(name.replace(/\.mnn$/i, ''), outputs)
  return { ...graph, nodes: sortNodes(graph.nodes) }

  function addPair(
    tensor: string,
    float: string,
    { scale, zero }: { scale: number; zero: number },
    node: string,
  ): void {
    const parameters = [
      draft.constant(draft.fresh(`${tensor}_scale`), floatScalar(scale)),
      draft.constant(draft.fresh(`${tensor}_zero`), int8Tensor([], [zero])),
    ]
    const codes = draft.fresh(`${tensor}_codes`)
    draft.node('QuantizeLinear', [float, ...parameters], [codes], { origin: node })
    draft.node('DequantizeLinear', [codes, ...parameters], [tensor], { origin: node })
  }
}

/** Facts by shape inference, taken again where the draft has grown since. */
function factsOf(draft: Draft): (name: string) => Fact | null {
  let seen = -1
  let facts: ReadonlyMap<string, Fact> = new Map()
  return name => {
    if (seen !== draft.nodes.length) {
      facts = factsOfModel(modelOf(draft.graph('', [name]), ''), { lenient: true })
      seen = draft.nodes.length
    }
    return facts.get(name) ?? null
  }
}

/** Tensors that MNN computes in int8, by index. */
function quantizedTensors(net: MnnNet, count: number): Map<number, { scale: number; zero: number }> {
  const found = new Map<number, { scale: number; zero: number }>()
  for (const { index, quantInfo } of net.extraTensorDescribe ?? [])
    if (quantInfo && quantInfo.scale > 0 && index < count && dataTypes[quantInfo.type as 6] === 'int8')
      found.set(index, { scale: quantInfo.scale, zero: quantInfo.zero })
  return found
}

function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((name, i) => {
    let free = name || `tensor_${i}`
    while (taken.has(free)) free = `${free}_${i}`
    taken.add(free)
    return free
  })
}
