// One node of the graph while it becomes OpenVINO layers: what a lowering may ask of it and make in its place. float16 is computed in
// float32, as a runtime chooses for itself; its constants stay half as large behind a Convert.
import { bytesOf, type DType, dtypeOfOnnx } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { elementOf } from '../../formats/openvino.ts'
import type { Dim, Graph, Node, ValueName } from '../../ir/model.ts'
import { int64s, type Tensor } from '../../ir/tensor.ts'
import { NodeReader } from '../node-reader.ts'
import type { Change, Data, NetBuilder, Output, Port } from './net.ts'

export interface Writing {
  readonly graph: Graph
  readonly opset: number
  readonly net: NetBuilder
  /** Numbers of initializers that lowerings may look at. */
  readonly numbers: ReadonlyMap<ValueName, readonly number[]>
  readonly producers: ReadonlyMap<ValueName, Node>
  readonly ports: Map<ValueName, Port>
  /** Writes what a DequantizeLinear of a constant gives, when it is read. */
  readonly unpack: (maker: Node) => Port
}

export type Lowering = (n: NodeWriter) => void

/** In float32 where it is in float16. */
export const computed = (dtype: DType): DType => (dtype === 'float16' ? 'float32' : dtype)

export class NodeWriter extends NodeReader {
  readonly writing: Writing
  constructor(node: Node, writing: Writing) {
    super(node)
    this.writing = writing
  }

  get opset(): number {
    return this.writing.opset
  }
  port(input: number): Port {
    return portOf(this.name(input), this.writing)
  }
  /** Dimensions of an input; its rank must be known. */
  dims(input: number): readonly Dim[] {
    const name = this.name(input)
    const { ports, graph } = this.writing
    const dims = ports.get(name)?.dims ?? graph.values.get(name)?.shape
    return dims ?? this.refuse(`the rank of its input ${name} is not known`)
  }
  rank(input: number): number {
    return this.dims(input).length
  }
  /** The tensor behind an input, where it is a constant. */
  tensor(input: number): Tensor | null {
    const name = this.node.inputs[input]
    return name == null || this.writing.graph.inputs.includes(name)
      ? null
      : (this.writing.graph.values.get(name)?.data ?? null)
  }
  numbers(input: number): readonly number[] | null {
    return this.tensor(input) && (this.writing.numbers.get(this.name(input)) ?? null)
  }
  used(output: number): boolean {
    const name = this.node.outputs[output]
    return (
      name != null &&
      (this.writing.graph.outputs.includes(name) || this.writing.graph.nodes.some(n => n.inputs.includes(name)))
    )
  }

  /** What is declared or inferred of an output. */
  output(index: number): Output {
    const name = this.node.outputs[index]
    const value = name == null ? undefined : this.writing.graph.values.get(name)
    return { dtype: computed(value?.dtype ?? this.likelyDtype()), dims: value?.shape ?? null }
  }
  private likelyDtype(): DType {
    const [first] = this.node.inputs
    return (first != null && this.writing.ports.get(first)?.dtype) || 'float32'
  }

