// Weights of few bits in an .mnn file (MNN, source/core/IDSTDecoder.hpp, ConvolutionCommon.cpp): codes through a table of the
// values that occur, dense (type 1) or as steps between those that are not zero (type 2), halves (3), or bytes as they are (4).
// One scale for each row of the matrix [rows, elements of a filter], or for each block of a row.

import { StudioError } from '../base/errors.ts'
import { fromHalf } from '../base/half.ts'
import type { IdstQuan } from './mnn-schema.ts'

export type MnnWeights =
  | { kind: 'float16'; bits: Uint8Array } // little-endian halves
  | { kind: 'float32'; values: Float32Array }
  /** real = code × scale + offset, each scale for an equal share of the codes. */
  | { kind: 'codes'; codes: Int8Array; scale: Float32Array; offset: Float32Array | null; bits: number }

const broken = (node: string, what: string): StudioError =>
  new StudioError('malformed', `The packed weights of ${node} are damaged: ${what}`, {
    where: { node },
    hint: 'Copy or convert the model again.',
  })

/** `count` elements are wanted; `node` is named where they cannot be had. */
export function unpackWeights(quan: IdstQuan, count: number, node: string): MnnWeights {
  const alpha = quan.alpha ?? (quan.alphaFp16 ? Float32Array.from(quan.alphaFp16, fromHalf) : new Float32Array())
  if (quan.index) return { kind: 'float32', values: scattered(quan.index, alpha, count, node) }
  const buffer = quan.buffer ?? new Int8Array()
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  if (quan.type === 3) {
    if (bytes.length !== 2 * count) throw broken(node, `${bytes.length} bytes for ${count} halves`)
    return { kind: 'float16', bits: bytes }
  }
  const { codes, bits } = codesOf(quan, bytes, alpha, count, node)
  if (codes.length !== count) throw broken(node, `${codes.length} codes for ${count} weights`)
  // Files before 1.2 leave out what they take for granted.
  const old = quan.type === 4 && quan.aMin === 0 && Math.abs(quan.quantScale) < 1e-6
  const paired = quan.readType !== 0 || old
  const scales = paired ? alpha.length / 2 : alpha.length
  if (scales < 1 || count % scales !== 0) throw broken(node, `${alpha.length} scales for ${count} weights`)
  const factor = quan.has_scaleInt || old ? 1 : quan.quantScale
  if (!paired) return { kind: 'codes', codes, scale: alpha.map(a => a * factor), offset: null, bits }
  const smallest = quan.aMin === 0 ? -128 : quan.aMin
  const scale = new Float32Array(scales)
  const offset = new Float32Array(scales)
  for (let i = 0; i < scales; i++) {
    scale[i] = alpha[2 * i + 1] * factor
    offset[i] = (alpha[2 * i] - smallest * alpha[2 * i + 1]) * factor
  }
  return { kind: 'codes', codes, scale, offset, bits }
}

function scattered(index: Uint32Array, values: Float32Array, count: number, node: string): Float32Array {
  const dense = new Float32Array(count)
  for (const [i, at] of index.entries()) {
    if (at >= count || i >= values.length) throw broken(node, `an index of ${at} for ${count} weights`)
    dense[at] = values[i]
  }
  return dense
}

