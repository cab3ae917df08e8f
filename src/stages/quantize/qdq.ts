// A plan put into the graph as QuantizeLinear/DequantizeLinear pairs: the only quantised form inside. Weights and biases become
// integer initializers behind a DequantizeLinear; an activation gets one pair, which every integer node reads. Formats that ONNX
// has no type for are calls of functions of ours in the same places.

import { bytesOf, onnxCode } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { roundHalfEven } from '../../base/round.ts'
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes } from '../../ir/context.ts'
import { type Editor, edit } from '../../ir/edit.ts'
import { ownDomain, withLevelFunctions } from '../../ir/level-functions.ts'
import { levelsOf } from '../../ir/levels.ts'
import { type Attr, type Graph, int, type Model, type Node, type NodeId, type ValueName } from '../../ir/model.ts'
import { bitsOfNumber, containerOf, type NumberFormat } from '../../ir/number-format.ts'
import { type QuantParams, type QuantPlan, quantizeTensor, scaleShape } from '../../ir/quant.ts'
import { addRounding } from '../../ir/rounding.ts'
import { floats, int64s, packed, type Tensor, tensorOf } from '../../ir/tensor.ts'

/** The model with the plan carried out; its opset must be at least `opsetFor` the formats in it. */
export async function quantizeModel(model: Model, plan: QuantPlan, bytes: Bytes): Promise<Model> {
  const constants = new Map<ValueName, Constant>()
  const apart = productsInFloat(model.graph, plan)
  for (const [name, params] of plan.weights)
    constants.set(name, await quantizedConstant(model, name, params, apart.has(name), bytes))
  const biases = new Map<NodeId, Constant>()
  for (const [node, of] of plan.biases)
    biases.set(
      node,
      await quantizedBias(model, of.bias, plan.activations.get(of.input)!, plan.weights.get(of.weight)!, bytes),
    )

  const graph = edit(model.graph, editor => {
    const quantized = (node: Node): boolean => plan.quantized.has(node.id)
    const readsWeight = (node: Node): boolean => quantized(node) || plan.weightOnly.has(node.id)
    for (const [name, constant] of constants) {
      const readers = editor.consumers(name).filter(readsWeight)
      const whole = readers.some(node => wantsZeroPoint(node, plan)) ? withZeroPoint(constant) : constant
      const output = restored(editor, name, whole)
      for (const node of readers) readInstead(editor, node, name, output)
    }
    for (const [id, constant] of biases) {
      const { bias } = plan.biases.get(id)!
      readInstead(editor, editor.node(id)!, bias, restored(editor, bias, constant))
    }
    for (const [name, params] of plan.activations) insertPair(editor, name, params, plan)
    keepApart(editor, plan)
    const replaced = [...constants.keys(), ...[...plan.biases.values()].map(of => of.bias)]
    for (const name of replaced)
      if (editor.consumers(name).length === 0 && !editor.isOutput(name)) editor.dropValue(name)
  })
  return withLevelFunctions({ ...model, graph: withoutTraces(graph) })
}

/** The oldest standard opset in which a format can be written. */
export function opsetFor(format: NumberFormat, blocks: boolean): number {
  if (format.kind === 'levels' || format.kind === 'float8') return 21
  if (format.kind === 'half') return 13
  const bits = bitsOfNumber(format)
  if (bits <= 2) return 25
  return blocks || bits <= 4 || bits > 8 ? 21 : 13
}

// The runtime adds a zero point that was left out for every operator but Gemm, which it would compute in float instead
// (QDQReplaceWithNew in onnxruntime's qdq_actions.cc; seen in versions 1.30 and 1.32). Told to sum bytes exactly, it makes one for
// all channels of a MatMul, fails to put it into its kernel, and refuses to run what is left (1.32).
const wantsZeroPoint = (node: Node, plan: QuantPlan): boolean =>
  node.op === 'Gemm' || (node.op === 'MatMul' && plan.integer.has(node.id))

function withZeroPoint(constant: Constant): Constant {
  if (constant.kind !== 'linear') return constant
  const { dtype } = constant.codes
  const { shape } = constant.scale
  const count = shape.reduce((n, d) => n * d, 1)
  return { ...constant, zeroPoint: constant.zeroPoint ?? packed(dtype, shape, new Int8Array(count)) }
}

/** Exporters leave a stack trace at every node and value, up to a fifth of a compressed file; they spoke of the original's nodes. */
export function withoutTraces(graph: Graph): Graph {
  const nodes = graph.nodes.map(({ extra: _, ...node }) => node)
  const values = new Map([...graph.values].map(([name, { extra: _, ...value }]) => [name, value]))
  return { ...graph, nodes, values }
}

