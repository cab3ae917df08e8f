// QuantizeLinear and DequantizeLinear as OpenVINO has them: FakeQuantize for activations, and for weights their codes behind Convert,
// Subtract and Multiply.
//
// https://docs.openvino.ai/2026/openvino-workflow/model-optimization-guide/quantizing-models-post-training.html, "Model Representation".
import { bitsOf, bytesOf, type DType } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { attrInt, type Node, type ValueName } from '../../ir/model.ts'
import { int64s, packed, permutedBytes, type Tensor, transposed } from '../../ir/tensor.ts'
import type { Data, Port } from './net.ts'
import { constantOf, type Lowering, type NodeWriter, type Writing } from './node.ts'

const numpy = { auto_broadcast: 'numpy' }
const isInteger = (dtype: DType): boolean => /^u?int(4|8|16)$/.test(dtype)

/** Codes are only ever seen through the pair's other half. */
export const quantize: Lowering = n => {
  const { graph } = n.writing
  const codes = n.node.outputs[0]!
  const readers = graph.nodes.filter(node => node.inputs.includes(codes))
  const zero = n.has(2) ? n.tensor(2) : null
  const dtype = zero?.dtype ?? 'uint8'
  if (graph.outputs.includes(codes) || readers.some(node => node.op !== 'DequantizeLinear'))
    n.refuse('its codes are read by what is no DequantizeLinear')
  if (!isInteger(dtype)) n.refuse(`it quantises to ${dtype}`)
  if (n.int('block_size', 0) !== 0) n.refuse('it has a scale for each block')
  const scale = n.must(1, 'scale')
  const zeros = zero ? n.must(2, 'zero point') : [0]
  const bits = bitsOf(dtype)
  const lowest = dtype.startsWith('u') ? 0 : -(1 << (bits - 1))
  const highest = lowest + (1 << bits) - 1
  const rank = scale.length === 1 ? 0 : n.rank(0)
  const axis = attrInt(n.node, 'axis', 1)
  const shape = Array.from({ length: rank }, (_, i) => (i === (axis < 0 ? axis + rank : axis) ? scale.length : 1))
  const bound = (code: number): Port =>
    n.real(
      scale.map((s, i) => (code - zeros[i % zeros.length]) * s),
      shape,
    )
  const [low, high] = [bound(lowest), bound(highest)]
  const [port] = n.writing.net.layer({
    name: n.node.id,
    type: 'FakeQuantize',
    data: { levels: 1 << bits, ...numpy },
    inputs: [n.port(0), low, high, low, high],
    outputs: [{ dtype: n.port(0).dtype, dims: n.port(0).dims }],
  })
  // It gives no codes, but what the other half of the pair makes of them: that has the name.
  n.writing.ports.set(codes, port)
}

/** What a FakeQuantize gives already; or codes unpacked. */
export const dequantize: Lowering = n => {
  const maker = n.writing.producers.get(n.name(0))
  if (maker?.op === 'QuantizeLinear') {
    if (maker.inputs[1] !== n.node.inputs[1] && !same(n, maker))
      n.refuse('it has another scale than the QuantizeLinear before it')
    return n.set(n.port(0))
  }
  if (n.tensor(0)) return n.set(n.writing.unpack(n.node))
  const scale = n.real(n.must(1, 'scale'), scaleShape(n, n.dims(0).map(Number)))
  let x = n.layer('Convert', [n.port(0)], { destination_type: 'f32' }, 1, { dtype: 'float32' })
  if (n.has(2))
    x = n.layer('Subtract', [x, n.real(n.must(2, 'zero point'), scaleShape(n, n.dims(0).map(Number)))], numpy)
  n.give('Multiply', [x, scale], numpy)
}

const same = (n: NodeWriter, maker: Node): boolean => {
  const [a, b] = [n.must(1, 'scale'), n.writing.numbers.get(maker.inputs[1]!)]
  return b !== undefined && a.length === b.length && a.every((x, i) => x === b[i])
}

/** The scale's numbers along its axis, ones elsewhere. */
function scaleShape(n: NodeWriter, shape: readonly number[]): readonly number[] {
  const count = n.must(1, 'scale').length
  if (count === 1) return []
  const axis = attrInt(n.node, 'axis', 1)
  const at = axis < 0 ? axis + shape.length : axis
  return shape.map((_, i) => (i === at ? count : 1))
}

/** How a layer wants its weights. */
export type Layout =
  | { kind: 'as is' }
  | { kind: 'groups'; groups: number } // the first axis as [groups, rest]
  | { kind: 'turned' } // [K, N] as [N, K]

