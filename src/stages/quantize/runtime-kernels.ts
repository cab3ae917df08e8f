// Weight-only layers as ONNX Runtime's own operators, which hold codes and scales as they are and never a restored matrix. Its optimiser
// makes them of DequantizeLinear and MatMul by itself, but not where it has made a Gemm of MatMul and Add first, not of Gather, and
// always with activations rounded to int8; so they are written out where a recipe asks for one of these forms:
//
//   nbits     MatMulNBits in float32 (accuracy_level 1); tables as GatherBlockQuantized
//   dynamic   activations in int8 with scales found at run time: a tensor at a time (DynamicQuantizeLinear, MatMulInteger) beside
//             weights of a scale a channel, a block of each row at a time (MatMulNBits, accuracy_level 4) beside weights in blocks
//
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
import { byteLength, onnxCode } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import type { Bytes } from '../../ir/context.ts'
import { type Editor, edit } from '../../ir/edit.ts'
import {
  type Attr,
  attrFloat,
  attrInt,
  type Graph,
  int,
  type Model,
  type Node,
  type ValueName,
} from '../../ir/model.ts'
import { packed, type Tensor, unpacked } from '../../ir/tensor.ts'

export const runtimeForms = ['nbits', 'dynamic'] as const
export type RuntimeForm = (typeof runtimeForms)[number]
export const isRuntimeForm = (form: string | null): form is RuntimeForm => runtimeForms.includes(form as RuntimeForm)

/** A constant behind DequantizeLinear. */
interface Restored {
  node: Node
  codes: Tensor
  scale: Tensor
  zeroPoint: Tensor | null
  bits: number
  /** Elements along the axis that share a scale; null: a scale a channel. */
  block: number | null
  axis: number
}

/** The model with its weight-only layers as operators of the runtime. Names of values stay. */
export async function withRuntimeKernels(model: Model, form: RuntimeForm, bytes: Bytes): Promise<Model> {
  const found: { node: Node; weight: Restored }[] = []
  edit(model.graph, e => {
    for (const node of e.nodes()) {
      const weight = node.domain === '' ? restoredBy(e, node.inputs[node.op === 'Gather' ? 0 : 1] ?? null) : null
      if (weight && fits(node, weight)) found.push({ node, weight })
    }
  })
  if (!found.some(f => f.node.op !== 'Gather'))
    throw new StudioError('bad-recipe', nothingIn(form), { where: { step: 'export' }, hint: forProducts })
  // One weight after another: what is kept of each are its codes as they will be written.
  const changes: Change[] = []
  for (const { node, weight } of found) {
    const read = await readAll(weight, bytes)
    if (node.op === 'Gather') changes.push(gatherBlocks(node, weight, read))
    else if (form === 'dynamic' && weight.block === null && weight.bits === 8 && read.zeroPoint === null)
      changes.push(multiplyIntegers(node, weight, read))
    else changes.push(multiplyBlocks(node, weight, read, form === 'dynamic' ? 4 : 1))
  }
  const graph = edit(model.graph, e => {
    const quantized = new Map<ValueName, Dynamic>()
    for (const change of changes) change(e, quantized)
    for (const { weight } of found) {
      if (!e.node(weight.node.id) || e.consumers(weight.node.outputs[0]!).length > 0) continue
      const names = weight.node.inputs
      e.removeNode(weight.node.id)
      for (const name of names) if (name !== null && e.consumers(name).length === 0) e.dropValue(name)
    }
  })
  return { ...model, graph, opsets: { ...model.opsets, 'com.microsoft': 1 } }
}

export const nothingIn = (form: RuntimeForm): string => `No layer can be written in the form ${form}`
export const forProducts =
  'It is for matrix products of 4 or 8 bits whose activations stay in float: "activations": "float32".'

/** Whether a model in floats has what these forms are for. */
export const hasProducts = ({ nodes, values, inputs }: Graph): boolean =>
  nodes.some(node => {
    const weight = node.inputs[1]
    const constant = weight && !inputs.includes(weight) ? values.get(weight)?.data : null
    return constant?.shape.length === 2 && (node.op === 'MatMul' || (node.op === 'Gemm' && isPlain(node)))
  })

/** What is done to the graph for one layer; `quantized` holds inputs that have their codes already. */
type Change = (e: Editor, quantized: Map<ValueName, Dynamic>) => void

function restoredBy(e: Editor, name: ValueName | null): Restored | null {
  const node = name === null ? null : e.producer(name)
  if (node?.op !== 'DequantizeLinear') return null
  const [codes, scale, zeroPoint] = [0, 1, 2].map(i => e.constant(node.inputs[i] ?? null))
  const bits = codes && /^u?int([48])$/.exec(codes.dtype)
  if (!codes || !bits || !scale || codes.shape.length !== 2 || scale.shape.length === 0) return null
  const block = attrInt(node, 'block_size', 0)
  return {
    node,
    codes,
    scale,
    zeroPoint,
    bits: Number(bits[1]),
    block: block > 0 ? block : null,
    axis: attrInt(node, 'axis', 1),
  }
}