function insertPair(editor: Editor, name: ValueName, params: QuantParams, plan: QuantPlan): void {
  const quantized = (node: Node): boolean => plan.quantized.has(node.id)
  const producer = editor.producer(name)
  const origin = producer?.origin ?? []
  // What an integer node makes is only seen through its pair; what a float node makes stays exact for float readers.
  const madeInIntegers = producer !== null && plan.integer.has(producer.id) && !plan.floatOutputs
  let source = name
  if (madeInIntegers && editor.isOutput(name)) {
    // The graph's output keeps its name, on the far side of the pair.
    source = editor.freshName(`${name}_float`)
    editor.updateNode(producer.id, { outputs: producer.outputs.map(o => (o === name ? source : o)) })
  }
  const output = source === name ? editor.freshName(`${name}_dq`) : name
  if (output !== name) {
    if (madeInIntegers) editor.replaceUses(name, output)
    else for (const node of editor.consumers(name).filter(quantized)) readInstead(editor, node, name, output)
  }
  addRounding(editor, name, source, output, params, origin)
}

/** A Sum of one between a pair and the float operators that the runtime would round for its sake. */
function keepApart(editor: Editor, { roundsUnasked = [], quantized }: QuantPlan): void {
  const between = new Map<ValueName, ValueName>()
  for (const node of editor.nodes()) {
    const [input] = node.inputs
    if (quantized.has(node.id) || !roundsUnasked.includes(node.op) || input === null) continue
    if (editor.producer(input)?.op !== 'DequantizeLinear') continue
    if (!between.has(input)) {
      const output = editor.freshName(`${input}_exact`)
      editor.addNode({ op: 'Sum', name: '', inputs: [input], outputs: [output], origin: [] })
      between.set(input, output)
    }
    readInstead(editor, node, input, between.get(input)!)
  }
}

/** The node reads `to` where it read `from`. */
export function readInstead(editor: Editor, node: Node, from: ValueName, to: ValueName): void {
  const current = editor.node(node.id)!
  editor.updateNode(node.id, { inputs: current.inputs.map(name => (name === from ? to : name)) })
}

/** A constant as it is kept, with what turns it back into float32. */
type Constant =
  | { kind: 'linear'; codes: Tensor; scale: Tensor; zeroPoint: Tensor | null; attrs: [string, Attr][] } // null: zero, which need not be written
  | { kind: 'levels'; codes: Tensor; table: Tensor; scale: Tensor; shape: Tensor }
  | { kind: 'cast'; codes: Tensor; scale: Tensor; shape: Tensor }
  | { kind: 'half'; codes: Tensor }

/** Adds the constant and the node that restores it; the name of what that gives. */
function restored(editor: Editor, name: ValueName, constant: Constant): ValueName {
  const initializer = (part: string, tensor: Tensor): ValueName => editor.addInitializer(`${name}_${part}`, tensor)
  const code = initializer('q', constant.codes)
  const output = editor.freshName(`${name}_dq`)
  const add = (op: string, inputs: ValueName[], attrs: [string, Attr][], domain = ''): ValueName => {
    editor.addNode({ op, domain, name: '', inputs, outputs: [output], attrs, origin: [] })
    return output
  }
  if (constant.kind === 'half') return add('Cast', [code], [['to', int(onnxCode('float32'))]])
  const scale = initializer('scale', constant.scale)
  if (constant.kind === 'cast') {
    // What DequantizeLinear does, where the runtime would take that for a part of a kernel that it lacks or that rounds more.
    const [unit, real] = ['unit', 'real'].map(part => editor.freshName(`${name}_${part}`))
    const step = (op: string, inputs: ValueName[], out: ValueName, attrs: [string, Attr][] = []): void => {
      editor.addNode({ op, name: '', inputs, outputs: [out], attrs, origin: [] })
    }
    step('Cast', [code], unit, [['to', int(onnxCode('float32'))]])
    step('Mul', [unit, scale], real)
    return add('Reshape', [real, initializer('shape', constant.shape)], [])
  }
  if (constant.kind === 'levels') {
    const parts = [initializer('levels', constant.table), scale, initializer('shape', constant.shape)]
    return add('FromLevels', [code, ...parts], [], ownDomain)
  }
  const zero = constant.zeroPoint ? [initializer('zero', constant.zeroPoint)] : []
  return add('DequantizeLinear', [code, scale, ...zero], constant.attrs)
}

/**
 * Weights of matrix products that compute in float on rounded activations. Behind a DequantizeLinear the runtime would make a MatMulNBits of
 * the product, which rounds the activations once more, to 8 bits (onnxruntime 1.32, native: of 42 dB of a W8A16 network 38 are left).
 */
