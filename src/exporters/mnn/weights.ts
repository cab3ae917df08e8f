// Weights as MNN keeps them: a matrix [outputs, elements of a filter] in floats, halves, or codes with a scale a row or block.
import { bytesOf, viewAs } from '../../base/dtype.ts'
import { fromHalf, toHalf } from '../../base/half.ts'
import type { PartOf } from '../../formats/flatbuffer.ts'
import type { convolution2D } from '../../formats/mnn-schema.ts'
import { packWeights } from '../../formats/mnn-weights.ts'
import { attrInt, type Node, type ValueName } from '../../ir/model.ts'
import { elements, unpacked } from '../../ir/tensor.ts'
import { constantOf, type Lowering, refuse } from './context.ts'

type Weights = Partial<Pick<PartOf<typeof convolution2D>, 'weight' | 'quanParameter'>>

/** `transpose`: the graph has [elements, outputs], as MatMul wants it. */
export interface Matrix {
  rows: number
  transpose: boolean
}

/** The weights of a node as the parameters of a convolution; null where they are not constant. */
export async function weightsOf(
  lowering: Lowering,
  node: Node,
  name: ValueName,
  matrix: Matrix,
): Promise<Weights | null> {
  const quantized = lowering.producer.get(name)
  if (quantized?.op === 'DequantizeLinear') return codesOf(lowering, node, quantized, matrix)
  const tensor = constantOf(lowering, quantized?.op === 'Cast' ? quantized.inputs[0] : name)
  if (!tensor || (tensor.dtype !== 'float32' && tensor.dtype !== 'float16')) return null
  const view = viewAs(tensor.dtype, await lowering.bytes.read(tensor))
  const values = tensor.dtype === 'float16' ? Float32Array.from(view as Uint16Array, fromHalf) : (view as Float32Array)
  const ordered = inRows(values, matrix)
  if (!lowering.halves) return { weight: ordered }
  const halves = bytesOf(Uint16Array.from(ordered, toHalf))
  return { quanParameter: { type: 3, buffer: new Int8Array(halves.buffer, halves.byteOffset, halves.byteLength) } }
}

/** Elements in rows of one output each. */
function inRows<T extends Float32Array | Int8Array>(values: T, { rows, transpose }: Matrix): T {
  if (!transpose) return values
  const columns = values.length / rows
  const turned = values.slice() as T
  for (let c = 0; c < columns; c++) for (let r = 0; r < rows; r++) turned[r * columns + c] = values[c * rows + r]
  return turned
}

async function codesOf(lowering: Lowering, node: Node, quantized: Node, matrix: Matrix): Promise<Weights | null> {
  const [codes, scale, zero] = quantized.inputs.map(name => constantOf(lowering, name))
  if (!codes || !scale) return null
  const { dtype } = codes
  const bits = dtype === 'int4' || dtype === 'uint4' ? 4 : dtype === 'int8' || dtype === 'uint8' ? 8 : 0
  if (bits === 0) throw refuse(node, `has weights of ${dtype}`, 'Use weights of int8 or int4.')
  const { rows } = matrix
  const count = elements(codes)
  const read = async (tensor: typeof codes) =>
    unpacked(tensor.dtype, await lowering.bytes.read(tensor), elements(tensor))
  // MNN's codes are signed.
  const middle = dtype.startsWith('u') ? 1 << (bits - 1) : 0
  const stored = Int8Array.from(await read(codes), code => code - middle)
  const reals = viewAs('float32', await lowering.bytes.read(scale)) as Float32Array
  const zeros = zero ? Array.from(await read(zero), z => z - middle) : []
  const axis = (attrInt(quantized, 'axis', 1) + codes.shape.length) % codes.shape.length
  const blocks = blocksOf(codes.shape, scale.shape, axis, matrix)
  if (blocks === null) throw refuse(node, `has scales along axis ${axis}`, 'Use scales per tensor or output channel.')
  // Parameters in the order of the codes: row by row, block by block.
  const order = Array.from({ length: rows * blocks }, (_, i) => {
    if (reals.length === 1) return 0
    return matrix.transpose ? (i % blocks) * rows + Math.floor(i / blocks) : i
  })
  const alpha = order.map(i => reals[i])
  const offsets = order.map(i => zeros[zeros.length === 1 ? 0 : i] ?? 0)
  const { buffer, shapeInt32 } = packWeights(inRows(stored, matrix), rows, bits)
  const common = { type: 1, buffer, quantScale: 1, aMaxOrBits: bits, shapeInt32: Number(shapeInt32) }
  if (count % (rows * blocks) !== 0)
    throw refuse(node, 'has rows that are no whole number of blocks', 'Use scales per output channel.')
  if (offsets.every(z => z === 0)) return { quanParameter: { ...common, alpha: Float32Array.from(alpha) } }
  // The smallest code's value and the scale, in turn.
  const smallest = -(1 << (bits - 1))
  const pairs = alpha.flatMap((s, i) => [(smallest - offsets[i]) * s, s])
  return { quanParameter: { ...common, alpha: Float32Array.from(pairs), aMin: smallest, readType: rows } }
}

/** Scales a row: 1 by tensor or by row, more by block; null where they lie otherwise. */
function blocksOf(
  codes: readonly number[],
  scale: readonly number[],
  axis: number,
  { rows, transpose }: Matrix,
): number | null {
  const scales = scale.reduce((n, d) => n * d, 1)
  if (scales === 1) return 1
  const outputAxis = transpose ? codes.length - 1 : 0
  if (scale.length === 1) return axis === outputAxis && scales === rows ? 1 : null
  if (codes.length !== 2 || axis === outputAxis) return null
  return scales / rows
}
