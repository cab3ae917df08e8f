// The QDQ graph as a target sees it: which DequantizeLinear -> operator -> (activation) -> QuantizeLinear is one integer kernel.
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes } from '../../ir/context.ts'
import { attrInt, type Graph, type Model, type Node, type ValueName } from '../../ir/model.ts'
import type { FloatReason } from '../../ir/quant.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { readCodes } from './constants.ts'
import { integerOp } from './ops/index.ts'
import { type Affine, type Arithmetic, codesOf, type IntegerOp, type Operand, type Params, type Unit } from './types.ts'

export interface Units {
  units: readonly { unit: Unit; op: IntegerOp }[]
  /** Every QuantizeLinear and DequantizeLinear whose scale is constant; none where the runtime is asked for the whole. */
  pairs: ReadonlyMap<Node, Params>
  /** Operators behind a DequantizeLinear that are no unit, with the reason. */
  float: readonly FloatReason[]
}

/** Types and shapes must have been inferred. */
export async function findUnits(model: Model, arithmetic: Arithmetic, bytes: Bytes): Promise<Units> {
  const graph = new Reader(model, bytes)
  const units: { unit: Unit; op: IntegerOp }[] = []
  const float: FloatReason[] = []
  const pairs = new Map<Node, Params>()
  for (const node of model.graph.nodes.filter(n => isQuantize(n) || isDequantize(n))) {
    const params = await graph.params(node)
    if (params) pairs.set(node, params)
  }
  const asked = arithmetic.asksRuntime?.(model, pairs) ?? null
  for (const node of model.graph.nodes) {
    if (isQuantize(node) || isDequantize(node)) continue
    const op = isStandard(node) ? integerOp(node.op) : null
    const found =
      asked ?? (op ? await unitAt(node, op, arithmetic, graph) : 'the executor has no integer kernel for it')
    if (typeof found === 'string') {
      if (graph.standsBetweenPairs(node)) float.push({ node: node.id, op: node.op, why: found })
    } else units.push({ unit: found, op: op! })
  }
  return { units, pairs: asked === null ? pairs : new Map(), float }
}

const isStandard = (node: Node): boolean => node.domain === '' || node.domain === 'ai.onnx'

/** The unit around a node, or why it is none. */
async function unitAt(node: Node, op: IntegerOp, arithmetic: Arithmetic, graph: Reader): Promise<Unit | string> {
  if (node.outputs.filter(o => o !== null).length !== 1) return 'it has further outputs'
  const inputs: (Operand | null)[] = []
  for (const [i, name] of node.inputs.entries()) {
    const quantised = name !== null && (op.data === undefined || op.data.includes(i))
    const operand = quantised ? await graph.operand(name) : null
    if (quantised && operand === null) return `its input ${name} is not quantised`
    inputs.push(operand)
  }
  if ((op.alike ? inputs : inputs.slice(0, 1)).every(x => !x || x.constant)) return 'its input is constant'

  const next = graph.onlyReader(node.outputs[0]!)
  const activation = next && (next.op === 'Relu' || next.op === 'Clip') && isStandard(next) ? next : null
  const last = activation ? graph.onlyReader(activation.outputs[0]!) : next
  const pair = last && isQuantize(last) && last.inputs[0] === (activation ?? node).outputs[0] ? last : null
  const params = pair ? await graph.params(pair) : null
  if (pair && !params) return 'the scale of its output is computed at run time'
  if (pair && params!.scale.length > 1) return 'its output has more than one scale'

  const unit = { node, inputs, activation, quantize: pair }
  if (!pair) {
    if (!op.floats || !arithmetic.scaler || activation) return 'its output stays float'
    const output = { name: node.outputs[0]!, dtype: 'float32' as const, affine: null }
    return refusal({ ...unit, output }, op, arithmetic, graph) ?? { ...unit, output }
  }
  const { dtype, scale, zeroPoint } = params!
  let affine: Affine | null = { scale: scale[0], zeroPoint: zeroPoint[0], ...codesOf(dtype) }
  if (activation) affine = arithmetic.narrow(activation, affine, graph.model)
  if (!affine) return `${activation!.op} behind it does more than its codes do`
  const output = { name: pair.outputs[0]!, dtype, affine }
  return refusal({ ...unit, output }, op, arithmetic, graph) ?? { ...unit, output }
}