function productsInFloat(graph: Graph, plan: QuantPlan): Set<ValueName> {
  const products = graph.nodes.filter(n => n.op === 'Gemm' || n.op === 'MatMul')
  const inFloat = products.filter(n => plan.quantized.has(n.id) && !plan.integer.has(n.id))
  return new Set(inFloat.flatMap(n => n.inputs[1] ?? []))
}

async function quantizedConstant(
  model: Model,
  name: ValueName,
  params: QuantParams,
  inFloat: boolean,
  bytes: Bytes,
): Promise<Constant> {
  const tensor = model.graph.values.get(name)!.data!
  const data = await readFloats(bytes, tensor)
  const { format, granularity } = params.spec
  const codes = quantizeTensor(data, tensor.shape, params)
  const dtype = containerOf(format)
  if (format.kind === 'half') return { kind: 'half', codes: packed(dtype, tensor.shape, codes) }
  const typeless = format.kind === 'levels' || format.kind === 'float8' || format.bits <= 2
  const even = granularity.kind !== 'block' || tensor.shape[granularity.axis] % granularity.size === 0
  const plain = params.zeroPoint.every(z => z === 0)
  if (typeless && plain && !even)
    throw new StudioError('bad-recipe', `The inputs of ${name} do not come in whole blocks`, {
      where: { step: 'quantize', value: name },
      hint: 'Choose blocks that divide them, a scale a channel, or a format of 3 to 8 bits, whose last block may be shorter.',
    })
  if (format.kind === 'levels' || ((typeless || inFloat) && plain && even)) {
    const laid = laidOut(tensor.shape, params)
    const apart = {
      codes: packed(dtype, laid.codes, codes),
      scale: tensorOf(floats(laid.scale, params.scale)),
      shape: int64s(tensor.shape),
    }
    if (format.kind !== 'levels') return { kind: 'cast', ...apart }
    const { table } = levelsOf(format.name)
    return { kind: 'levels', ...apart, table: tensorOf(floats([table.length], table)) }
  }
  const scales = scaleShape(tensor.shape, granularity)
  const attrs: [string, Attr][] =
    granularity.kind === 'tensor'
      ? []
      : granularity.kind === 'channel'
        ? [['axis', int(granularity.axis)]]
        : [
            ['axis', int(granularity.axis)],
            ['block_size', int(granularity.size)],
          ]
  const signed = dtype.startsWith('int')
  return {
    kind: 'linear',
    codes: packed(dtype, tensor.shape, codes),
    scale: tensorOf(floats(scales, params.scale)),
    // Without one, codes are taken for uint8.
    zeroPoint: params.zeroPoint.every(z => z === 0) && signed ? null : packed(dtype, scales, params.zeroPoint),
    attrs,
  }
}

/** Shapes in which codes and scales of a tensor can be multiplied element by element; blocks must come out even. */
function laidOut(
  shape: readonly number[],
  { spec: { granularity } }: QuantParams,
): { codes: number[]; scale: number[] } {
  if (granularity.kind === 'tensor') return { codes: [...shape], scale: [] }
  const { axis } = granularity
  if (granularity.kind === 'channel')
    return { codes: [...shape], scale: shape.map((d, i) => (i === axis ? d : 1)).slice(axis) }
  const blocks = shape[axis] / granularity.size
  const apart = (inBlock: number): number[] => [...shape.slice(0, axis), blocks, inBlock, ...shape.slice(axis + 1)]
  return { codes: apart(granularity.size), scale: apart(1) }
}

/** One bias for all channels is spread over them, since each channel has a unit of its own. */
async function quantizedBias(
  model: Model,
  name: ValueName,
  input: QuantParams,
  weight: QuantParams,
  bytes: Bytes,
): Promise<Constant> {
  const tensor = model.graph.values.get(name)!.data!
  const data = await readFloats(bytes, tensor)
  const perChannel = weight.scale.length > 1
  const scale = Float32Array.from(weight.scale, s => s * input.scale[0])
  const spread = perChannel && data.length === 1
  const codes = Int32Array.from(spread ? scale : data, (x, i) =>
    saturate(roundHalfEven((spread ? data[0] : x) / scale[perChannel ? i : 0])),
  )
  const shape = perChannel ? [scale.length] : []
  return {
    kind: 'linear',
    codes: { dtype: 'int32', shape: spread ? shape : tensor.shape, data: bytesOf(codes) },
    scale: tensorOf(floats(shape, scale)),
    zeroPoint: null,
    attrs: perChannel ? [['axis', int(spread ? 0 : tensor.shape.length - 1)]] : [],
  }
}

const saturate = (q: number): number => Math.min(2147483647, Math.max(-2147483648, q))
