// Number formats of few bits, each described once: how a real in units of the scale becomes a code, what a code stands for, and in
// which ONNX type codes are kept. Quantiser, packing, simulation and export all follow from this.
import type { DType } from '../base/dtype.ts'
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from '../base/half.ts'
import { powerOfTwo } from '../base/math.ts'
import { roundHalfEven } from '../base/round.ts'
import { decodeFloat8, encodeFloat8, type Float8 } from './float8.ts'
import { type LevelsName, levelsOf, nearestLevel } from './levels.ts'

/** `qmin..qmax` of 2^bits codes; one bit has the codes -1 and 1. */
export interface IntFormat {
  kind: 'int'
  bits: number
  signed: boolean
}

/** A finite set of reals in [-1, 1]; a code is a position in its table. */
export interface LevelsFormat {
  kind: 'levels'
  name: LevelsName
}

/** Floating point of 8 bits, of which the scale makes the most. */
export interface Float8Format {
  kind: 'float8'
  name: Float8
}

/** Floating point that needs no scale. */
export interface HalfFormat {
  kind: 'half'
  name: 'float16' | 'bfloat16'
}

export type NumberFormat = IntFormat | LevelsFormat | Float8Format | HalfFormat

export const isInt = (format: NumberFormat): format is IntFormat => format.kind === 'int'

/** Bits that one number takes, as information: what the file spends may be more, see `containerOf`. */
export function bitsOfNumber(format: NumberFormat): number {
  switch (format.kind) {
    case 'int':
      return format.bits
    case 'levels':
      return levelsOf(format.name).bits
    case 'float8':
      return 8
    case 'half':
      return 16
  }
}

/** The ONNX type that holds codes of a format, the smallest that can: int3 lies in int4, int5 to int7 in int8. */
export function containerOf(format: NumberFormat): DType {
  if (format.kind === 'float8' || format.kind === 'half') return format.name
  const bits = bitsOfNumber(format)
  const signed = format.kind === 'int' && format.signed
  // A single bit is kept as -1 and 1.
  const wide = format.kind === 'int' && bits <= 2 ? 2 : bits <= 4 ? 4 : bits <= 8 ? 8 : 16
  return `${signed ? '' : 'u'}int${wide}` as DType
}

/** Whether scales of a format may be any reals: halves have none, and some tables want steps between them. */
export const hasFreeScale = (format: NumberFormat): boolean =>
  format.kind !== 'half' && (format.kind !== 'levels' || levelsOf(format.name).scalesPerOctave === null)

/** The largest real, in units of the scale, that the format has. */
export function largestOf(format: NumberFormat, restricted: boolean): number {
  switch (format.kind) {
    case 'int':
      return codesOf(format, restricted).qmax
    case 'levels':
      return 1
    case 'float8':
      return format.name === 'float8e4m3fn' ? 448 : 57344
    case 'half':
      return format.name === 'float16' ? 65504 : 3.3895313892515355e38
  }
}

/** Smallest and largest code of an integer format; `restricted` leaves out the most negative one. */
export function codesOf({ bits, signed }: IntFormat, restricted: boolean): { qmin: number; qmax: number } {
  if (bits === 1) return signed ? { qmin: -1, qmax: 1 } : { qmin: 0, qmax: 1 }
  const span = powerOfTwo(bits)
  if (!signed) return { qmin: 0, qmax: span - 1 }
  return { qmin: restricted ? 1 - span / 2 : -span / 2, qmax: span / 2 - 1 }
}

/** Codes of reals in units of the scale (zero points are the caller's) and back. */
export interface Coder {
  encode(unit: number): number
  decode(code: number): number
}

export function coderOf(format: NumberFormat, restricted: boolean): Coder {
  switch (format.kind) {
    case 'int': {
      if (format.bits === 1 && format.signed) return { encode: u => (u < 0 ? -1 : 1), decode: q => q }
      const { qmin, qmax } = codesOf(format, restricted)
      return { encode: u => Math.min(qmax, Math.max(qmin, roundHalfEven(u))), decode: q => q }
    }
    case 'levels': {
      const levels = levelsOf(format.name)
      return { encode: u => nearestLevel(levels, u), decode: q => levels.table[q] }
    }
    case 'float8':
      return { encode: u => encodeFloat8(format.name, u), decode: q => decodeFloat8(format.name, q) }
    case 'half':
      return format.name === 'float16'
        ? { encode: toHalf, decode: fromHalf }
        : { encode: toBfloat16, decode: fromBfloat16 }
  }
}