/** Whether scales lie as the operators want them: along the columns, or in blocks down them; of tables along the rows. */
function fits(node: Node, { axis, block }: Restored): boolean {
  if (node.op === 'Gather') return attrInt(node, 'axis', 0) === 0 && axis === (block === null ? 0 : 1)
  if (node.op === 'MatMul') return axis === (block === null ? 1 : 0)
  if (node.op !== 'Gemm' || !isPlain(node)) return false
  const rows = attrInt(node, 'transB', 0) !== 0
  return axis === (block === null ? (rows ? 0 : 1) : rows ? 1 : 0)
}

/** A product and a sum, no more. */
const isPlain = (gemm: Node): boolean =>
  attrInt(gemm, 'transA', 0) === 0 && attrFloat(gemm, 'alpha', 1) === 1 && attrFloat(gemm, 'beta', 1) === 1

/** Codes and scales one an element, the zero points null where all are zero and the type is signed. */
interface Read {
  codes: ArrayLike<number>
  scale: Float32Array
  zeroPoint: ArrayLike<number> | null
}

async function readAll({ codes, scale, zeroPoint }: Restored, bytes: Bytes): Promise<Read> {
  const count = (t: Tensor): number => t.shape.reduce((n, d) => n * d, 1)
  const zeros = zeroPoint && unpacked(zeroPoint.dtype, await bytes.read(zeroPoint), count(zeroPoint))
  const data = await bytes.read(scale)
  return {
    codes: unpacked(codes.dtype, await bytes.read(codes), count(codes)),
    scale: new Float32Array(data.slice().buffer, 0, count(scale)),
    zeroPoint: zeros?.some(z => z !== 0) ? zeros : null,
  }
}

/** A matrix as the operators hold it: each row is what one output is made of, in blocks of a power of two. */
interface Blocks {
  rows: number
  length: number
  size: number
  codes: Uint8Array // rows of whole blocks, unsigned, padded with the zero point
  scale: Float32Array
  zeroPoint: Uint8Array
}

/** `byRow`: the matrix lies with an output's weights in a row (tables, transposed B). */
function blocksOf(weight: Restored, { codes, scale, zeroPoint }: Read, byRow: boolean): Blocks {
  const [first, second] = weight.codes.shape
  const [rows, length] = byRow ? [first, second] : [second, first]
  const size = weight.block ?? blockOf(length)
  const count = Math.ceil(length / size)
  const offset = weight.codes.dtype.startsWith('u') ? 0 : weight.bits === 8 ? 128 : 8
  const out = new Uint8Array(rows * count * size)
  const scales = new Float32Array(rows * count)
  const zeros = new Uint8Array(rows * count)
  for (let r = 0; r < rows; r++)
    for (let b = 0; b < count; b++) {
      // Scales lie as the matrix does, with blocks in place of elements, or one an output.
      const at = weight.block === null ? r : byRow ? r * count + b : b * rows + r
      scales[r * count + b] = scale[at]
      const zero = (zeroPoint?.[at] ?? 0) + offset
      zeros[r * count + b] = zero
      const to = (r * count + b) * size
      for (let i = 0; i < size; i++) {
        const k = b * size + i
        out[to + i] = k < length ? codes[byRow ? r * length + k : k * rows + r] + offset : zero
      }
    }
  return { rows, length, size, codes: out, scale: scales, zeroPoint: zeros }
}

// The largest that divides the length, so that no codes are added; scales cost less than that.
function blockOf(length: number): number {
  let size = 16
  while (size < 256 && length % (2 * size) === 0) size *= 2
  return size
}

const middle = (bits: number): number => (bits === 8 ? 128 : 8)

const floatTensor = (shape: readonly number[], data: Float32Array): Tensor => ({
  dtype: 'float32',
  shape,
  data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
})

/** Bytes that hold rows of codes, each row from a new byte on. */
function packedRows(codes: Uint8Array, rows: number, bits: number): Uint8Array {
  if (bits === 8) return codes
  const length = codes.length / rows
  const width = byteLength('uint4', length)
  const data = new Uint8Array(rows * width)
  for (let r = 0; r < rows; r++)
    for (let i = 0; i < length; i++) data[r * width + (i >> 1)] |= codes[r * length + i] << (i & 1 ? 4 : 0)
  return data
}

function multiplyBlocks(node: Node, weight: Restored, read: Read, accuracy: number): Change {
  const byRow = node.op === 'Gemm' && attrInt(node, 'transB', 0) !== 0
  const { rows, length, size, codes, scale, zeroPoint } = blocksOf(weight, read, byRow)
  const { bits } = weight
  const count = scale.length / rows
  const constants: [string, Tensor][] = [
    ['blocks', { dtype: 'uint8', shape: [rows, count, (size * bits) / 8], data: packedRows(codes, rows, bits) }],
    ['block_scale', floatTensor([rows, count], scale)],
  ]
  if (zeroPoint.some(z => z !== middle(bits))) {
    const data = packedRows(zeroPoint, rows, bits)
    constants.push(['block_zero', { dtype: 'uint8', shape: [rows, data.length / rows], data }])
  }
  const attrs: [string, Attr][] = [
    ['K', int(length)],
    ['N', int(rows)],
    ['bits', int(bits)],
    ['block_size', int(size)],
    ['accuracy_level', int(accuracy)],
  ]
  return e => {
    const inputs = [node.inputs[0], ...constants.map(([part, tensor]) => addPart(e, weight, part, tensor))]
    replace(e, node, { op: 'MatMulNBits', domain: 'com.microsoft', inputs, attrs })
  }
}