function codesOf(
  quan: IdstQuan,
  bytes: Uint8Array,
  alpha: Float32Array,
  count: number,
  node: string,
): { codes: Int8Array; bits: number } {
  if (quan.type === 4) return { codes: Int8Array.from(bytes.subarray(0, count)), bits: 8 }
  if (quan.type !== 1 && quan.type !== 2)
    throw new StudioError('unsupported', `The weights of ${node} are packed in the unknown way ${quan.type}`, {
      where: { node },
      hint: 'Convert the model again with MNN 3.6 or earlier.',
    })
  let at = 0
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw broken(node, 'they end too early')
    at += length
    return bytes.subarray(at - length, at)
  }
  const uint = (length: number): number => take(length).reduceRight((sum, byte) => sum * 256 + byte, 0)
  const rank = uint(1)
  const shape = Array.from({ length: rank }, () => uint(quan.shapeInt32 ? 4 : 2))
  const total = shape.reduce((n, d) => n * d, 1)
  if (rank === 0 || total !== count) throw broken(node, `a shape of [${shape}] for ${count} weights`)
  if (quan.type === 1) {
    const values = tableOf(take(uint(1) || 256))
    const width = bitsFor(values.length)
    const places = unpackBits(take(Math.ceil((width * count) / 8)), width, count)
    return { codes: places.map(p => valueAt(values, p, node)) as Int8Array, bits: width }
  }
  const filled = uint(4)
  const stepBits = uint(1)
  if (stepBits > 8 || filled > count) throw broken(node, `${filled} values in steps of ${stepBits} bits`)
  const steps = unpackBits(take(Math.ceil((stepBits * filled) / 8)), stepBits, filled)
  const values = tableOf(take(uint(1) || 256))
  const width = bitsFor(values.length)
  const places = unpackBits(take(Math.ceil((width * filled) / 8)), width, filled)
  const codes = background(alpha, shape[0], count, width)
  let position = 0
  for (let i = 0; i < filled; i++) {
    position += steps[i] & 255
    if (position >= count) throw broken(node, `a step to ${position} among ${count} weights`)
    codes[position] = valueAt(values, places[i], node)
  }
  return { codes, bits: width }
}

/** What is not listed stands for zero: the code 0, or the one nearest to real zero where codes have an offset. */
function background(alpha: Float32Array, rows: number, count: number, bits: number): Int8Array {
  const codes = new Int8Array(count)
  if (alpha.length !== 2 * rows) return codes
  const smallest = -(1 << (bits - 1))
  for (let row = 0; row < rows; row++) {
    const [min, scale] = [alpha[2 * row], alpha[2 * row + 1]]
    codes.fill(
      scale > 1e-6 ? Math.round(-min / scale) + smallest : smallest,
      (row * count) / rows,
      ((row + 1) * count) / rows,
    )
  }
  return codes
}

const tableOf = (bytes: Uint8Array): Int8Array => Int8Array.from(bytes).sort()
const bitsFor = (values: number): number => Math.max(1, 32 - Math.clz32(values - 1))

function valueAt(values: Int8Array, place: number, node: string): number {
  const at = place & 255
  if (at >= values.length) throw broken(node, `place ${at} in a table of ${values.length}`)
  return values[at]
}

/** `count` numbers of `width` bits, the first in the high bits of the first byte. */
function unpackBits(bytes: Uint8Array, width: number, count: number): Int8Array {
  const out = new Int8Array(count)
  const mask = (1 << width) - 1
  for (let i = 0; i < count; i++) {
    const bit = i * width
    const byte = bit >>> 3
    const pair = (bytes[byte] << 8) | (bytes[byte + 1] ?? 0)
    out[i] = (pair >>> (16 - width - (bit & 7))) & mask
  }
  return out
}

/** Codes of a matrix of `rows` rows as a buffer of type 1 whose table holds every value of `bits` bits. */
export function packWeights(codes: Int8Array, rows: number, bits: number): { buffer: Int8Array; shapeInt32: boolean } {
  const columns = codes.length / rows
  const wide = rows > 65535 || columns > 65535
  const values = 1 << bits
  const head = 1 + 2 * (wide ? 4 : 2) + 1 + values
  const bytes = new Uint8Array(head + Math.ceil((codes.length * bits) / 8))
  const view = new DataView(bytes.buffer)
  bytes[0] = 2
  for (const [i, size] of [rows, columns].entries())
    if (wide) view.setUint32(1 + 4 * i, size, true)
    else view.setUint16(1 + 2 * i, size, true)
  const table = head - values
  bytes[table - 1] = values & 255
  for (let i = 0; i < values; i++) bytes[table + i] = i - values / 2
  for (let i = 0; i < codes.length; i++) {
    const bit = i * bits
    const place = (codes[i] + values / 2) << (16 - bits - (bit & 7))
    bytes[head + (bit >>> 3)] |= place >>> 8
    if ((bit & 7) + bits > 8) bytes[head + (bit >>> 3) + 1] |= place & 255
  }
  return { buffer: new Int8Array(bytes.buffer), shapeInt32: wide }
}