const refusal = (unit: Unit, op: IntegerOp, arithmetic: Arithmetic, graph: Reader): string | null =>
  arithmetic.refuses(unit, op, graph.model) ?? op.refuses?.(unit, graph.model) ?? null

export const isQuantize = (node: Node): boolean => node.op === 'QuantizeLinear'
export const isDequantize = (node: Node): boolean => node.op === 'DequantizeLinear'

/** Looks around in a graph. */
class Reader {
  private readonly producers = new Map<ValueName, Node>()
  private readonly readers = new Map<ValueName, Node[]>()
  private readonly graph: Graph
  private readonly operands = new Map<ValueName, Promise<Operand | null>>()

  constructor(
    readonly model: Model,
    private readonly bytes: Bytes,
  ) {
    this.graph = model.graph
    for (const node of this.graph.nodes) {
      for (const name of node.outputs) if (name !== null) this.producers.set(name, node)
      for (const name of new Set(node.inputs)) {
        if (name === null) continue
        const list = this.readers.get(name)
        if (list) list.push(node)
        else this.readers.set(name, [node])
      }
    }
  }

  producer(name: ValueName): Node | null {
    return this.producers.get(name) ?? null
  }

  /** The node that reads a value, if one alone does and it is no output of the graph. */
  onlyReader(name: ValueName): Node | null {
    const readers = this.readers.get(name) ?? []
    return readers.length === 1 && !this.graph.outputs.includes(name) ? readers[0] : null
  }

  standsBetweenPairs(node: Node): boolean {
    const reads = (name: ValueName | null): boolean => {
      const producer = name === null ? null : this.producer(name)
      return producer !== null && isDequantize(producer)
    }
    return node.inputs.some(reads)
  }

  /** What a DequantizeLinear behind `name` reads; null where there is none, or its scales are not constant, or are per block. */
  operand(name: ValueName): Promise<Operand | null> {
    const known = this.operands.get(name) ?? this.readOperand(name)
    this.operands.set(name, known)
    return known
  }

  private async readOperand(name: ValueName): Promise<Operand | null> {
    const node = this.producer(name)
    if (!node || !isDequantize(node)) return null
    const params = await this.params(node)
    const codes = node.inputs[0]
    if (!params || codes === null) return null
    const tensor = this.constant(codes)
    return { codes, ...params, constant: tensor ? await readCodes(tensor, this.bytes) : null }
  }

  async params(node: Node): Promise<Params | null> {
    const [codes, scaleName, zeroName] = isDequantize(node) ? node.inputs : [node.outputs[0], ...node.inputs.slice(1)]
    const scaleTensor = this.constant(scaleName ?? null)
    const zeroTensor = zeroName == null ? null : this.constant(zeroName)
    if (scaleTensor?.dtype !== 'float32' || scaleTensor.shape.length > 1) return null
    if (zeroName != null && !zeroTensor) return null
    if (attrInt(node, 'block_size', 0) > 0) return null
    const scale = await readFloats(this.bytes, scaleTensor)
    const zeros = zeroTensor
      ? Int32Array.from((await readCodes(zeroTensor, this.bytes)).data as Int8Array, Number)
      : null
    const value = codes == null ? undefined : this.graph.values.get(codes)
    const dtype = zeroTensor?.dtype ?? value?.data?.dtype ?? value?.dtype ?? 'uint8'
    const rank = value?.shape?.length ?? value?.data?.shape.length ?? null
    const axis = attrInt(node, 'axis', 1)
    return {
      dtype,
      scale: new Float32Array(scale),
      zeroPoint: zeros && zeros.length > 0 ? zeros : new Int32Array(scale.length),
      axis: scale.length > 1 ? (axis < 0 && rank !== null ? axis + rank : axis) : null,
    }
  }

  /** The tensor of an initializer that nobody may override. */
  private constant(name: ValueName | null): Tensor | null {
    return name === null || this.graph.inputs.includes(name) ? null : (this.graph.values.get(name)?.data ?? null)
  }
}