/** An initializer named after the weight. */
const addPart = (e: Editor, weight: Restored, part: string, tensor: Tensor): ValueName =>
  e.addInitializer(`${weight.node.inputs[0]!.replace(/_q$/, '')}_${part}`, tensor)

/** A product in place of a node; a Gemm's third input is added behind it. */
function replace(
  e: Editor,
  node: Node,
  by: { op: string; domain: string; inputs: readonly (ValueName | null)[]; attrs: readonly [string, Attr][] },
): void {
  const attrs = new Map(by.attrs)
  const bias = node.op === 'Gemm' ? (node.inputs[2] ?? null) : null
  if (bias === null) {
    e.updateNode(node.id, { ...by, attrs })
    return
  }
  const product = e.freshName(`${node.outputs[0]}_product`)
  e.addNode({ ...by, outputs: [product], origin: node.origin })
  e.updateNode(node.id, { op: 'Add', inputs: [product, bias], attrs: new Map() })
}

function gatherBlocks(node: Node, weight: Restored, read: Read): Change {
  const { bits } = weight
  const [count, width] = weight.codes.shape
  let size = weight.block
  if (size === null) for (size = 16; size < width; ) size *= 2
  const offset = weight.codes.dtype.startsWith('u') ? 0 : middle(bits)
  const codes = Uint8Array.from(read.codes, q => q + offset)
  const blocks = read.scale.length / count
  const rows: Tensor = { dtype: 'uint8', shape: [count, (width * bits) / 8], data: packedRows(codes, count, bits) }
  const constants: [string, Tensor][] = [['row_scale', floatTensor([count, blocks], read.scale)]]
  // The default is the middle.
  const zero = read.zeroPoint
  if (zero || offset === 0) {
    const zeros = Uint8Array.from({ length: read.scale.length }, (_, i) => (zero?.[i] ?? 0) + offset)
    const data = packedRows(zeros, count, bits)
    constants.push(['row_zero', { dtype: 'uint8', shape: [count, data.length / count], data }])
  }
  const attrs: [string, Attr][] = [
    ['bits', int(bits)],
    ['block_size', int(size)],
    ['gather_axis', int(0)],
    ['quantize_axis', int(1)],
  ]
  return e => {
    const table = addPart(e, weight, 'rows', rows)
    const inputs = [table, node.inputs[1], ...constants.map(([part, tensor]) => addPart(e, weight, part, tensor))]
    e.updateNode(node.id, { op: 'GatherBlockQuantized', domain: 'com.microsoft', inputs, attrs: new Map(attrs) })
  }
}

interface Dynamic {
  codes: ValueName
  scale: ValueName
  zeroPoint: ValueName
}

/**
 * y = (xq - xz) Wq * (xs * ws), xq by DynamicQuantizeLinear: the runtime makes one kernel of all of it (DynamicQuantizeMatMul).
 * https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html
 */
function multiplyIntegers(node: Node, weight: Restored, read: Read): Change {
  const x = node.inputs[0]!
  const byRow = node.op === 'Gemm' && attrInt(node, 'transB', 0) !== 0
  const [first, second] = weight.codes.shape
  const [rows, columns] = byRow ? [second, first] : [first, second]
  const codes = byRow
    ? Int8Array.from({ length: rows * columns }, (_, i) => read.codes[(i % columns) * rows + Math.floor(i / columns)])
    : read.codes
  const matrix = packed('int8', [rows, columns], codes)
  const scales = floatTensor([columns], read.scale)
  return (e, quantized) => {
    const step = (op: string, inputs: ValueName[], part: string, attrs: [string, Attr][] = []): ValueName => {
      const output = e.freshName(`${node.outputs[0]}_${part}`)
      e.addNode({ op, inputs, outputs: [output], attrs, origin: node.origin })
      return output
    }
    let input = quantized.get(x)
    if (!input) {
      const [codes, scale, zeroPoint] = ['q', 'scale', 'zero'].map(part => e.freshName(`${x}_${part}`))
      input = { codes, scale, zeroPoint }
      quantized.set(x, input)
      e.addNode({ op: 'DynamicQuantizeLinear', inputs: [x], outputs: [codes, scale, zeroPoint], origin: [] })
    }
    const sums = step('MatMulInteger', [input.codes, addPart(e, weight, 'int8', matrix), input.zeroPoint], 'sums')
    const reals = step('Cast', [sums], 'reals', [['to', int(onnxCode('float32'))]])
    const unit = step('Mul', [input.scale, addPart(e, weight, 'scales', scales)], 'unit')
    replace(e, node, { op: 'Mul', domain: '', inputs: [reals, unit], attrs: [] })
  }
}
