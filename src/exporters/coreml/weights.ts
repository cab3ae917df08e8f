// Constants of a program: floats in the width that is computed with, palettes, and codes of few bits with what unpacks them when the
// model is loaded.
//
// constexpr_affine_dequantize and constexpr_lut_to_dense came with iOS 16, constexpr_blockwise_shift_scale with iOS 18:
// apple/coremltools, converters/mil/mil/ops/defs/iOS16/constexpr_ops.py and iOS18/compression.py.
import { bytesOf, type DType, elementCount, isFloat, viewAs } from '../../base/dtype.ts'
import { fromBfloat16, fromHalf, toHalf } from '../../base/half.ts'
import type { MilDType } from '../../formats/coreml.ts'
import { attrInt, type Node, type ValueName } from '../../ir/model.ts'
import { packed, permutedBytes, type Tensor, unpacked } from '../../ir/tensor.ts'
import { contentOf } from '../../ops/content.ts'
import { Refused } from '../graph-view.ts'
import { type Attribute, int, type Val } from './program.ts'
import { milType, type Writing, withinHalf } from './writing.ts'

// As coremltools does: shorter ones stand in the program.
const smallest = 10

/** A constant; `turned`: [K, N] as [N, K]. */
export function constantVal(name: ValueName, tensor: Tensor, writing: Writing, turned = false): Val {
  const dtype = milType(name, writing)
  const shape = turned ? tensor.shape.toReversed() : tensor.shape
  if (elementCount(shape) === 0) throw new Refused(`${name} has no elements`, 'Optimise the model first.')
  const palette = writing.palettes.get(name)
  if (palette) return paletteVal(name, tensor, palette, writing, turned)
  return writing.program.constant(name, attribute(tensor, dtype, shape, writing, turned))
}

function attribute(
  tensor: Tensor,
  dtype: MilDType,
  shape: readonly number[],
  { read }: Pick<Writing, 'read'>,
  turned = false,
): Attribute {
  // There are no blobs of truth values.
  const small = dtype === 'bool' || (!turned && elementCount(shape) < smallest)
  const numbers = small ? contentOf(tensor) : null
  if (numbers)
    return { dtype, shape, values: dtype === 'bool' ? numbers.map(Boolean) : numbers.map(n => fitted(n, dtype)) }
  if (dtype === 'bool') throw new Refused('a constant of many truth values has no place in the file')
  const turn = turned ? [1, 0] : null
  return {
    dtype: dtype as DType,
    shape,
    read: async () => {
      const bytes = await read(tensor)
      return converted(turn ? permutedBytes(tensor.dtype, bytes, tensor.shape, turn) : bytes, tensor, dtype)
    },
  }
}

const fitted = (value: number, dtype: MilDType): number =>
  dtype === 'float16' ? withinHalf(value) : dtype === 'int32' ? withinInt(value) : value

const withinInt = (value: number): number => Math.min(2147483647, Math.max(-2147483648, value))

