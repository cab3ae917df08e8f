// A plan put into the graph as QuantizeLinear/DequantizeLinear pairs: the only quantised form inside. Weights and biases become
// integer initializers behind a DequantizeLinear; an activation gets one pair, which every integer node reads.
import { bytesOf, viewAs } from '../../base/dtype.ts'
import { roundHalfEven } from '../../base/round.ts'
import type { Bytes } from '../../ir/context.ts'
import { type Editor, edit } from '../../ir/edit.ts'
import { type Attr, type Graph, int, type Model, type Node, type NodeId, type ValueName } from '../../ir/model.ts'
import { type QuantParams, type QuantPlan, quantizeTensor } from '../../ir/quant.ts'
import type { Tensor } from '../../ir/tensor.ts'

/** The model with the plan carried out. */
export async function quantizeModel(model: Model, plan: QuantPlan, bytes: Bytes): Promise<Model> {
  const constants = new Map<ValueName, Codes>()
  for (const [name, params] of plan.weights) constants.set(name, await quantizedConstant(model, name, params, bytes))
  const biases = new Map<NodeId, Codes>()
  for (const [node, of] of plan.biases)
    biases.set(
      node,
      await quantizedBias(model, of.bias, plan.activations.get(of.input)!, plan.weights.get(of.weight)!, bytes),
    )

  const graph = edit(model.graph, editor => {
    const quantized = (node: Node): boolean => plan.quantized.has(node.id)
    for (const [name, codes] of constants) {
      const readers = editor.consumers(name).filter(quantized)
      const output = dequantize(editor, name, readers.some(wantsZeroPoint) ? withZeroPoint(codes) : codes)
      for (const node of readers) readInstead(editor, node, name, output)
    }
    for (const [id, codes] of biases) {
      const { bias } = plan.biases.get(id)!
      readInstead(editor, editor.node(id)!, bias, dequantize(editor, bias, codes))
    }
    for (const [name, params] of plan.activations) insertPair(editor, name, params, quantized)
    const replaced = [...constants.keys(), ...[...plan.biases.values()].map(of => of.bias)]
    for (const name of replaced)
      if (editor.consumers(name).length === 0 && !editor.isOutput(name)) editor.dropValue(name)
  })
  return { ...model, graph: withoutTraces(graph) }
}

// The runtime adds a zero point that was left out for every operator but this one, which it would compute in float instead
// (QDQReplaceWithNew in onnxruntime's qdq_actions.cc; seen in versions 1.30 and 1.32).
const wantsZeroPoint = (node: Node): boolean => node.op === 'Gemm'

function withZeroPoint(codes: Codes): Codes {
  const { dtype, shape } = { dtype: codes.tensor.dtype, shape: codes.scale.shape }
  return { ...codes, zeroPoint: codes.zeroPoint ?? { dtype, shape, data: new Uint8Array(shape[0] ?? 1) } }
}

/** Exporters leave a stack trace at every node and value, up to a fifth of a compressed file; they spoke of the original's nodes. */
export function withoutTraces(graph: Graph): Graph {
  const nodes = graph.nodes.map(({ extra: _, ...node }) => node)
  const values = new Map([...graph.values].map(([name, { extra: _, ...value }]) => [name, value]))
  return { ...graph, nodes, values }
}

function insertPair(editor: Editor, name: ValueName, params: QuantParams, quantized: (node: Node) => boolean): void {
  const producer = editor.producer(name)
  const origin = producer?.origin ?? []
  // What an integer node makes is only seen through its pair; what a float node makes stays exact for float readers.
  const madeInIntegers = producer !== null && quantized(producer)
  let source = name
  if (madeInIntegers && editor.isOutput(name)) {
    // The graph's output keeps its name, on the far side of the pair.
    source = editor.freshName(`${name}_float`)
    editor.updateNode(producer.id, { outputs: producer.outputs.map(o => (o === name ? source : o)) })
  }
  const scale = scalarTensor('float32', params.scale[0])
  const zeroPoint = scalarTensor(params.spec.format.signed ? 'int8' : 'uint8', params.zeroPoint[0])
  const scaleName = editor.addInitializer(`${name}_scale`, scale)
  const zeroName = editor.addInitializer(`${name}_zero`, zeroPoint)
  const code = editor.freshName(`${name}_q`)
  const output = source === name ? editor.freshName(`${name}_dq`) : name
  if (output !== name) {
    if (madeInIntegers) editor.replaceUses(name, output)
    else for (const node of editor.consumers(name).filter(quantized)) readInstead(editor, node, name, output)
  }
  editor.addNode({ op: 'QuantizeLinear', name: '', inputs: [source, scaleName, zeroName], outputs: [code], origin })
  editor.addNode({ op: 'DequantizeLinear', name: '', inputs: [code, scaleName, zeroName], outputs: [output], origin })
}

