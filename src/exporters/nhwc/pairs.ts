// The QuantizeLinear and DequantizeLinear nodes of a graph as kernels see them: which operator has codes on all sides.
import type { DType } from '../../base/dtype.ts'
import { viewAs } from '../../base/dtype.ts'
import { attrInt, type Graph, type Model, type Node, type ValueName } from '../../ir/model.ts'
import { isSlice, type Tensor, unpacked } from '../../ir/tensor.ts'
import { outputBounds } from '../../ops/bounds.ts'
import type { Fused } from './types.ts'

/** Scales of a QuantizeLinear or DequantizeLinear: one, or one for each index of `axis`. */
export interface Params {
  dtype: DType
  scale: readonly number[]
  zeroPoint: readonly number[]
  axis: number
}

export interface Operand extends Params {
  codes: ValueName
  constant: Tensor | null
}

export interface Unit {
  /** By position of the node's inputs; null where one is absent or holds no data. */
  inputs: readonly (Operand | null)[]
  fused: Fused
  /** What follows the node and is part of it: an activation function, QuantizeLinear. */
  parts: readonly Node[]
  /** What leaves the kernel. */
  output: ValueName
  params: Params
}

export const isQuantize = (node: Node): boolean => node.op === 'QuantizeLinear'
export const isDequantize = (node: Node): boolean => node.op === 'DequantizeLinear'

/** Looks around in a graph. `read` gives a constant's bytes. */
export class Pairs {
  readonly graph: Graph
  private readonly producers = new Map<ValueName, Node>()
  private readonly readers = new Map<ValueName, Node[]>()

  constructor(
    readonly model: Model,
    private readonly read: (tensor: Tensor) => Uint8Array,
  ) {
    this.graph = model.graph
    for (const node of this.graph.nodes) {
      for (const name of node.outputs) if (name !== null) this.producers.set(name, node)
      for (const name of new Set(node.inputs))
        if (name !== null) this.readers.set(name, [...(this.readers.get(name) ?? []), node])
    }
  }

  producer = (name: ValueName): Node | null => this.producers.get(name) ?? null
  readersOf = (name: ValueName): readonly Node[] => this.readers.get(name) ?? []

  /** The tensor of a value that nobody may override. */
  constant = (name: ValueName | null | undefined): Tensor | null =>
    name == null || this.graph.inputs.includes(name) ? null : (this.graph.values.get(name)?.data ?? null)

  bytesOf = (tensor: Tensor): Uint8Array => (isSlice(tensor.data) ? this.read(tensor) : tensor.data)

  /** The node that reads a value, if one alone does and it is no output of the graph. */
  onlyReader(name: ValueName): Node | null {
    const readers = this.readersOf(name)
    return readers.length === 1 && !this.graph.outputs.includes(name) ? readers[0] : null
  }

  params(node: Node): Params | null {
    const [scale, zero] = node.inputs.slice(1, 3).map(name => this.constant(name))
    if (scale?.dtype !== 'float32' || scale.shape.length > 1 || attrInt(node, 'block_size', 0) > 0) return null
    if (node.inputs[2] != null && !zero) return null
    const scales = Array.from(viewAs('float32', this.bytesOf(scale)) as Float32Array)
    const codes = isDequantize(node) ? node.inputs[0]! : node.outputs[0]!
    const dtype = zero?.dtype ?? this.constant(codes)?.dtype ?? this.graph.values.get(codes)?.dtype ?? 'uint8'
    const zeros = zero ? this.numbersOf(zero) : scales.map(() => 0)
    const rank = this.graph.values.get(codes)?.shape?.length ?? 0
    const axis = attrInt(node, 'axis', 1)
    return { ...signed(dtype, zeros), scale: scales, axis: scales.length === 1 ? 0 : axis < 0 ? axis + rank : axis }
  }

  floatsOf = (tensor: Tensor): Float32Array => viewAs('float32', this.bytesOf(tensor)) as Float32Array

  /** Whole numbers of a constant. */
  numbersOf = (tensor: Tensor): number[] =>
    Array.from(
      unpacked(
        tensor.dtype,
        this.bytesOf(tensor),
        tensor.shape.reduce((n, d) => n * d, 1),
      ),
      Number,
    )

  /** What a DequantizeLinear behind `name` reads. */
  operand(name: ValueName): Operand | null {
    const node = this.producer(name)
    const params = node && isDequantize(node) ? this.params(node) : null
    const codes = node?.inputs[0]
    return params && codes != null ? { codes, ...params, constant: this.constant(codes) } : null
  }

  /** An activation function that is part of the kernel before it; null where the kernels know none like it. */
  fusedOf(node: Node): Fused | null {
    const bounds = outputBounds(node, this.graph)
    if (bounds?.min === 0 && bounds.max === Number.POSITIVE_INFINITY) return 'relu'
    if (bounds?.min === 0 && bounds.max === 6) return 'relu6'
    return bounds?.min === -1 && bounds.max === 1 ? 'relu_n1_to_1' : null
  }

  /** 'none' where the codes reach no further than the bounds of an activation function that the kernels do not know. */
  private unbounded(node: Node, { dtype, scale, zeroPoint }: Params): Fused | null {
    const bounds = outputBounds(node, this.graph)
    const code = (x: number): number => zeroPoint[0] + Math.sign(x) * Math.round(Math.abs(Math.fround(x / scale[0])))
    const [low, high] = dtype === 'int16' ? [-32768, 32767] : [-128, 127]
    return bounds && code(bounds.min) <= low && code(bounds.max) >= high ? 'none' : null
  }

  /**
   * The kernel around a node whose data inputs are at `data` (null: all); null where codes are not on all its sides. Unless inputs are
   * `alike`, the first one is computed.
   */
  unit(node: Node, data: readonly number[] | null, alike = false): Unit | null {
    if (node.outputs.filter(o => o !== null).length !== 1) return null
    const inputs = node.inputs.map((name, i) =>
      name !== null && (data?.includes(i) ?? true) ? this.operand(name) : undefined,
    )
    const isData = (i: number): boolean => node.inputs[i] !== null && (data?.includes(i) ?? true)
    if (inputs.some((operand, i) => operand === null && isData(i))) return null
    if ((alike ? inputs : inputs.slice(0, 1)).every(operand => !operand || operand.constant)) return null
    const next = this.onlyReader(node.outputs[0]!)
    const activation = next && (next.op === 'Relu' || next.op === 'Clip') ? next : null
    const last = activation ? this.onlyReader(activation.outputs[0]!) : next
    const params = last && isQuantize(last) ? this.params(last) : null
    if (!last || !params || params.scale.length > 1) return null
    const fused = activation ? (this.fusedOf(activation) ?? this.unbounded(activation, params)) : 'none'
    if (!fused) return null
    return {
      inputs: inputs.map(operand => operand ?? null),
      fused,
      parts: activation ? [activation, last] : [last],
      output: last.outputs[0]!,
      params,
    }
  }
}

/** The kernels have signed codes: unsigned ones are the same numbers, counted from the middle. */
function signed(dtype: DType, zeroPoint: readonly number[]): Pick<Params, 'dtype' | 'zeroPoint'> {
  return dtype === 'uint8' ? { dtype: 'int8', zeroPoint: zeroPoint.map(z => z - 128) } : { dtype, zeroPoint }
}