/** Weights at an input: unpacked codes, or floats, laid out as wanted. Null where they are no constant. */
export function weightAt(n: NodeWriter, input: number, layout: Layout): Port | null {
  const name = n.name(input)
  const tensor = n.tensor(input)
  if (tensor) {
    if (layout.kind === 'turned') return null
    return layout.kind === 'as is' ? n.port(input) : constantOf(name, tensor, n.writing, laidOut(tensor.shape, layout))
  }
  const maker = n.writing.producers.get(name)
  if (!unpacksConstant(maker, n.writing)) return null
  return layout.kind === 'as is' ? n.port(input) : unpackedCodes(maker, n.writing, layout)
}

/** What a DequantizeLinear of a constant gives, as it is. */
export const unpackedAsIs = (maker: Node, writing: Writing): Port => unpackedCodes(maker, writing, { kind: 'as is' })

/** Whether a node unpacks a constant, which is written where it is read. */
export const unpacksConstant = (node: Node | undefined, { graph }: Pick<Writing, 'graph'>): node is Node =>
  node?.op === 'DequantizeLinear' && graph.values.get(node.inputs[0] ?? '')?.data != null

function laidOut(shape: readonly number[], layout: Layout): readonly number[] {
  if (layout.kind === 'groups') return [layout.groups, shape[0] / layout.groups, ...shape.slice(1)]
  return layout.kind === 'turned' ? [shape[1], shape[0]] : shape
}

/** Shapes of the codes, a blocked axis in two, and of their scales, of the same rank. */
interface Grid {
  codes: readonly number[]
  scale: readonly number[]
}

function gridOf(maker: Node, codes: Tensor, count: number, layout: Layout): Grid {
  const { length: rank } = codes.shape
  const block = attrInt(maker, 'block_size', 0)
  const given = attrInt(maker, 'axis', 1)
  const own = given < 0 ? given + rank : given
  const shape = laidOut(codes.shape, layout)
  const axis = layout.kind === 'turned' ? 1 - own : layout.kind === 'groups' && own > 0 ? own + 1 : own
  if (block === 0) {
    if (count === 1) return { codes: shape, scale: [] }
    // Each group has channels of its own.
    const last = layout.kind === 'groups' && own === 0 ? 1 : axis
    return { codes: shape, scale: shape.map((n, i) => (i >= axis && i <= last ? n : 1)) }
  }
  const split = (inner: number): number[] => shape.flatMap((n, i) => (i === axis ? [n / block, inner] : [n]))
  return { codes: split(block), scale: split(1) }
}

function unpackedCodes(maker: Node, { graph, net, numbers }: Writing, layout: Layout): Port {
  const name = maker.outputs[0]!
  const [codesName, scaleName, zeroName] = maker.inputs
  const codes = graph.values.get(codesName!)!.data!
  const parameters = (of: ValueName): number[] => {
    const tensor = graph.values.get(of)?.data
    const list = numbers.get(of)
    if (!tensor || !list) throw computedScale(maker)
    if (layout.kind !== 'turned' || tensor.shape.length !== 2) return [...list]
    const rows = { dtype: 'float64' as const, shape: tensor.shape, data: Float64Array.from(list) }
    return Array.from(transposed(rows, [1, 0]).data, Number)
  }
  const scales = parameters(scaleName!)
  const zeros = zeroName == null ? null : parameters(zeroName)
  const shape = laidOut(codes.shape, layout)
  const grid = gridOf(maker, codes, scales.length, layout)
  const layer = (type: string, inputs: readonly Port[], data: Data, dims: readonly number[]): Port => {
    const outputs = [{ dtype: 'float32' as const, dims }]
    return net.layer({ name: `${name}/${type}`, type, data, inputs, outputs })[0]
  }
  const turn =
    layout.kind === 'turned' ? (bytes: Uint8Array) => permutedBytes(codes.dtype, bytes, codes.shape, [1, 0]) : null
  let x = layer('Convert', [net.constant(codesName!, codes, grid.codes, turn)], { destination_type: 'f32' }, grid.codes)
  if (zeros?.some(zero => zero !== 0)) {
    const constant = net.constant(zeroName!, packed(codes.dtype, grid.scale, zeros))
    const wide = layer('Convert', [constant], { destination_type: 'f32' }, grid.scale)
    x = layer('Subtract', [x, wide], numpy, grid.codes)
  }
  const scale = net.constant(scaleName!, {
    dtype: 'float32',
    shape: grid.scale,
    data: bytesOf(Float32Array.from(scales)),
  })
  x = layer('Multiply', [x, scale], numpy, grid.codes)
  if (grid.codes.length === shape.length) return x
  return layer('Reshape', [x, net.constant(`${name}/shape`, int64s(shape))], { special_zero: false }, shape)
}

const computedScale = (maker: Node): StudioError =>
  new StudioError('unsupported', `The scales of ${maker.id} are computed, where OpenVINO wants constants`, {
    where: { node: maker.id },
    hint: 'Quantise the model here, or export it with constant scales.',
  })