/** The numbers of a tensor's bytes. */
export function numbersIn({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>, bytes: Uint8Array): ArrayLike<number> {
  if (/^u?int[24]$/.test(dtype)) return unpacked(dtype, bytes, elementCount(shape))
  const view = viewAs(dtype, bytes)
  if (dtype === 'float16') return Float32Array.from(view as Uint16Array, fromHalf)
  if (dtype === 'bfloat16') return Float32Array.from(view as Uint16Array, fromBfloat16)
  if (dtype === 'int64' || dtype === 'uint64') return Array.from(view as BigInt64Array, Number)
  return view as Float32Array
}

/** Bytes of a tensor in another type. */
function converted(bytes: Uint8Array, tensor: Tensor, dtype: MilDType): Uint8Array {
  if (tensor.dtype === dtype) return bytes
  return bytesAs(numbersIn(tensor, bytes), dtype)
}

function bytesAs(numbers: ArrayLike<number>, dtype: MilDType): Uint8Array {
  if (dtype === 'float16') return bytesOf(Uint16Array.from(numbers, x => toHalf(withinHalf(x))))
  if (dtype === 'float32') return bytesOf(Float32Array.from(numbers))
  if (dtype === 'int32') return bytesOf(Int32Array.from(numbers, withinInt))
  return packed(dtype as DType, [numbers.length], numbers).data as Uint8Array
}

/** Bits of an index into a palette of so many values. */
export const paletteBits = (count: number): number => [1, 2, 4, 6, 8].find(bits => 1 << bits >= count)!

function paletteVal(
  name: ValueName,
  tensor: Tensor,
  palette: Float32Array,
  { program, read, float, graph }: Writing,
  turned: boolean,
): Val {
  const dtype = milType(name, { float, graph })
  const shape = turned ? tensor.shape.toReversed() : tensor.shape
  const bits = paletteBits(palette.length)
  const places = new Map(Array.from(palette, (value, i) => [value, i]))
  const values = Array.from({ length: 1 << bits }, (_, i) => palette[Math.min(i, palette.length - 1)])
  const indices = {
    dtype: 'uint8' as const,
    shape: [Math.ceil((bits * elementCount(shape)) / 8)],
    read: async () => {
      const bytes = await read(tensor)
      const moved = turned ? permutedBytes(tensor.dtype, bytes, tensor.shape, [1, 0]) : bytes
      const numbers = numbersIn(tensor, moved)
      return packedIndices(
        Uint8Array.from(numbers, x => places.get(inWidth(x, dtype))!),
        bits,
      )
    },
  }
  const lut: Attribute = { dtype, shape: [values.length], values }
  const size: Attribute = { dtype: 'uint32', shape: [shape.length], values: shape }
  const output = { name: program.name(name), dtype, shape }
  return program.constexpr('constexpr_lut_to_dense', { indices, lut, shape: size }, output)
}

/** A number as it is computed with. */
export const inWidth = (value: number, dtype: MilDType): number =>
  dtype === 'float16' ? fromHalf(toHalf(withinHalf(value))) : value

/** Low bits first; an index may lie in two bytes. */
function packedIndices(indices: Uint8Array, bits: number): Uint8Array {
  const out = new Uint8Array(Math.ceil((indices.length * bits) / 8))
  for (const [i, index] of indices.entries()) {
    const at = i * bits
    const shifted = index << (at & 7)
    out[at >> 3] |= shifted & 255
    if (shifted > 255) out[(at >> 3) + 1] |= shifted >> 8
  }
  return out
}

/** What a DequantizeLinear of a constant gives; null where its codes are computed. */
export function unpackedConstant(maker: Node, writing: Writing, turned = false): Val | null {
  const { graph, program, read } = writing
  const [codesName, scaleName, zeroName] = maker.inputs
  const codes = graph.constant(codesName)
  if (!codes) return null
  const scale = graph.constant(scaleName)
  const zero = graph.constant(zeroName)
  if (!scale || (zeroName != null && !zero))
    throw new Refused('its scales are computed, where constants are needed', 'Quantise the model here.')
  const name = maker.outputs[0]!
  const dtype = milType(name, writing)
  const { length: rank } = codes.shape
  const shape = turned ? codes.shape.toReversed() : codes.shape
  const block = attrInt(maker, 'block_size', 0)
  const own = attrInt(maker, 'axis', 1)
  const axis = turned ? rank - 1 - (own < 0 ? own + rank : own) : own < 0 ? own + rank : own
  const output = { name: program.name(name), dtype, shape }
  const turn = turned ? (bytes: Uint8Array) => permutedBytes(codes.dtype, bytes, codes.shape, [1, 0]) : null
  const codeBytes = async (): Promise<Uint8Array> => {
    const bytes = await read(codes)
    return turn ? turn(bytes) : bytes
  }
  const single = elementCount(scale.shape) === 1
  if (block === 0 && (codes.dtype === 'int8' || codes.dtype === 'uint8')) {
    const zeros = zero ?? { dtype: codes.dtype, shape: [], data: new Uint8Array(1) }
    const flat = (t: Tensor): readonly number[] => (elementCount(t.shape) === 1 ? [] : t.shape)
    return program.constexpr(
      'constexpr_affine_dequantize',
      {
        quantized_data: { dtype: codes.dtype, shape, read: codeBytes },
        zero_point: attribute(zeros, codes.dtype, flat(zeros), writing),
        scale: attribute(scale, dtype, flat(scale), writing),
        axis: int(single ? 0 : axis),
      },
      output,
    )
  }
  const four = /^(u?)int[24]$/.exec(codes.dtype)
  if (four || (block > 0 && /^u?int8$/.test(codes.dtype))) {
    program.needs(9)
    const stored = (four ? `${four[1]}int4` : codes.dtype) as MilDType & DType
    // One number for all, one for each channel, or one for each block.
    const grid = single
      ? shape.map(() => 1)
      : block > 0
        ? turned
          ? scale.shape.toReversed()
          : scale.shape
        : shape.map((n, i) => (i === axis ? n : 1))
    const parameter = (tensor: Tensor, as: MilDType): Attribute => ({
      dtype: as as DType,
      shape: grid,
      read: async () => {
        const bytes = await read(tensor)
        const moved = turned && block > 0 && !single ? permutedBytes(tensor.dtype, bytes, tensor.shape, [1, 0]) : bytes
        return converted(moved, tensor, as)
      },
    })
    return program.constexpr(
      'constexpr_blockwise_shift_scale',
      {
        data: { dtype: stored, shape, read: async () => converted(await codeBytes(), codes, stored) },
        scale: parameter(scale, dtype),
        ...(zero ? { offset: parameter(zero, stored) } : {}),
      },
      output,
    )
  }
  if (block > 0 || !/^(u?int16|int32)$/.test(codes.dtype))
    throw new Refused(`its codes are of ${codes.dtype}, which Core ML does not unpack`, 'Choose another format.')
  // Wider codes, as of biases, are kept as what they stand for.
  return program.constant(name, {
    dtype: dtype as DType,
    shape,
    read: async () => bytesAs(await dequantized(codes, scale, zero, axis, shape, codeBytes, read), dtype),
  })
}

async function dequantized(
  codes: Tensor,
  scale: Tensor,
  zero: Tensor | null,
  axis: number,
  shape: readonly number[],
  codeBytes: () => Promise<Uint8Array>,
  read: Writing['read'],
): Promise<Float32Array> {
  const numbers = numbersIn(codes, await codeBytes())
  const scales = numbersIn(scale, await read(scale))
  const zeros = zero ? numbersIn(zero, await read(zero)) : [0]
  const inner = elementCount(shape.slice(axis + 1))
  const channel = (i: number): number => (scales.length === 1 ? 0 : Math.floor(i / inner) % scales.length)
  return Float32Array.from({ length: numbers.length }, (_, i) => {
    const c = channel(i)
    return (numbers[i] - zeros[zeros.length === 1 ? 0 : c]) * scales[c]
  })
}

/** Float constants that hold few different values, with those in order: as palettes they take less room and lose nothing. */
export async function palettesOf(
  constants: Iterable<readonly [ValueName, Tensor]>,
  read: Writing['read'],
  float: 'float16' | 'float32',
): Promise<Map<ValueName, Float32Array>> {
  const palettes = new Map<ValueName, Float32Array>()
  for (const [name, tensor] of constants) {
    const count = elementCount(tensor.shape)
    if (!isFloat(tensor.dtype) || count < 256) continue
    const dtype = tensor.dtype === 'float16' ? 'float16' : float
    const values = new Set<number>()
    const numbers = numbersIn(tensor, await read(tensor))
    for (let i = 0; i < count && values.size <= 256; i++) values.add(inWidth(numbers[i], dtype))
    if (values.size > 256 || values.has(Number.NaN)) continue
    const bits = paletteBits(values.size)
    const width = dtype === 'float16' ? 2 : 4
    if ((count * bits) / 8 + (width << bits) < count * width) palettes.set(name, Float32Array.from(values).sort())
  }
  return palettes
}