  /** A constant of its own. */
  constant(tensor: Tensor): Port {
    return this.writing.net.constant(`${this.node.id}/constant`, tensor)
  }
  whole(values: readonly number[] | number): Port {
    return typeof values === 'number' ? this.constant(int64s([values], [])) : this.constant(int64s(values))
  }
  real(values: readonly number[] | number, shape?: readonly number[]): Port {
    const list = typeof values === 'number' ? [values] : values
    return this.constant({
      dtype: 'float32',
      shape: shape ?? (typeof values === 'number' ? [] : [list.length]),
      data: bytesOf(Float32Array.from(list)),
    })
  }
  /** A layer on the way, with one output. */
  layer(type: string, inputs: readonly Port[], data?: Data, version?: number, output: Partial<Output> = {}): Port {
    const name = `${this.node.id}/${type}`
    const outputs = [{ dtype: inputs[0]?.dtype ?? 'float32', dims: inputs[0]?.dims ?? null, ...output }]
    return this.writing.net.layer({ name, type, version, data, inputs, outputs })[0]
  }
  /** The layer that makes the node's outputs, of types and shapes other than those inferred where they are given. */
  give(type: string, inputs: readonly Port[], data?: Data, version?: number, given?: readonly Output[]): void {
    const outputs = given ?? this.node.outputs.map((_, i) => this.output(i))
    const ports = this.writing.net.layer({ name: this.node.id, type, version, data, inputs, outputs })
    for (const [i, port] of ports.entries()) this.set(port, i)
  }
  /** An output is what a port already gives. */
  set(port: Port, output = 0): void {
    const name = this.node.outputs[output]
    if (name == null) return
    this.writing.ports.set(name, port)
    // An output in float16 is known by its name only once it has been converted.
    if (this.writing.graph.values.get(name)?.dtype !== 'float16') this.writing.net.call(port, name)
  }
  reshaped(port: Port, shape: readonly number[]): Port {
    return this.layer('Reshape', [port, this.whole(shape)], { special_zero: false }, 1, { dims: shape })
  }
  /** An input with ones put before its dimensions, to a rank. */
  widened(input: number, rank: number, after = 0): Port {
    const dims = this.dims(input)
    const shape = [
      ...new Array<number>(Math.max(0, rank - dims.length - after)).fill(1),
      ...dims,
      ...new Array<number>(after).fill(1),
    ]
    const tensor = this.tensor(input)
    if (tensor) return constantOf(this.name(input), tensor, this.writing, shape as number[])
    const axes = shape.flatMap((_, i) => (i < rank - dims.length - after || i >= rank - after ? [i] : []))
    return axes.length === 0
      ? this.port(input)
      : this.layer('Unsqueeze', [this.port(input), this.whole(axes)], {}, 1, { dims: shape })
  }
  refuse(why: string, fix = 'Write the model for another target, or leave this part out of it.'): never {
    throw new StudioError('unsupported', `${this.node.op} (${this.node.id}) cannot be written for OpenVINO: ${why}`, {
      where: { node: this.node.id },
      hint: fix,
    })
  }
}

/** The layer output that a value is; constants become layers when they are first read. */
export function portOf(name: ValueName, writing: Writing): Port {
  const known = writing.ports.get(name)
  if (known) return known
  const tensor = writing.graph.values.get(name)?.data
  const maker = writing.producers.get(name)
  if (!tensor && maker?.op === 'DequantizeLinear') {
    const port = writing.unpack(maker)
    writing.ports.set(name, port)
    return port
  }
  if (!tensor)
    throw new StudioError('invalid-graph', `No node gives ${name}`, {
      where: { value: name },
      hint: 'Check the model and export it again.',
    })
  const port = constantOf(name, tensor, writing, tensor.shape)
  writing.ports.set(name, port)
  return port
}

/** A constant in a shape of its own; half floats are unpacked. */
export function constantOf(
  name: string,
  tensor: Tensor,
  { net }: Pick<Writing, 'net'>,
  shape: readonly number[] = tensor.shape,
  change: Change | null = null,
): Port {
  if (elementOf(tensor.dtype) === null)
    throw new StudioError('unsupported', `OpenVINO has no constants of ${tensor.dtype}, as ${name} is`, {
      where: { value: name },
      hint: 'Choose another format for the weights.',
    })
  const port = net.constant(name, tensor, shape, change)
  if (tensor.dtype !== 'float16') return port
  return unpacked(`${name}/unpacked`, port, net)
}

/** As float32. */
export function unpacked(name: string, port: Port, net: NetBuilder): Port {
  const outputs = [{ dtype: 'float32' as const, dims: port.dims }]
  return net.layer({
    name,
    type: 'Convert',
    data: { destination_type: 'f32' },
    inputs: [port],
    outputs,
    decompression: true,
  })[0]
}

/** The type with a number of ONNX, as it is computed. */
export function typeNumbered(n: NodeWriter, code: number): DType {
  const dtype = dtypeOfOnnx(code)
  return dtype === null ? n.refuse(`its type ${code} is not known`) : computed(dtype)
}
