// OpenVINO IR of version 11: the graph as layers in an XML file, its constants beside it. Activations of few bits become FakeQuantize,
// weights their codes with what unpacks them; the runtime makes integer kernels of both.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import { bitsOf, elementCount, viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { fromBfloat16, fromHalf } from '../base/half.ts'
import { elementOf, writeOpenvino } from '../formats/openvino.ts'
import type { Bytes } from '../ir/context.ts'
import { type Graph, type Model, type Node, requiredInputs, type ValueName } from '../ir/model.ts'
import { unpacked as codesOf, isSlice, type Tensor } from '../ir/tensor.ts'
import { infer } from '../ops/infer.ts'
import { NetBuilder, type Port } from './openvino/net.ts'
import { NodeWriter, portOf, type Writing } from './openvino/node.ts'
import { lowerings } from './openvino/ops.ts'
import { howToRun, runCpp, runPython } from './openvino/sample.ts'
import { unpackedAsIs, unpacksConstant } from './openvino/weights.ts'
import type { Exporter, Problem } from './types.ts'

const source = 'docs.openvino.ai/2026/documentation/openvino-ir-format/operation-sets.html'

export const openvino: Exporter = {
  id: 'openvino',
  label: 'OpenVINO IR',
  check: model => {
    const problems: Problem[] = []
    build(infer(model), smallNumbers(model.graph), (node, error) => {
      problems.push({ node: node.id, op: node.op, why: error.message, level: 'refused', fix: error.hint, source })
    })
    return problems
  },
  write: async (given, _target, { bytes, name, preprocess }) => {
    const model = infer(given)
    const net = build(model, await numbersOf(model.graph, bytes), (_node, error) => {
      throw error
    })
    const xml = utf8(writeOpenvino(net.net(model.graph.name || name)))
    const weights: OutFile = { path: 'model.bin', chunks: () => net.constants(bytes) }
    return {
      files: [outFile('model.xml', xml), weights],
      roles: { model: 'model.xml', weights: 'model.bin' },
      notes: [],
      around: [outFile('sample/run.py', utf8(runPython)), outFile('sample/run.cpp', utf8(runCpp(model, preprocess)))],
      howToRun,
    }
  },
}

type Refused = (node: Node, error: StudioError) => void

function build({ graph, opsets }: Model, numbers: Writing['numbers'], refused: Refused): NetBuilder {
  const net = new NetBuilder()
  const producers = new Map<ValueName, Node>()
  for (const node of graph.nodes) for (const name of node.outputs) if (name !== null) producers.set(name, node)
  const writing: Writing = {
    graph,
    opset: opsets[''] ?? 1,
    net,
    numbers,
    producers,
    ports: new Map(),
    unpack: maker => unpackedAsIs(maker, writing),
  }
  for (const name of requiredInputs(graph)) parameter(name, writing)
  for (const node of graph.nodes) {
    // Packed weights are written in the shape that their reader wants.
    if (unpacksConstant(node, writing) && !graph.outputs.includes(node.outputs[0]!)) continue
    try {
      lower(node, writing)
    } catch (error) {
      if (!(error instanceof StudioError)) throw error
      refused(node, error)
      for (const name of node.outputs) if (name !== null) writing.ports.set(name, unknownPort(name, graph))
    }
  }
  for (const name of graph.outputs) {
    const half = graph.values.get(name)?.dtype === 'float16'
    const port = half ? converted(portOf(name, writing), 'float16', name, net) : portOf(name, writing)
    net.call(port, name)
    net.layer({ name: `${name}/result`, type: 'Result', inputs: [port], outputs: [], outputNames: [name] })
  }
  return net
}

function lower(node: Node, writing: Writing): void {
  const n = new NodeWriter(node, writing)
  const standard = node.domain === '' || node.domain === 'ai.onnx'
  if (!standard || !Object.hasOwn(lowerings, node.op))
    n.refuse(standard ? 'there is no layer of its kind' : `it is of the domain ${node.domain}`)
  lowerings[node.op](n)
}

const unknownPort = (name: ValueName, { values }: Graph) => {
  const value = values.get(name)
  return { layer: -1, port: 0, dtype: value?.dtype ?? ('float32' as const), dims: value?.shape ?? null }
}

function parameter(name: ValueName, writing: Writing): void {
  const { net, graph, ports } = writing
  const { dtype, shape } = graph.values.get(name)!
  const element = dtype && elementOf(dtype)
  if (dtype === null || element === null)
    throw new StudioError('unsupported', `The input ${name} has no type that OpenVINO knows`, {
      where: { value: name },
      hint: 'Cut the graph behind it with --inputs.',
    })
  const dims = shape?.map(dim => (typeof dim === 'number' && dim > 0 ? dim : '?')).join(',') ?? '...'
  const data = { shape: dims, element_type: element! }
  const [port] = net.layer({ name, type: 'Parameter', data, inputs: [], outputs: [{ dtype, dims: shape }] })
  net.call(port, name)
  ports.set(name, dtype === 'float16' ? converted(port, 'float32', `${name}/float32`, net) : port)
}

function converted(port: Port, dtype: 'float16' | 'float32', name: string, net: NetBuilder): Port {
  const data = { destination_type: elementOf(dtype)! }
  return net.layer({ name, type: 'Convert', data, inputs: [port], outputs: [{ dtype, dims: port.dims }] })[0]
}

/** What lowerings look at: constants in memory, and scales wherever they are. */
async function numbersOf(graph: Graph, bytes: Bytes): Promise<Map<ValueName, readonly number[]>> {
  const numbers = smallNumbers(graph)
  for (const node of graph.nodes)
    if (node.op === 'QuantizeLinear' || node.op === 'DequantizeLinear')
      for (const name of node.inputs.slice(1)) {
        const tensor = name === null ? null : graph.values.get(name)?.data
        if (tensor && !numbers.has(name!)) numbers.set(name!, decoded(tensor, await bytes.read(tensor)))
      }
  return numbers
}

const largestSmall = 65536

function smallNumbers({ values }: Graph): Map<ValueName, readonly number[]> {
  const numbers = new Map<ValueName, readonly number[]>()
  for (const { name, data } of values.values())
    if (data && !isSlice(data.data) && data.dtype !== 'string' && elementCount(data.shape) <= largestSmall)
      numbers.set(name, decoded(data, data.data))
  return numbers
}

function decoded({ dtype, shape }: Tensor, bytes: Uint8Array): number[] {
  if (bitsOf(dtype) < 8) return Array.from(codesOf(dtype, bytes, elementCount(shape)))
  const view = viewAs(dtype, bytes)
  if (dtype === 'float16') return Array.from(view as Uint16Array, fromHalf)
  if (dtype === 'bfloat16') return Array.from(view as Uint16Array, fromBfloat16)
  return Array.from(view as ArrayLike<number | bigint>, Number)
}