function readInstead(editor: Editor, node: Node, from: ValueName, to: ValueName): void {
  const current = editor.node(node.id)!
  editor.updateNode(node.id, { inputs: current.inputs.map(name => (name === from ? to : name)) })
}

/** Integer codes of a constant with what turns them back into real values. */
interface Codes {
  tensor: Tensor
  scale: Tensor
  zeroPoint: Tensor | null // null: zero, which is the default and need not be written
  axis: number | null
}

function dequantize(editor: Editor, name: ValueName, codes: Codes): ValueName {
  const { scale, zeroPoint, axis } = codes
  const code = editor.addInitializer(`${name}_q`, codes.tensor)
  const output = editor.freshName(`${name}_dq`)
  const attrs: [string, Attr][] = axis === null ? [] : [['axis', int(axis)]]
  const scaleName = editor.addInitializer(`${name}_scale`, scale)
  const inputs = [code, scaleName, ...(zeroPoint ? [editor.addInitializer(`${name}_zero`, zeroPoint)] : [])]
  editor.addNode({ op: 'DequantizeLinear', name: '', inputs, outputs: [output], attrs, origin: [] })
  return output
}

async function quantizedConstant(model: Model, name: ValueName, params: QuantParams, bytes: Bytes): Promise<Codes> {
  const tensor = model.graph.values.get(name)!.data!
  const data = viewAs('float32', await bytes.read(tensor)) as Float32Array
  const codes = quantizeTensor(data, tensor.shape, params)
  const dtype = params.spec.format.signed ? 'int8' : 'uint8'
  const axis = params.spec.granularity.kind === 'channel' ? params.spec.granularity.axis : null
  const shape = axis === null ? [] : [params.scale.length]
  const zeros = params.spec.format.signed ? Int8Array.from(params.zeroPoint) : Uint8Array.from(params.zeroPoint)
  return {
    tensor: { dtype, shape: tensor.shape, data: bytesOf(codes) },
    scale: { dtype: 'float32', shape, data: bytesOf(params.scale) },
    zeroPoint: params.zeroPoint.every(z => z === 0) && dtype === 'int8' ? null : { dtype, shape, data: bytesOf(zeros) },
    axis,
  }
}

/** One bias for all channels is spread over them, since each channel has a unit of its own. */
async function quantizedBias(
  model: Model,
  name: ValueName,
  input: QuantParams,
  weight: QuantParams,
  bytes: Bytes,
): Promise<Codes> {
  const tensor = model.graph.values.get(name)!.data!
  const data = viewAs('float32', await bytes.read(tensor)) as Float32Array
  const perChannel = weight.scale.length > 1
  const scale = Float32Array.from(weight.scale, s => s * input.scale[0])
  const spread = perChannel && data.length === 1
  const codes = Int32Array.from(spread ? scale : data, (x, i) =>
    saturate(roundHalfEven((spread ? data[0] : x) / scale[perChannel ? i : 0])),
  )
  const shape = perChannel ? [scale.length] : []
  return {
    tensor: { dtype: 'int32', shape: spread ? shape : tensor.shape, data: bytesOf(codes) },
    scale: { dtype: 'float32', shape, data: bytesOf(scale) },
    zeroPoint: null,
    axis: perChannel ? (spread ? 0 : tensor.shape.length - 1) : null,
  }
}

const saturate = (q: number): number => Math.min(2147483647, Math.max(-2147483648, q))

function scalarTensor(dtype: 'float32' | 'int8' | 'uint8', value: number): Tensor {
  const array =
    dtype === 'float32' ? Float32Array.of(value) : dtype === 'int8' ? Int8Array.of(value) : Uint8Array.of(value)
  return { dtype, shape: [], data: bytesOf(array) }
}
